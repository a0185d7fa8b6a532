"""The CloudQuery source without its CLI: what it spools, what fits into a message, what ends it."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from k8s_inventory.cloudquery import ending, tables
from k8s_inventory.cloudquery.source import BadInput, Source, Spooled
from k8s_inventory.cloudquery.spool import IN_MEMORY, Spool
from k8s_inventory.collector import Decoder
from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS, TABLES
from k8s_inventory.store import Store
from k8s_inventory.sync import SinkError
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import User
from tests.cluster.objects import pod
from tests.proxy import Answer, Proxy

PODS = KINDS["pods"]


def source(kubeconfig_path: Path | str, **spec: Any) -> Source:
    return Source(json.dumps({"kubeconfig": str(kubeconfig_path), **spec}).encode(), run_id="test")


def rows(target: Spooled) -> list[dict[str, Any]]:
    with target.spool as spool:
        return [row for record in spool.records() for row in pa.ipc.open_stream(record).read_all().to_pylist()]


def read(made: Source, *table_patterns: str) -> dict[tuple[str, str], tuple[str | None, list[dict[str, Any]]]]:
    """Problem and rows of each target."""
    found = {}
    for target in made.read(made.kinds(table_patterns), threading.Event()):
        found[target.context_name, target.kind.name] = (target.problem, rows(target))
    return found


@pytest.fixture
def config(cluster: Cluster, tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig({"test": cluster}))
    return path


@pytest.fixture
def proxied(proxy: Proxy, tmp_path: Path) -> Path:
    path = tmp_path / "proxied"
    path.write_text(json.dumps(proxy.context.kubeconfig))
    return path


def page_of(*objects: dict[str, Any]) -> bytes:
    return json.dumps({"kind": "PodList", "metadata": {}, "items": objects}, separators=(",", ":")).encode()


def columns_of(body: bytes, total: int) -> list[list[Any]]:
    decoder = Decoder(PODS)
    (columns,) = decoder.columns(body, api_version="v1", wanted=range(total), total=total, at_once=total)
    return columns


def big_pod(number: int, size: int) -> dict[str, Any]:
    made = pod(f"pod-{number}", hostname="x" * size)
    made["metadata"] |= {"namespace": "shop", "uid": f"uid-{number}", "resourceVersion": "1"}
    return made


# -- messages --------------------------------------------------------------------------------------


def test_messages_stay_under_the_limit_of_grpc_whatever_the_objects_sizes() -> None:
    sizes = [3_500_000, 10, 2_000_000, 900_000, 1_500_000, 20, 3_000_000]
    body = page_of(*(big_pod(number, size // 2) for number, size in enumerate(sizes)))  # in spec, and in a column
    made = Spool(PODS, "test", threading.Event())
    with made as spool:
        spool.start()
        spool.add(columns_of(body, len(sizes)))
        records = list(spool.records())
    assert max(map(len, records)) < tables.GRPC_LIMIT - 100_000
    sent = [row for record in records for row in pa.ipc.open_stream(record).read_all()["uid"].to_pylist()]
    assert sent == [f"uid-{number}" for number in range(len(sizes))]


def test_an_object_larger_than_a_message_is_an_error_by_its_name() -> None:
    columns = columns_of(page_of(big_pod(1, 10), big_pod(2, 5_000_000)), 2)
    with pytest.raises(SinkError, match=r"pods shop/pod-2: its row of \d+ bytes is more than a message"):
        list(tables.batches(PODS, "test", columns))


def test_what_arrow_can_not_hold_is_an_error_by_the_objects_name() -> None:
    columns = columns_of(page_of(big_pod(1, 1), big_pod(2, 1)), 2)
    position = [column.name for column in PODS.columns].index("restarts")
    columns[position][1] = 2**40
    with pytest.raises(SinkError, match=r"pods shop/pod-2: "):
        list(tables.batches(PODS, "test", columns))


@pytest.mark.parametrize(
    ("amount", "sent"),
    [
        ("99999999999999999999999999999.999999999", True),
        ("-99999999999999999999999999999.999999999", True),
        ("0.000000001", True),
        ("1e28", True),
        ("1e29", False),
        ("-1e400", False),
        ("0.0000000001", False),
        ("1.2345678901", False),
    ],
)
def test_an_amount_that_arrow_can_not_hold_is_null(amount: str, sent: bool) -> None:
    columns = columns_of(page_of(big_pod(1, 1), big_pod(2, 1), big_pod(3, 1)), 3)
    position = [column.name for column in PODS.columns].index("cpu_request")
    columns[position] = [Decimal(1), Decimal(amount), None]
    (batch,) = tables.batches(PODS, "test", columns)
    assert batch["cpu_request"].to_pylist() == [1, Decimal(amount) if sent else None, None]


def test_every_kind_is_a_table_with_the_dags_columns() -> None:
    for kind in TABLES:
        schema = tables.schema(kind)
        assert schema.names == ["_cq_id", "context_name", *(column.name for column in kind.columns)]
        assert schema.metadata[b"cq:table_name"].decode() == kind.table
        assert all(field.metadata[b"description"] for field in schema)
        keys = [field.name for field in schema if field.metadata[b"cq:extension:primary_key"] == b"true"]
        assert keys == (["context_name", "uid", "group", "plural"] if kind.shared_by else ["context_name", "uid"])
        assert not schema.field("uid").nullable


@pytest.mark.parametrize("context_name", ["test", "prüf/\N{SNOWMAN}", ""])
def test_a_rows_identifier_is_made_of_its_key_and_never_changes(context_name: str) -> None:
    columns = columns_of(page_of(big_pod(1, 1), big_pod(2, 1)), 2)
    columns[0][1] = "none that RFC 9562 knows, ü"
    (batch,) = tables.batches(PODS, context_name, columns)
    of_context = uuid.uuid5(tables.ROW_IDS, context_name)
    assert batch["_cq_id"].to_pylist() == [uuid.uuid5(of_context, uid).bytes for uid in columns[0]]
    if context_name == "test":
        assert uuid.UUID(bytes=batch["_cq_id"][0].as_py()) == uuid.UUID("72f879c4-d05d-5734-8f29-f6c16069974c")


def test_an_identifier_tells_apart_whatever_the_key_does() -> None:
    """Also kinds that share a table and an object, and keys that read alike when they are put together."""
    group, plural = (
        CUSTOM_OBJECTS.columns.index(each) for each in CUSTOM_OBJECTS.columns if each.of_kind in ("group", "plural")
    )
    uid = next(number for number, each in enumerate(CUSTOM_OBJECTS.columns) if each.name == "uid")
    found = set()
    keys = [
        ("a", "b", "c", "d"),
        ("ab", "", "c", "d"),
        ("a", "bc", "", "d"),
        ("a", "b", "cd", ""),
        ("", "a", "b", "cd"),
    ]
    for context_name, *parts in keys:
        columns: list[list[Any]] = [[None] for _ in CUSTOM_OBJECTS.columns]
        columns[group], columns[plural], columns[uid] = ([part] for part in parts)
        (batch,) = tables.batches(CUSTOM_OBJECTS, context_name, columns)
        found.add(batch["_cq_id"][0].as_py())
    assert len(found) == len(keys)


def test_what_pushes_rows_out_brings_none_and_fits_into_messages() -> None:
    messages = ending.written([tables.schema(PODS)], threading.Event())
    sent = [each.insert.record for each in messages if each.HasField("insert")]
    assert sum(map(len, sent)) > 2 * 2 * 16 * 2**20  # before the tables and after them: two windows of gRPC
    assert max(map(len, sent)) < tables.GRPC_LIMIT / 2  # the CLI's columns, and those of transformers, come to it
    pushed = pa.ipc.open_stream(sent[0]).read_all()
    assert pushed.num_rows == 0
    assert pushed.schema.equals(tables.schema(PODS))


def test_nothing_is_pushed_where_nothing_was_sent_or_all_is_stopped() -> None:
    stopped = threading.Event()
    assert list(ending.written([], stopped)) == []
    stopped.set()
    assert [each.WhichOneof("message") for each in ending.written([tables.schema(PODS)], stopped)] == ["migrate_table"]


@pytest.mark.parametrize("written", [True, False])
def test_a_summary_names_all_that_fits(written: bool) -> None:
    said = ending.summary(["east · pods: forbidden", *["x" * 400] * 20], written=written)
    assert said.startswith("21 targets are incomplete, so nothing is deleted. ")
    assert ("are written unless" in said) is written
    assert "; and " in said
    assert len(said) <= ending.LONGEST_MESSAGE


# -- outcomes --------------------------------------------------------------------------------------


def test_a_listing_that_starts_over_leaves_nothing_of_its_first_pass(
    cluster: Cluster, proxy: Proxy, proxied: Path
) -> None:
    gone = "web-0"
    expired = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "message": "expired"}
    seen = []

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path:
            return None
        seen.append(path)
        if len(seen) == 3:
            return Answer(410, json.dumps(expired).encode())
        if len(seen) > 3:  # the object is deleted between the two passes
            value = real.json
            value["items"] = [item for item in value["items"] if item["metadata"]["name"] != gone]
            return real.with_json(value)
        return None

    proxy.spoil = spoil
    problem, found = read(source(proxied, page_size=2), "k8s_pods")["proxied", "pods"]
    assert problem is None
    names = [row["name"] for row in found]
    expected = [each["metadata"]["name"] for each in cluster.list("/api/v1/pods")]
    assert sorted(names) == sorted(set(expected) - {gone})


def test_a_kind_proven_absent_is_complete_and_one_that_is_not_proven_is_not(
    start_cluster: Callable[..., Cluster], proxy: Proxy, proxied: Path, tmp_path: Path
) -> None:
    without = start_cluster(arguments=["--runtime-config=apps/v1=false"])
    path = tmp_path / "without"
    path.write_text(kubeconfig({"older": without}))
    assert read(source(path), "k8s_deployments")["older", "deployments"] == (None, [])

    proxy.spoil = lambda path, real: Answer(404, b"404 page not found\n", {}) if "/deployments?" in path else None
    problem, found = read(source(proxied), "k8s_deployments")["proxied", "deployments"]
    assert problem is not None
    assert "not proven" in problem
    assert found == []


def test_a_lost_page_makes_a_target_incomplete_and_none_of_its_rows_are_sent(proxy: Proxy, proxied: Path) -> None:
    proxy.spoil = lambda path, real: Answer(200, b"<html>login</html>") if "continue=" in path else None
    problem, found = read(source(proxied, page_size=2), "k8s_pods")["proxied", "pods"]
    assert problem is not None
    assert problem.startswith("partial: page 2")
    assert found == []


def test_an_object_that_a_column_can_not_hold_fails_no_kind(proxy: Proxy, proxied: Path) -> None:
    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path:
            return None
        value = real.json
        value["items"][1]["spec"]["nodeName"] = 7
        return real.with_json(value)

    proxy.spoil = spoil
    found = read(source(proxied))
    assert [problem for problem, _ in found.values()] == [None] * (len(TABLES) + 1)


def test_a_dead_context_is_tried_once_and_delays_no_other(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "config"
    content = kubeconfig({"dead": cluster, "live": cluster}).replace(cluster.server, "https://127.0.0.1:1", 1)
    path.write_text(content)
    found = read(source(path))
    assert all(problem for (context, _), (problem, _) in found.items() if context == "dead")
    assert not any(problem for (context, _), (problem, _) in found.items() if context == "live")
    assert len(found) == 2 * len(TABLES) + 1, "the live one has a custom kind"


def test_the_file_of_a_spool_has_no_name_and_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(PODS, "test", threading.Event())
    spool.start()
    columns = columns_of(page_of(big_pod(1, 10)), 1)
    spool.add(columns)

    def full(_: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool._file, "write", full)
    with pytest.raises(SinkError, match="No space left on device; set TMPDIR"):
        spool.add(columns)
    monkeypatch.undo()
    spool.add(columns_of(page_of(big_pod(2, IN_MEMORY)), 1))
    assert isinstance(spool._file.name, int), "a named file would be left behind by a kill"
    spool.close()


def test_stopping_ends_the_reading_at_the_next_page(cluster: Cluster, proxy: Proxy, proxied: Path) -> None:
    stopped = threading.Event()

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" in path:
            stopped.set()
        return None

    proxy.spoil = spoil
    made = source(proxied, page_size=1)
    (target,) = made.read(made.kinds(["k8s_pods"]), stopped)
    assert "the sync was stopped" in str(target.problem)
    assert len(proxy.lists("pods")) < len(cluster.list("/api/v1/pods"))


def test_no_target_is_passed_over_when_the_reading_breaks(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("k8s_inventory.cloudquery.source.open_session", broken)
    found = read(source(config))
    assert len(found) == len(TABLES)
    assert all("(RuntimeError); the log has its traceback" in str(problem) for problem, _ in found.values())


# -- choosing --------------------------------------------------------------------------------------


def test_tables_narrow_what_is_read(proxy: Proxy, proxied: Path) -> None:
    read(source(proxied), "k8s_p*", "k8s_services")
    assert proxy.lists("pods")
    assert proxy.lists("services")
    assert not proxy.lists("deployments")
    assert not proxy.lists("namespaces")


def test_resources_and_tables_mean_both(config: Path) -> None:
    made = source(config, resources=["pods", "svc"])
    assert [kind.name for kind in made.kinds()] == ["pods", "services"]
    assert [kind.name for kind in made.kinds(["k8s_services", "k8s_deployments"])] == ["services"]
    assert [kind.name for kind in made.kinds(["*"], ["k8s_pod?"])] == ["services"]
    with pytest.raises(BadInput, match=r"nothing is left to read: .*pods, svc"):
        made.kinds(["k8s_deployments"])
    with pytest.raises(BadInput, match=r"skip_tables: no table matches 'k8s_nodez'"):
        made.kinds(["*"], ["k8s_nodez"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"resorces": ["pods"]}, r"spec: 'resorces' \(no such setting; did you mean 'resources'"),
        ({"resources": ["podz"]}, r"unknown resource 'podz' \(did you mean 'pods'\?\)"),
        ({"contexts": ["tset"]}, r"unknown context 'tset' \(did you mean 'test'\?\)"),
        ({"page_size": 0}, r"spec: page_size"),
        ({"kubernetes_conn_ids": ["a"]}, r"kubernetes_conn_ids: of use to Airflow alone"),
        (
            {"kubeconfig": "/nonexistent/config"},
            r"no kubeconfig at /nonexistent/config: set KUBECONFIG, or `kubeconfig` in the spec, or `in_cluster_name`",
        ),
        ({"database_url": "postgres//user:s3cret@host"}, r"DATABASE_URL is malformed"),
        ([1], r"spec: must be a mapping"),
    ],
)
def test_bad_input_is_refused_by_name(config: Path, spec: Any, message: str) -> None:
    given = {"kubeconfig": str(config), **spec} if isinstance(spec, dict) else spec
    with pytest.raises(BadInput, match=message) as refused:
        Source(json.dumps(given).encode())
    assert "s3cret" not in str(refused.value)
    assert "Airflow conn" not in str(refused.value)


def test_every_context_by_a_star(cluster: Cluster, tmp_path: Path) -> None:
    """As in the spec of CloudQuery's own plugin."""
    path = tmp_path / "both"
    path.write_text(kubeconfig({"east": cluster, "west": cluster}))
    for contexts in (["*"], "*", ["west", "*"]):
        assert {context for context, _ in read(source(path, contexts=contexts), "k8s_pods")} == {"east", "west"}
    with pytest.raises(BadInput, match="unknown context 'wset'"):
        source(path, contexts=["*", "wset"])


def test_settings_come_from_the_environment_too(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setenv("K8S_RESOURCES", "pods")
    assert [kind.name for kind in Source(b"").kinds()] == ["pods"]
    assert [kind.name for kind in Source(b'{"resources": "services"}').kinds()] == ["services"]


# -- the store -------------------------------------------------------------------------------------


def test_with_a_database_the_rows_go_through_the_store_too(cluster: Cluster, config: Path, database_url: str) -> None:
    cluster.create("/api/v1/namespaces/shop/pods", pod("short-lived"))
    first = read(source(config, database_url=database_url))
    cluster.delete("/api/v1/namespaces/shop/pods/short-lived")
    second = read(source(config, database_url=database_url))
    assert not any(problem for problem, _ in [*first.values(), *second.values()])
    with Store.connect(database_url) as store:
        for kind in KINDS.values():
            sent = {row["uid"]: row["resource_version"] for row in second["test", kind.name][1]}
            query = f"SELECT uid, resource_version FROM {kind.table}"
            assert dict(store.connection.execute(query).fetchall()) == sent
        runs = store.connection.execute(
            "SELECT outcome, changed, deleted FROM k8s_sync_runs WHERE kind = 'pods' ORDER BY id"
        ).fetchall()
    pods = len(first["test", "pods"][1])
    assert runs == [("complete", pods, 0), ("complete", 0, 1)]


def test_a_sync_that_ends_by_itself_stops_nothing_and_has_views_of_crds(
    cluster: Cluster, config: Path, database_url: str
) -> None:
    made = source(config, database_url=database_url, resources=["customresourcedefinitions", "tests.shop.example"])
    stopped = threading.Event()
    for target in made.read(made.kinds(), stopped):
        target.spool.close()
    assert not stopped.is_set()
    with Store.connect(database_url) as store:
        assert store.connection.execute("SELECT name FROM crd_tests_shop_example").fetchall() == [("custom",)]


def test_a_lost_database_session_is_one_targets_problem_and_has_a_row(
    proxy: Proxy, proxied: Path, database_url: str
) -> None:
    lost: list[str] = []

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/services?" in path and not lost:
            lost.append(path)
            with Store.connect(database_url) as other:
                other.connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM k8s_sync_locks")
        return None

    proxy.spoil = spoil
    found = read(source(proxied, database_url=database_url, resources=["pods", "services", "deployments"]))
    problems = {kind: problem for (_, kind), (problem, _) in found.items()}
    assert "Its database session was lost" in str(problems.pop("services"))
    assert set(problems.values()) == {None}
    with Store.connect(database_url) as store:
        status = dict(store.connection.execute("SELECT kind, outcome FROM k8s_sync_status").fetchall())
    assert status == {"pods": "complete", "services": "failed", "deployments": "complete"}


def test_what_the_database_refuses_costs_no_session(config: Path, database_url: str) -> None:
    names = ["pods", "services", "deployments", "configmaps"]
    with Store.connect(database_url) as store:
        store.migrate()
        for name in names[1:]:
            store.connection.execute(f"ALTER TABLE k8s_{name} ADD CHECK (name = '') NOT VALID")  # type: ignore[arg-type]
        made = source(config, database_url=database_url, resources=names)
        most = 0
        for target in made.read(made.kinds(), threading.Event()):
            assert (target.problem is None) == (target.kind.name == "pods")
            target.spool.close()
            ((sessions,),) = store.connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            )
            most = max(most, sessions)
    assert most <= 2


def test_each_reading_tries_a_context_anew(cluster: Cluster, tmp_path: Path, database_url: str) -> None:
    """Though the CLI gives no id of its own, or the same one again."""
    path = tmp_path / "dead"
    path.write_text(kubeconfig({"dead": cluster}).replace(cluster.server, "https://127.0.0.1:1"))
    made = source(path, database_url=database_url, resources=["pods", "services"])
    for _ in range(2):
        problems = [str(problem) for problem, _ in read(made).values()]
        assert ["not tried again" in problem for problem in problems] == [False, True]
    assert all("does not answer" in problem for problem in problems)


def test_a_database_that_can_not_be_had_stops_everything(config: Path) -> None:
    made = source(config, database_url="postgresql://user:s3cret@127.0.0.1:1/none")
    with pytest.raises(BadInput, match="database_url: ") as refused:
        read(made)
    assert "s3cret" not in str(refused.value)


def test_what_test_connection_says(cluster: Cluster, config: Path, tmp_path: Path) -> None:
    assert source(config).test_connection() is None
    path = tmp_path / "mixed"
    content = kubeconfig({"dead": cluster, "live": cluster}).replace(cluster.server, "https://127.0.0.1:1", 1)
    path.write_text(content)
    problem = source(path, database_url="postgresql://user:s3cret@127.0.0.1:1/none").test_connection()
    assert problem is not None
    assert "context dead: https://127.0.0.1:1 does not answer" in problem
    assert "database_url: " in problem
    assert "live" not in problem
    assert "s3cret" not in problem
    unknown = tmp_path / "unknown"
    unknown.write_text(kubeconfig({"unknown": cluster}, user=User("stranger")))
    assert "401" in str(source(unknown).test_connection())


# -- less than a whole kind ------------------------------------------------------------------------


def test_only_the_namespaces_and_labels_that_were_chosen_are_sent(cluster: Cluster, config: Path) -> None:
    everything = {row["uid"]: row for row in read(source(config), "k8s_services")["test", "services"][1]}
    wanted = {uid for uid, row in everything.items() if row["namespace"] == "shop"}
    assert 0 < len(wanted) < len(everything)
    problem, sent = read(source(config, namespaces=["sho*", "-nowhere"]), "k8s_services")["test", "services"]
    assert problem is None
    assert {row["uid"] for row in sent} == wanted
    assert len(sent) == len(wanted)
    problem, sent = read(source(config, label_selectors={"pods": "app=web-1"}), "k8s_pods")["test", "pods"]
    assert problem is None
    assert [row["name"] for row in sent] == ["web-1"]


def test_a_namespace_that_is_not_complete_keeps_the_target_back(proxy: Proxy, proxied: Path) -> None:
    forbidden = json.dumps({"kind": "Status", "code": 403, "message": "no"}).encode()
    proxy.spoil = lambda path, real: Answer(403, forbidden) if "/namespaces/default/pods" in path else None
    problem, sent = read(source(proxied, namespaces=["shop", "default"]), "k8s_pods")["proxied", "pods"]
    assert "1 of 2 namespaces are not complete, their rows stay: default" in str(problem)
    assert sent == []
    proxy.spoil = lambda path, real: Answer(403, forbidden) if path.startswith("/api/v1/pods") else None
    problem, sent = read(source(proxied), "k8s_pods")["proxied", "pods"]
    assert problem is None, "every namespace could be read by itself"
    assert len(sent) == len(read(source(proxied, namespaces=["*"]), "k8s_pods")["proxied", "pods"][1]) > 0


def test_a_kubeconfig_that_is_missing_is_an_error_unless_the_spec_allows_it(
    config: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The CLI deletes the rows of contexts that it is not sent."""
    paths = f"{config}:{tmp_path / 'nowhere'}"
    with pytest.raises(BadInput, match="there is no kubeconfig .*nowhere.*allow_missing_kubeconfigs: true"):
        source(paths)
    made = source(paths, allow_missing_kubeconfigs=True)
    assert read(made, "k8s_pods")["test", "pods"][0] is None
    assert "there is no kubeconfig" in caplog.text
