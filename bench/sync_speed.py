"""How long a sync takes, as a ratio to the bare paged download of the same bytes, in one run.

    make bench                                  # 10,000 pods
    python -m bench.sync_speed --pods 2000 --rounds 3
    python -m bench.sync_speed --postgres 15    # Debian's, where it is installed: it has lz4, the embedded one has not
    python -m bench.sync_speed --privacy        # also what redaction costs a first load

Every round measures each way once, so that a noisy machine is noisy for all of them; the median ratio counts.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3

from bench.setting import Setting, bench_setting
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run, sync_target
from tests import databases
from tests.cluster.cluster import ADMIN

PODS = KINDS["pods"]
BOUNDS = {
    "nothing changed": 0.35,
    "1% changed": 0.6,
    "everything changed": 2.1,
    "nothing changed, whole": 1.15,
    "everything changed, whole": 2.1,
    "first load": 1.8,
}
"""`whole`: without asking for metadata first."""
PRIVACY: dict[str, dict[str, Any]] = {
    "first load, redact_env off": {"redact_env": False},
    "first load, strict": {"privacy": "strict"},
}


def download(pool: urllib3.HTTPSConnectionPool) -> int:
    """The floor: every page as bytes, nothing decoded but the continue token."""
    token, total = "", 0
    while True:
        query = {"limit": 500, **({"continue": token} if token else {})}
        answer = pool.request(
            "GET", f"/api/v1/pods?{urlencode(query)}", headers={"Authorization": f"Bearer {ADMIN.token}"}
        )
        total += len(answer.data)
        head = answer.data[: answer.data.find(b'"items":[')] + b'"items":[]}'
        token = msgspec.json.decode(head)["metadata"].get("continue", "")
        if not token:
            return total


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(
    setting: Setting, rounds: int, privacy: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds of each way, round by round, and those of this process's CPU."""
    context = kubeconfig_contexts(str(setting.kubeconfig))["bench"]
    pool = setting.cluster._pool()
    times: dict[str, list[float]] = {name: [] for name in ("download", *BOUNDS, *privacy)}
    cpu: dict[str, list[float]] = {name: [] for name in times}

    def timed(name: str, work: Callable[[], object]) -> None:
        start = time.process_time()
        times[name].append(seconds(work))
        cpu[name].append(time.process_time() - start)

    with Store.connect(setting.database_url) as store, Session(context) as session:
        store.migrate()

        def sync(expected: int | None, **settings: Any) -> None:
            chosen = Settings.load({"database_url": setting.database_url, **settings})
            result = sync_target(session, store, PODS, run=Run("bench"), settings=chosen).attempt
            assert result.outcome == "complete", result
            assert expected is None or result.changed == expected, result

        def change(share: float, *, metadata_first: str) -> int:
            """As if so many had changed, here and there; returns how many."""
            found = store.connection.execute(
                "UPDATE k8s_pods SET resource_version = '1'"
                " WHERE uid IN (SELECT uid FROM k8s_pods ORDER BY md5(name) LIMIT %s)",
                [round(objects * share)],
            ).rowcount
            store.connection.execute("UPDATE k8s_sync_targets SET metadata_first = %s", [metadata_first])
            store.connection.execute("VACUUM (ANALYZE) k8s_pods")
            store.connection.execute("CHECKPOINT")
            return found

        sync(None)
        objects = store.connection.execute("SELECT count(*) FROM k8s_pods").fetchone()[0]  # type: ignore[index]
        for _ in range(rounds):
            timed("download", lambda: download(pool))
            for name, share in {"nothing changed": 0.0, "1% changed": 0.01, "everything changed": 1.0}.items():
                timed(name, partial(sync, change(share, metadata_first="yes")))
                if share != 0.01:
                    timed(f"{name}, whole", partial(sync, change(share, metadata_first="no")))
            for name, settings in {**privacy, "first load": {}}.items():
                store.connection.execute("TRUNCATE k8s_pods")
                store.connection.execute("CHECKPOINT")
                timed(name, partial(sync, objects, **settings))
            store.connection.execute("VACUUM (ANALYZE) k8s_pods")
    return times, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--postgres", type=int, default=18, choices=databases.VERSIONS, help="15 has lz4")
    parser.add_argument("--privacy", action="store_true", help="also what redaction costs a first load")
    options = parser.parse_args()
    with bench_setting(options.pods, options.postgres) as setting:
        times, cpu = measure(setting, options.rounds, PRIVACY if options.privacy else {})
    print(f"{options.pods} pods, PostgreSQL {options.postgres}, median of {options.rounds} rounds")
    print(f"{'':<26} {'seconds':>8} {'ratio':>6} {'bound':>6} {'CPU':>6}")
    for name, values in times.items():
        ratio = statistics.median(value / floor for value, floor in zip(values, times["download"], strict=True))
        taken, used = statistics.median(values), statistics.median(cpu[name])
        print(f"{name:<26} {taken:>8.2f} {ratio:>6.2f} {BOUNDS.get(name, ''):>6} {used:>6.2f}")
    for what, of, bound in (("CPU", cpu, 0.5), ("seconds", times, 1.05)):
        name = "nothing changed" if of is cpu else "everything changed"
        ratio = statistics.median(a / b for a, b in zip(of[name], of[f"{name}, whole"], strict=True))
        print(f"{name}, {what} as a ratio to those of reading it whole: {ratio:.2f} (bound {bound})")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
