"""How long a change in the cluster takes to be a row, while a run of mode `watch` holds its watches open.

    python -m bench.watch                           # 100 changes a second for a minute, all kinds watched
    python -m bench.watch --rate 50 --seconds 30
    python -m bench.watch --rate 20 --seconds 900 --memory-every 60

Each change is the update of an annotation that holds the time at which it was sent; the table is looked at every 50 ms
for when it shows. The updates of an object are further apart than that, so that none hides another.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import psutil
import psycopg

from bench.setting import Setting, bench_setting
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run, Sync, Targets
from k8s_inventory.sync.configured import open_session
from tests.cluster import wait_until

OBJECTS = 500
PATH = "/api/v1/namespaces/load-0/configmaps"
BOUND = 2.0
"""Seconds, at the 99th percentile."""


def change(setting: Setting, rate: int, seconds: int) -> None:
    """So many updates a second, of `OBJECTS` ConfigMaps in turn."""
    start = time.monotonic()

    def one(number: int) -> None:
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        annotation = {"metadata": {"annotations": {"sent": str(time.time())}}}
        setting.cluster.patch(f"{PATH}/o-{number % OBJECTS}", annotation)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(rate * seconds)))


def hold_open(kubeconfig: str, database_url: str) -> None:
    """What the task of a context does, in a process of its own."""
    context, settings, stopped = kubeconfig_contexts(kubeconfig)["bench"], Settings.load({}), threading.Event()
    sync = Sync(
        [Targets("bench", lambda: open_session(context, settings, stopped=stopped), list(KINDS.values()))],
        run=Run("watch", mode="watch"),
        settings=settings,
        open_store=lambda: Store.connect(database_url),
        hold=7200,
        stopped=stopped,
    )
    list(sync.results())


def megabytes(pid: int | None) -> float:
    return float(psutil.Process(pid).memory_info().rss / (1 << 20))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--memory-every", type=int, help="seconds after which it says what the process has, each time")
    given = parser.parse_args()
    with bench_setting(given.pods) as setting:
        cluster = setting.cluster
        cluster.create_all((PATH, {"metadata": {"name": f"o-{number}"}}) for number in range(OBJECTS))
        with Store.connect(setting.database_url) as store:
            store.migrate()
        held = get_context("spawn").Process(
            target=hold_open, args=(str(setting.kubeconfig), setting.database_url), daemon=True
        )
        held.start()
        found: list[float] = []
        with psycopg.connect(setting.database_url, autocommit=True) as connection:

            def is_watched() -> bool:
                query = (
                    "SELECT count(*) FROM k8s_sync_status WHERE mode = 'watch' AND pages = 0 AND outcome = 'complete'"
                )
                ((count,),) = connection.execute(query.encode()).fetchall()
                return bool(count >= len(KINDS) - 1)  # of Events there may be none to tell how far it is

            wait_until(is_watched, "all kinds are watched", seconds=300)
            done = threading.Event()
            seen: dict[str, float] = {}

            def look() -> None:
                """When each change shows: between two looks."""
                query = "SELECT name, annotations ->> 'sent' FROM k8s_configmaps WHERE annotations ? 'sent'"
                with psycopg.connect(setting.database_url, autocommit=True) as mine:
                    while not done.wait(0.05):
                        rows = mine.execute(query.encode()).fetchall()
                        now = time.time()
                        for name, sent in rows:
                            if seen.get(name) != float(sent):
                                seen[name] = float(sent)
                                found.append(now - float(sent))

            looking = threading.Thread(target=look)
            looking.start()

            def weigh() -> None:
                began = time.monotonic()
                while not done.wait(given.memory_every):
                    print(f"after {time.monotonic() - began:.0f} s: {megabytes(held.pid):.1f} MB", flush=True)

            weighing = threading.Thread(target=weigh)
            if given.memory_every:
                weighing.start()
            memory = megabytes(held.pid)
            change(setting, given.rate, given.seconds)
            time.sleep(5)
            done.set()
            looking.join()
            if given.memory_every:
                weighing.join()
            grown = megabytes(held.pid) - memory
        held.terminate()
        held.join()
    found.sort()
    print(
        f"{len(found)} changes seen of {given.rate * given.seconds}: median {statistics.median(found):.2f} s, "
        f"p99 {found[int(len(found) * 0.99)]:.2f} s (bound {BOUND}), most {found[-1]:.2f} s; "
        f"memory grew by {grown:.1f} MB"
    )


if __name__ == "__main__":
    main()
