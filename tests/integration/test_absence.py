"""What is taken for gone: only kinds that a cluster which is ready, and shows all it has, is proven to lack."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import urllib3

from k8s_inventory.cloudquery.source import Source
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, find_custom, sync_kinds
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import Rejected, wait_until
from tests.cluster.custom_kinds import CRDS, definition, make_object, many_kinds, object_path
from tests.cluster.objects import namespace
from tests.conftest import IMPATIENT
from tests.equality import query_rows

MANY = 30


@pytest.fixture(scope="module")
def many(start_cluster: Callable[..., Cluster]) -> Cluster:
    """Thirty CRDs, each of a group of its own, and an object of each."""
    cluster = start_cluster()
    cluster.create("/api/v1/namespaces", namespace("custom"))
    for given in many_kinds(MANY):
        cluster.create(CRDS, definition(given))
    for given in many_kinds(MANY):
        cluster.until_served(object_path(given))
        make_object(cluster, given, "one", given["objects"][0])
    return cluster


def _source(config: Path, **spec: Any) -> Source:
    return Source(json.dumps({"kubeconfig": str(config), "resources": ["custom"], **spec}).encode(), run_id="test")


def _read(source: Source) -> tuple[list[str], int]:
    """The problems of a sync, and how many rows it would send."""
    problems, rows = [], 0
    for target in source.read(source.kinds(), threading.Event()):
        with target.spool as spool:
            rows += sum(pa.ipc.open_stream(record).read_all().num_rows for record in spool.records())
        if target.problem:
            problems.append(target.problem)
    return problems, rows


@contextmanager
def _starting(cluster: Cluster) -> Iterator[threading.Event]:
    """From the moment in which an API server that was ended answers again; the event is set when it is ready."""
    ready = threading.Event()

    def start() -> None:
        cluster.upgrade()
        ready.set()

    def answers() -> bool:
        try:
            cluster.request("GET", "/apis")
        except (Rejected, urllib3.exceptions.HTTPError, OSError):
            return False
        return True

    cluster.end_api_server()
    starting = threading.Thread(target=start)
    starting.start()
    wait_until(answers, "the API server answers")
    try:
        yield ready
    finally:
        starting.join()


@pytest.mark.parametrize("with_store", [False, True], ids=["stream", "store"])
def test_no_sync_of_an_api_server_that_starts_ends_well_without_all_kinds(
    many: Cluster, tmp_path: Path, database_url: str, with_store: bool
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig({"test": many}))
    given = {"database_url": database_url} if with_store else {}
    assert _read(_source(path, **given)) == ([], MANY)
    for number in range(4):
        with _starting(many):
            problems, rows = _read(_source(path, **given))
        assert problems or rows == MANY, f"restart {number} ended well with {rows} rows"
        if with_store:
            with Store.connect(database_url) as store:
                assert len(query_rows(store, "SELECT uid FROM k8s_custom_objects")) == MANY


def _find_and_sync(store: Store, context: Context, run: str, *include: str) -> tuple[Result, dict[str, Result]]:
    settings = Settings.load({"requests_per_second": 1000})
    with Session(context, IMPATIENT) as session:
        found, kinds = find_custom(session, store, Custom(include or ("*",)), run=Run(run), settings=settings)
        results = sync_kinds(session, [store, store], kinds, run=Run(run), settings=settings)
        return found, {result.kind: result for result in results}
