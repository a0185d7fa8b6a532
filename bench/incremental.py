"""What a run costs that goes on from where the rows are, as a ratio to the first full load, in one run.

    python -m bench.incremental                   # 100,000 objects in 60 kinds, 50 changes
    python -m bench.incremental --objects 10000 --rounds 3

Each run is a process of its own, which begins when all is imported. The least of several rounds counts.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import h2.connection  # noqa: F401 - what a watch imports, too
import psutil
import psycopg

from bench.setting import Setting, bench_setting
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Run, Sync, Targets
from k8s_inventory.sync.configured import open_session
from tests.cluster import Cluster
from tests.cluster.cluster import Object
from tests.cluster.objects import crd, deployment, namespace

WITH = "with the database's"
CHANGES = 50
NAMESPACE = "bench"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CPU, BYTES, SECONDS = 0.05, 0.05, 5.0
"""Bounds: of the full load's, and of the clock."""


def objects(count: int) -> Iterator[tuple[str, Object]]:
    """So many, beside the pods: of a few kinds, as clusters have most of them."""
    for number in range(count):
        name, labels = f"o-{number}", {"app": f"app-{number % 500}", "team": f"team-{number % 7}"}
        metadata = {"name": name, "labels": labels}
        match number % 8:
            case 0 | 1:
                made = {"metadata": metadata, "data": {f"key-{each}": "value " * 20 for each in range(6)}}
                yield f"/api/v1/namespaces/{NAMESPACE}/configmaps", made
            case 2:
                secret = {"metadata": metadata, "stringData": {"user": "u", "password": "p"}}
                yield f"/api/v1/namespaces/{NAMESPACE}/secrets", secret
            case 3:
                yield f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": metadata}
            case 4:
                made = deployment(name, replicas=2)
                yield f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets", made
            case 5:
                rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"], "resourceNames": [name]}
                path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles"
                yield path, {"metadata": metadata, "rules": [rule]}
            case 6:
                made = {
                    "apiVersion": "bench.example/v1",
                    "kind": "Thing",
                    "metadata": metadata,
                    "spec": {"size": number},
                }
                yield f"/apis/bench.example/v1/namespaces/{NAMESPACE}/things", made
            case _:
                yield f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", deployment(name, replicas=0)


def fill(cluster: Cluster, count: int) -> None:
    cluster.create("/api/v1/namespaces", namespace(NAMESPACE))
    for plural in ("things", "gadgets", "parts"):
        cluster.create(CRDS, crd(plural, "bench.example"))
        cluster.until_served(f"/apis/bench.example/v1/namespaces/{NAMESPACE}/{plural}")
    cluster.create_all(objects(count))


def change(cluster: Cluster, round_: int) -> None:
    """`CHANGES` of them, of all these kinds."""
    paths = [(path, made["metadata"]["name"]) for path, made in objects(CHANGES)]
    for path, name in paths:
        cluster.patch(f"{path}/{name}", {"metadata": {"labels": {"round": str(round_)}}})


def _run(setting: Setting, mode: str, number: int, answer: Connection) -> None:
    context = kubeconfig_contexts(str(setting.kubeconfig))["bench"]
    settings = Settings.load({})
    cpu, start = time.process_time(), time.monotonic()
    sync = Sync(
        [Targets("bench", lambda: open_session(context, settings), list(KINDS.values()), Custom(("*.bench.example",)))],
        run=Run(f"{mode}-{number}", mode=mode),
        settings=settings,
        open_store=lambda: Store.connect(setting.database_url),
        kinds_at_once=settings.kinds_at_once,
    )
    results = list(sync.results())
    found: dict[str, Any] = {"seconds": time.monotonic() - start, "cpu": time.process_time() - cpu}
    found["bytes"] = sum(each.attempt.bytes for each in results)
    found["changed"] = sum(each.attempt.changed for each in results if each.kind != "leases")
    found["objects"] = sum(each.attempt.objects for each in results if each.kind != "custom")
    found["pages"] = sum(each.attempt.pages for each in results)
    found["kinds"] = len(results) - 1
    found["not complete"] = {each.kind: each.error for each in results if each.outcome not in ("complete", "absent")}
    answer.send(found)


def database_cpu(database_url: str) -> float:
    """Seconds that the server's processes have taken so far, those that have ended included."""
    with psycopg.connect(database_url) as connection:
        ((text,),) = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchall()
    server = psutil.Process(int(text.split()[0]))
    while True:
        try:
            times = [server.cpu_times(), *(each.cpu_times() for each in server.children())]
            break
        except psutil.NoSuchProcess:  # one has ended in between, and counts to the server by now
            continue
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


def run(setting: Setting, mode: str, number: int) -> dict[str, Any]:
    """A run in a process of its own, which has everything imported when it begins."""
    before = database_cpu(setting.database_url)
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_run, args=(setting, mode, number, there))
    process.start()
    found: dict[str, Any] = here.recv()
    process.join()
    found["with the database's"] = found["cpu"] + database_cpu(setting.database_url) - before
    print(f"{mode}: {json.dumps(found)}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    pods = given.objects // 10
    with bench_setting(pods) as setting:
        start = time.monotonic()
        fill(setting.cluster, given.objects - pods)
        print(f"filled in {time.monotonic() - start:.0f} s", flush=True)
        with Store.connect(setting.database_url) as store:
            store.migrate()
        full = run(setting, "full", 0)
        run(setting, "incremental", 0)  # what the first one leaves too old is listed
        rounds = []
        for number in range(1, given.rounds + 1):
            change(setting.cluster, number)
            rounds.append(run(setting, "incremental", number))
        quiet = [run(setting, "incremental", given.rounds + number) for number in range(1, 3)]
    for name, found in (("50 changes", rounds), ("nothing changed", quiet)):
        cpu, size, seconds, all_ = (
            min(each[what] for each in found) for what in ("cpu", "bytes", "seconds", "with the database's")
        )
        print(
            f"{name:<16} CPU {all_:.2f} s, {all_ / full[WITH]:.3f} of the full load's (bound {CPU}), "
            f"without the database's {cpu:.2f} s, {cpu / full['cpu']:.3f}; "
            f"bytes {size:,}, {size / full['bytes']:.4f} (bound {BYTES}); {seconds:.1f} s (bound {SECONDS})"
        )


if __name__ == "__main__":
    main()
