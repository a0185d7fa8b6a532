"""A sync in a process of its own: its memory can be measured there, and an attack that succeeds hurts nobody else."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Run, find_custom, sync_target
from k8s_inventory.sync.configured import open_session

_ADDRESS_SPACE = 4 << 30


@dataclass(frozen=True)
class Apart:
    """How the target ended, and by how many megabytes the process grew for it."""

    outcome: str
    error: str | None
    warning: str | None
    objects: int
    megabytes: float
    seconds: float


def sync_apart(context: Context, kind: str, database_url: str, **settings: Any) -> Apart:
    """Syncs a declared kind, or a custom one by `plural.group`, into an inventory that is made already."""
    (done,) = sync_each_apart(context, [kind], database_url, **settings)
    return done


def sync_each_apart(context: Context, kinds: Sequence[str], database_url: str, **settings: Any) -> list[Apart]:
    """The same for several kinds, one after another in one process; each has the growth up to its end."""
    given = {
        "kubeconfig": context.kubeconfig,
        "context": context.context,
        "name": context.name,
        "kinds": list(kinds),
        "database_url": database_url,
        "settings": {"requests_per_second": 1000, **settings},
    }
    command = [sys.executable, "-m", "tests.apart"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, input=json.dumps(given), env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"it ended with {done.returncode}: {done.stderr[-2000:]}"
    return [Apart(**each) for each in json.loads(done.stdout)]


def _peak() -> float:
    """Megabytes. Not `ru_maxrss`, which a process has from the one that started it."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _main() -> None:
    given = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    settings = Settings.load(given["settings"])
    context = Context(name=given["name"], kubeconfig=given["kubeconfig"], context=given["context"])
    done = []
    with Store.connect(given["database_url"]) as store, open_session(context, settings) as session:
        before = _peak()
        for name in given["kinds"]:
            run = Run(f"apart-{uuid.uuid4()}")  # in one run, a dead context would be tried once
            start, kind = time.monotonic(), KINDS.get(name)
            if kind is None:
                _, (kind,) = find_custom(session, store, Custom((name,)), run=run, settings=settings)
            attempt = sync_target(session, store, kind, run=run, settings=settings).attempt
            measured = {"megabytes": _peak() - before, "seconds": time.monotonic() - start}
            told = {name: getattr(attempt, name) for name in ("outcome", "error", "warning", "objects")}
            done.append(told | measured)
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    _main()
