"""What is taken for gone: only kinds that a cluster which is ready, and shows all it has, is proven to lack."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import urllib3

from k8s_inventory.cloudquery.source import Source
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import JSON, Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Store, forget_context
from k8s_inventory.sync import Custom, Run, find_custom
from tests.cluster import Cluster, kubeconfig
from tests.cluster.aggregated import Aggregated
from tests.cluster.cluster import Rejected, User, wait_until
from tests.cluster.custom_kinds import CRDS, definition, make_object, many_kinds, object_path
from tests.cluster.objects import crd, namespace
from tests.conftest import IMPATIENT, again
from tests.equality import query_rows
from tests.proxy import Answer, Proxy
from tests.syncing import sync_kinds

MANY = 30
HASTY = replace(IMPATIENT, longest_look=1)


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
    given = {"kubeconfig": str(config), "resources": ["custom"], **spec}
    return Source(json.dumps(given).encode(), run_id=uuid.uuid4().hex)


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


def _find_and_sync(
    store: Store, context: Context, run: str, *include: str, **settings: Any
) -> tuple[Attempt, dict[str, Attempt]]:
    """How discovery and each custom kind ended."""
    chosen = Settings.load({"requests_per_second": 1000, **settings})
    with Session(context, HASTY) as session:
        found, kinds = find_custom(session, store, Custom(include or ("*",)), run=Run(run), settings=chosen)
        results = sync_kinds(session, again(store), kinds, run=Run(run), settings=chosen)
        return found.attempt, {result.kind: result.attempt for result in results}


def _count(store: Store, where: str = "true") -> int:
    (row,) = query_rows(store, f"SELECT count(*)::integer AS count FROM k8s_custom_objects WHERE {where}")
    found: int = row["count"]
    return found


# -- a cluster, and what stands before it ------------------------------------------------------------


SOME = ("*.many10.*", "*.many11.*", "*.many12.*", "*.many2.*")
"""Kinds, the first three of which get hidden. A proxy makes a connection for each request, so thirty take a while."""


@pytest.fixture
def before_many(many: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    _read_impatiently(monkeypatch)
    with Proxy(many) as made:
        yield made


def _read_impatiently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the source's sessions such as those of all tests here."""

    def open_impatient(context: Context, settings: Settings, *, stopped: threading.Event) -> Session:
        return Session(context, HASTY, stopped=stopped)

    monkeypatch.setattr("k8s_inventory.cloudquery.source.open_session", open_impatient)


def _is_hidden(name: str) -> bool:
    return (name.endswith("example.com") and name.partition(".")[2].startswith("many1")) or name.startswith("many1")


def _groups_hidden(path: str, real: Answer) -> Answer:
    """Discovery and lists without the groups `many1*.example.com`."""
    if path.startswith("/apis/many1"):
        return Answer(404, b"404 page not found\n", {"Content-Type": "text/plain"})
    if path != "/apis":
        return real
    value = real.json
    name = "items" if "items" in value else "groups"
    value[name] = [
        each for each in value[name] if not each.get("name", each.get("metadata", {}).get("name")).startswith("many1")
    ]
    return real.with_json(value)


def _lists_hidden(path: str, real: Answer) -> Answer:
    """The lists of CRDs and APIServices without those of the groups that are hidden."""
    if not path.partition("?")[0].endswith(("/customresourcedefinitions", "/apiservices")):
        return real
    value = real.json
    if value["kind"] == "Table":
        value["rows"] = [each for each in value["rows"] if not _is_hidden(each["cells"][0])]
    else:
        value["items"] = [each for each in value["items"] if not _is_hidden(each["metadata"]["name"].split(".", 1)[1])]
    return real.with_json(value)


FORBIDDEN = Answer(403, json.dumps({"kind": "Status", "code": 403, "message": "forbidden to you"}).encode())
NOT_FOUND = Answer(404, json.dumps({"kind": "Status", "code": 404}).encode())


class _Hiding:
    """Hides some groups. `spoilt` are answers by path, `lists` whether CRDs and APIServices are hidden, too, and
    `every_second_look` whether discovery shows them at every second look."""

    def __init__(
        self, lists: bool = True, spoilt: dict[str, Answer] | None = None, every_second_look: bool = False
    ) -> None:
        self.lists, self.spoilt, self.every_second_look = lists, spoilt or {}, every_second_look
        self.looks = 0

    def __call__(self, path: str, real: Answer) -> Answer:
        plain = path.partition("?")[0]
        if plain in self.spoilt:
            return self.spoilt[plain]
        self.looks += path == "/readyz"
        if self.lists:
            real = _lists_hidden(path, real)
        if self.every_second_look and self.looks % 2 and path == "/apis" and "items" in real.json:
            return real
        return _groups_hidden(path, real)


SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
HTML = Answer(200, b"<html>log in</html>")
NO_PROOF = {
    "CRDs and APIServices are there": (_Hiding(lists=False), "for which the APIService|the APIService .* stands"),
    "not ready": (_Hiding(spoilt={"/readyz": Answer(500, b"[-]poststarthook/crds failed")}), "not ready"),
    "readiness is forbidden": (_Hiding(spoilt={"/readyz": FORBIDDEN}), "/readyz: forbidden"),
    "readiness is nowhere": (_Hiding(spoilt={"/readyz": NOT_FOUND}), "/readyz"),
    "readiness is a page": (_Hiding(spoilt={"/readyz": HTML}), "not that of an API server"),
    "CRDs are forbidden": (_Hiding(spoilt={CRDS: FORBIDDEN}), "customresourcedefinitions: forbidden"),
    "APIServices are forbidden": (_Hiding(spoilt={SERVICES: FORBIDDEN}), "apiservices: forbidden"),
    "discovery changes": (_Hiding(every_second_look=True), "differs from one look to the next"),
    "no core": (_Hiding(spoilt={"/api": Answer(200, b'{"kind":"APIVersions","versions":[]}')}), "lacks namespaces"),
}


@pytest.mark.parametrize("how", NO_PROOF)
def test_what_is_no_proof_takes_no_rows_and_ends_no_stream_well(
    before_many: Proxy, tmp_path: Path, store: Store, how: str
) -> None:
    hiding, said = NO_PROOF[how]
    _find_and_sync(store, before_many.context, "1", *SOME)
    assert _count(store) == len(SOME)
    before_many.spoil = hiding
    found, results = _find_and_sync(store, before_many.context, "2", *SOME)
    assert _count(store) == len(SOME)
    gone = {name: each for name, each in results.items() if "many1" in name}
    assert len(gone) == 3
    assert all(each.outcome != "complete" for each in gone.values())
    assert all("its rows stay" in str(each.error) for each in gone.values())
    assert any(re.search(said, str(each.error)) for each in gone.values()), next(iter(gone.values()))
    if "forbidden" in how:
        assert (found.outcome, bool(re.search(said, str(found.warning)))) == ("complete", True), found
    else:
        assert (found.outcome, bool(re.search(said, str(found.error)))) == ("failed", True), found

    path = tmp_path / "proxied"
    path.write_text(json.dumps(before_many.context.kubeconfig))
    for given in ({}, {"database_url": store.connection.info.dsn}):
        problems, _ = _read(_source(path, resources=SOME, **given))
        assert any(re.search(said, each) for each in problems), problems
    assert _count(store) == len(SOME)


def test_what_everything_agrees_on_is_gone_and_costs_two_looks(
    before_many: Proxy, tmp_path: Path, store: Store
) -> None:
    _find_and_sync(store, before_many.context, "1", *SOME)
    before_many.spoil = _Hiding()
    before_many.requests.clear()
    found, results = _find_and_sync(store, before_many.context, "2", *SOME)
    assert found.outcome == "complete"
    gone = {name: (each.outcome, each.deleted) for name, each in results.items() if "many1" in name}
    assert gone == dict.fromkeys(gone, ("absent", 1))
    assert len(gone) == 3
    assert _count(store) == 1
    assert before_many.requests.count("/readyz") == 2
    path = tmp_path / "proxied"
    path.write_text(json.dumps(before_many.context.kubeconfig))
    assert _read(_source(path, resources=SOME)) == ([], 1)
    assert len(_find_and_sync(store, before_many.context, "3", *SOME)[1]) == 1, "what is gone is not asked for again"


def test_kinds_that_go_while_they_are_read_cost_two_looks_together(before_many: Proxy, store: Store) -> None:
    _find_and_sync(store, before_many.context, "1", *SOME)
    settings = Settings.load({"requests_per_second": 1000})
    with Session(before_many.context, HASTY) as session:
        _, kinds = find_custom(session, store, Custom(("*",)), run=Run("2"), settings=settings)
        before_many.spoil = _Hiding()
        before_many.requests.clear()
        results = list(sync_kinds(session, again(store), kinds, run=Run("2"), settings=settings))
    assert sum(result.absence_proven for result in results) == 11
    assert before_many.requests.count("/readyz") == 2


def test_a_kind_that_goes_at_a_bad_moment_is_looked_after_until_its_rows_are(before_many: Proxy, store: Store) -> None:
    _find_and_sync(store, before_many.context, "1", *SOME)
    before_many.spoil = _Hiding(spoilt={"/readyz": FORBIDDEN, "/apis/many10.example.com/v1/thing0010s": NOT_FOUND})
    _, results = _find_and_sync(store, before_many.context, "2", *SOME)
    name = next(each for each in results if each.endswith("many10.example.com"))
    assert results[name].outcome == "absent"
    assert _count(store) == len(SOME)
    before_many.spoil = _Hiding()
    _, results = _find_and_sync(store, before_many.context, "3", *SOME)
    assert (results[name].outcome, results[name].deleted) == ("absent", 1)
    assert name not in _find_and_sync(store, before_many.context, "4", *SOME)[1]


def test_forgetting_a_context_leaves_no_rows_of_kinds_that_seemed_to_be_gone(before_many: Proxy, store: Store) -> None:
    _find_and_sync(store, before_many.context, "1", *SOME)
    store.connection.execute("UPDATE k8s_sync_runs SET outcome = 'absent' WHERE kind LIKE '%many1%'")
    forget_context(store, "proxied")
    assert _count(store) == 0


@pytest.mark.parametrize("namespaces", [["custom"], ["cust*"]])
def test_under_namespaces_a_kind_that_is_gone_is_absent(
    before_many: Proxy, store: Store, namespaces: list[str]
) -> None:
    _find_and_sync(store, before_many.context, "1", *SOME, namespaces=namespaces)
    assert _count(store) == len(SOME)
    before_many.spoil = _Hiding(spoilt={"/readyz": FORBIDDEN})
    _, results = _find_and_sync(store, before_many.context, "2", *SOME, namespaces=namespaces)
    assert _count(store) == len(SOME)
    assert {each.outcome for name, each in results.items() if "many1" in name} == {"failed"}
    before_many.spoil = _Hiding()
    _, results = _find_and_sync(store, before_many.context, "3", *SOME, namespaces=namespaces)
    assert {each.outcome for name, each in results.items() if "many1" in name} == {"absent"}
    assert _count(store) == 1


# -- a group of two sources --------------------------------------------------------------------------

GROUP = "two.example"
READER = User("reader")


@pytest.fixture
def two(start_cluster: Callable[..., Cluster]) -> Iterator[tuple[Cluster, Aggregated]]:
    """`things` of a CRD's v1, and others by the same name of an aggregated v2, which has `extras`, too."""
    cluster = start_cluster(users=[READER])
    cluster.grant(READER, [{"apiGroups": [GROUP], "resources": ["*"], "verbs": ["list"]}])
    cluster.create(CRDS, crd("things", GROUP))
    path = f"/apis/{GROUP}/v1/namespaces/default/things"
    cluster.until_served(path)
    cluster.create(path, {"apiVersion": f"{GROUP}/v1", "kind": "Thing", "metadata": {"name": "of-v1"}})
    kinds = {"things": "Thing", "extras": "Extra"}
    second = Aggregated(cluster, group=GROUP, version="v2", kinds=kinds, names=["of-v2", "more-of-v2"])
    second.register()
    second.start()
    yield cluster, second
    second.end()


OF_V2 = [
    ("extras", "v2", "more-of-v2"),
    ("extras", "v2", "of-v2"),
    ("things", "v2", "more-of-v2"),
    ("things", "v2", "of-v2"),
]


def _of_two(store: Store) -> list[tuple[str, str, str]]:
    query = "SELECT plural, version, name FROM k8s_custom_objects ORDER BY plural, version, name"
    return [(row["plural"], row["version"], row["name"]) for row in query_rows(store, query)]


def test_a_source_that_is_down_is_not_taken_for_another_of_its_group(
    two: tuple[Cluster, Aggregated], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, second = two
    _read_impatiently(monkeypatch)
    names = ("extras.two.example", "things.two.example")
    with Proxy(cluster) as proxy:
        found, results = _find_and_sync(store, proxy.context, "1")
        assert {found.outcome, *(each.outcome for each in results.values())} == {"complete"}
        assert _of_two(store) == OF_V2
        path = tmp_path / "proxied"
        path.write_text(json.dumps(proxy.context.kubeconfig))
        assert _read(_source(path)) == ([], 4)

        def still_there(run: str) -> None:
            proxy.requests.clear()
            found, results = _find_and_sync(store, proxy.context, run)
            assert found.outcome == "failed"
            assert "two.example" in str(found.error)
            assert {name: each.outcome for name, each in results.items()} == dict.fromkeys(names, "failed")
            assert _of_two(store) == OF_V2
            problems, rows = _read(_source(path))
            assert problems
            assert rows == 0
            assert not proxy.lists("v1/things")

        second.end()
        still_there("2")
        cluster.upgrade()  # it has never seen v2
        still_there("3")
        status = query_rows(store, "SELECT error FROM k8s_sync_status WHERE kind = 'things.two.example'")
        assert "its rows were read in v2" in status[0]["error"]

        second.start()
        assert _find_and_sync(store, proxy.context, "4")[0].outcome == "complete"
        assert _of_two(store) == OF_V2
        second.unregister()
        wait_until(lambda: _find_and_sync(store, proxy.context, "5")[0].outcome == "complete", "v2 is gone")
        assert _of_two(store) == [("things", "v1", "of-v1")], "now it is v1 that has the kind"


def test_a_kind_never_read_is_not_read_while_its_group_is_not_whole(
    two: tuple[Cluster, Aggregated], store: Store, context_of: Callable[..., Context]
) -> None:
    cluster, second = two
    second.end()
    _, results = _find_and_sync(store, context_of(cluster), "1", "*.two.example", "extras.two.example")
    assert {name: each.outcome for name, each in results.items()} == {
        "things.two.example": "failed",
        "extras.two.example": "failed",
    }
    assert _of_two(store) == []


def test_who_may_not_list_apiservices_reads_no_other_source_either(
    two: tuple[Cluster, Aggregated],
    store: Store,
    context_of: Callable[..., Context],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the older form of discovery, in which a version whose API server is down is missing without a trace."""
    monkeypatch.setattr("k8s_inventory.kube.discovery._AGGREGATED", JSON)
    cluster, second = two
    assert _find_and_sync(store, context_of(cluster, user=READER), "1")[1]["things.two.example"].outcome == "complete"
    assert _of_two(store) == OF_V2
    second.end()
    found, results = _find_and_sync(store, context_of(cluster, user=READER), "2")
    assert "apiservices: forbidden" in str(found.warning)
    assert {each.outcome for each in results.values()} <= {"failed", "forbidden"}
    assert _of_two(store) == OF_V2


def test_discovery_of_old_clusters_mixes_no_sources(
    two: tuple[Cluster, Aggregated],
    store: Store,
    context_of: Callable[..., Context],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("k8s_inventory.kube.discovery._AGGREGATED", JSON)
    cluster, second = two
    assert _find_and_sync(store, context_of(cluster), "1")[0].outcome == "complete"
    assert _of_two(store) == OF_V2
    second.end()
    found, results = _find_and_sync(store, context_of(cluster), "2")
    assert {found.outcome, *(each.outcome for each in results.values())} == {"failed"}
    assert _of_two(store) == OF_V2


# -- who may not know what a kind's objects are made of ----------------------------------------------


def test_a_definition_that_may_not_be_read_leaves_no_row_as_it_was(
    start_cluster: Callable[..., Cluster], store: Store, context_of: Callable[..., Context]
) -> None:
    """A default that is added to a schema shows in all objects, whose resourceVersions stay."""
    cluster = start_cluster(users=[READER])
    cluster.grant(READER, [{"apiGroups": [GROUP], "resources": ["*"], "verbs": ["list"]}])
    definition = cluster.create(CRDS, crd("things", GROUP))
    path = f"/apis/{GROUP}/v1/namespaces/default/things"
    cluster.until_served(path)
    cluster.create(path, {"apiVersion": f"{GROUP}/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {}})
    context = context_of(cluster, user=READER)
    _find_and_sync(store, context, "1")
    assert query_rows(store, "SELECT spec FROM k8s_custom_objects") == [{"spec": {}}]

    definition = cluster.request("GET", f"{CRDS}/things.{GROUP}")
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    size = {"type": "integer", "default": 3}
    schema["properties"] = {"spec": {"type": "object", "properties": {"size": size}}}
    cluster.request("PUT", f"{CRDS}/things.{GROUP}", definition)

    def shows() -> bool:
        try:
            return bool(cluster.list(path)[0]["spec"] == {"size": 3})
        except Rejected:  # its storage is made anew
            return False

    wait_until(shows, "the default shows")
    _find_and_sync(store, context, "2")
    assert query_rows(store, "SELECT spec FROM k8s_custom_objects") == [{"spec": {"size": 3}}]
    assert _find_and_sync(store, context, "3")[1][f"things.{GROUP}"].changed == 0
