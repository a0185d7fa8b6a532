"""What a benchmark runs against: a real API server full of pods, and the embedded PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import databases
from tests.cluster import Cluster, kubeconfig
from tests.cluster.objects import load_pods


@dataclass(frozen=True)
class Setting:
    cluster: Cluster
    kubeconfig: Path
    database_url: str


@contextmanager
def bench_setting(pods: int, postgres: int = 18) -> Iterator[Setting]:
    """A cluster with so many pods of about 9 kB, and an empty database of that version. Both end with the block."""
    folder = Path(tempfile.mkdtemp(prefix="k8s-inventory-bench-"))
    folder.chmod(0o755)
    server = None
    try:
        with Cluster.start(folder / "cluster") as cluster:
            load_pods(cluster, pods)
            config = folder / "kubeconfig"
            config.write_text(kubeconfig({"bench": cluster}))
            (folder / "postgres").mkdir()
            server = databases.start(postgres, folder / "postgres")
            yield Setting(cluster, config, server.url("postgres"))
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
