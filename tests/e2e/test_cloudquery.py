"""`cloudquery sync` by the real CLI, from real clusters into a real database."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import psutil
import psycopg
import pytest
import yaml
from cloudquery.plugin_v3 import plugin_pb2, plugin_pb2_grpc

from k8s_inventory.kinds import KINDS, TABLES
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Run, find_custom, sync_target
from tests.cloudquery_tables import COLUMNS, EVERYWHERE, WHOLE, differences, views_of
from tests.cluster import Cluster, kubeconfig, wait_until
from tests.cluster.cluster import ADMIN, User, free_ports
from tests.cluster.objects import pod
from tests.e2e.cloudquery_cli import CloudQuery
from tests.installed import PROJECT, UV, install
from tests.other_user import as_nobody, let_pass, open_to_others
from tests.proxy import Proxy

PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture(scope="module")
def plugin(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of `pip install "k8s-inventory[cloudquery]"`, in an environment without Airflow."""
    program = install(wheel, tmp_path_factory.mktemp("cloudquery"), extra="cloudquery") / "k8s-inventory-cloudquery"
    python = program.parent / "python"
    without = subprocess.run([str(python), "-c", "import airflow"], capture_output=True, check=False)
    assert b"No module named 'airflow'" in without.stderr
    return program


@pytest.fixture(scope="module")
def destination_at() -> Iterator[str]:
    """The tests' destination, served once: a busy machine takes longer to start it than the CLI waits."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "tests.destination", "serve", "--address", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:

        def is_up() -> bool:
            assert process.poll() is None, "the destination ended at once"
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        try:
            wait_until(is_up, "the destination listens")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
def cq(plugin: Path, tmp_path: Path, database_url: str, destination_at: str) -> CloudQuery:
    return CloudQuery(tmp_path, plugin, {"url": database_url}, destination_at)


@pytest.fixture(scope="module")
def second(start_cluster: Callable[..., Cluster]) -> Cluster:
    made = start_cluster()
    made.create("/api/v1/namespaces/default/pods", pod("of-second"))
    return made


@pytest.fixture
def config_of(tmp_path: Path) -> Callable[..., str]:
    """Writes a kubeconfig; its path."""

    def write(contexts: dict[str, Cluster], *, dead: str | None = None, user: User = ADMIN) -> str:
        path = tmp_path / f"{'-'.join(contexts)}-{user.name}.kubeconfig"
        content = kubeconfig(contexts, user=user)
        if dead:
            content = content.replace(contexts[dead].server, "https://127.0.0.1:1")
        path.write_text(content)
        return str(path)

    return write


ConfigOf = Callable[..., str]


def test_the_rows_equal_those_of_the_dag_column_for_column(
    cq: CloudQuery, cluster: Cluster, second: Cluster, config_of: ConfigOf, new_database: Callable[[], str]
) -> None:
    config = config_of({"east": cluster, "west": second})
    spec = {"spec": {"kubeconfig": config}}
    cq.sync(spec)
    cq.sync(spec)  # a second time changes nothing
    settings = Settings.load({})
    with Store.connect(new_database()) as store:
        store.migrate()
        for context in kubeconfig_contexts(config).values():
            with Session(context) as session:
                _, custom = find_custom(session, store, Custom(("*",)), run=Run("dag"), settings=settings)
                for kind in (*KINDS.values(), *custom):
                    assert sync_target(session, store, kind, run=Run("dag"), settings=settings).attempt.error is None
        for kind in TABLES:
            columns = ", ".join(f'"{name}"' for name in ["context_name", *(column.name for column in kind.columns)])
            query = f"SELECT {columns} FROM {kind.table} ORDER BY context_name, uid"
            expected = [tuple(map(_without_zone, row)) for row in store.connection.execute(query)]
            assert expected
            if kind.name != "leases":  # the API server renews its own every ten seconds
                assert cq.query(query) == expected
    made = [name for (name,) in cq.query("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'k8s%'")]
    assert sorted(made) == sorted(kind.table for kind in TABLES), "it wrote more than it was asked to"
    columns = cq.query(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = 'k8s_pods'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert [name for (name,) in columns if not name.startswith("_cq_")] == [
        "context_name",
        *(column.name for column in KINDS["pods"].columns),
    ]


def _without_zone(value: Any) -> Any:
    """CloudQuery's destination keeps times in UTC, in columns that do not say so."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def test_views_are_right_on_tables_of_a_destination(cq: CloudQuery, cluster: Cluster, config_of: ConfigOf) -> None:
    """Whatever the session's time zone: times have none there."""
    cq.sync({"spec": {"kubeconfig": config_of({"test": cluster}), **WHOLE}})
    with psycopg.connect(cq.database, autocommit=True) as connection:
        for timezone in ("UTC", "America/New_York"):
            connection.execute("SELECT set_config('timezone', %s, false)", [timezone])
            assert views_of(connection) == COLUMNS
            found = {each for each in differences(cluster, connection) if each[1] not in EVERYWHERE}
            assert found <= {("k8s_core_secrets", "immutable")}
        query = """SELECT count(*), count(DISTINCT view._cq_id), max(view._cq_source_name), max(view._cq_sync_time)
            FROM k8s_core_pods AS view INNER JOIN k8s_pods AS pod USING (_cq_id, _cq_sync_time)"""
        ((pods, ids, source, time),) = connection.execute(query.encode()).fetchall()
        assert pods == ids == len(cluster.list("/api/v1/pods"))
        assert source == "k8s"
        assert abs(datetime.now(UTC).replace(tzinfo=None) - time) < timedelta(minutes=5)


def test_moving_over_as_the_docs_say(cq: CloudQuery, cluster: Cluster, config_of: ConfigOf) -> None:
    """With what pip has installed alone, and with old tables in the place of the views."""
    with psycopg.connect(cq.database, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE k8s_apps_deployments (context text, name text, status_available_replicas bigint)"
        )
        connection.execute("CREATE TABLE k8s_core_component_statuses (context text)")
        connection.execute("CREATE VIEW mine AS SELECT name FROM k8s_apps_deployments")
        cq.sync({"spec": {"kubeconfig": config_of({"test": cluster})}, "tables": ["k8s_deployments", "k8s_pods"]})
        section = (PROJECT / "docs" / "cloudquery.md").read_text().partition("## Moving over")[2]
        script = re.sub(r"^ {3}", "", "\n".join(re.findall(r"^   ```\n(.*?)^   ```", section, re.S | re.M)), flags=re.M)
        script = re.sub(r"^sql\(\) .*", "", script, flags=re.M).replace("# sql()", "sql()")
        path = f"{cq.plugin.parent}:{os.environ['PATH']}"
        env = {"PATH": path, "POSTGRESQL_URL": cq.database}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        query = """SELECT relnamespace::regnamespace || '.' || relname, relkind FROM pg_class
            WHERE relkind IN ('r', 'v') AND relname ~ '^k8s_[a-z]+_'"""
        found = dict(connection.execute(query.encode()).fetchall())
        assert connection.execute("SELECT name FROM mine").fetchall()
    assert found == {
        "before.k8s_apps_deployments": "r",
        "before.k8s_core_component_statuses": "r",
        "public.k8s_apps_deployments": "v",
        "public.k8s_core_pods": "v",
    }


def test_what_is_gone_goes_by_the_write_mode(cq: CloudQuery, cluster: Cluster, config_of: ConfigOf) -> None:
    spec = {"spec": {"kubeconfig": config_of({"test": cluster})}, "tables": ["k8s_pods"]}
    cluster.create(PODS, pod("short-lived"))
    cq.sync(spec)
    before = cq.count("k8s_pods")
    cluster.delete(f"{PODS}/short-lived")
    time.sleep(1.1)  # the CLI's sync time is in seconds
    cq.sync(spec, write_mode="overwrite")
    assert cq.count("k8s_pods") == before
    time.sleep(1.1)
    cq.sync(spec)
    assert cq.count("k8s_pods") == before - 1
    assert cq.count("k8s_pods", "name = 'short-lived'") == 0
    with psycopg.connect(cq.database, autocommit=True) as connection:
        connection.execute("DROP TABLE k8s_pods")  # the others have a primary key
    cq.sync(spec, write_mode="append")
    cq.sync(spec, write_mode="append")
    assert cq.count("k8s_pods") == 2 * (before - 1)


def test_a_dead_context_loses_no_row_and_keeps_no_other_from_being_sent(
    cq: CloudQuery, cluster: Cluster, second: Cluster, config_of: ConfigOf
) -> None:
    cq.sync({"spec": {"kubeconfig": config_of({"east": cluster, "west": second})}})
    before = cq.count("k8s_pods", "context_name = 'west'")
    cluster.create(PODS, pod("since-then"))
    said = cq.failing_sync({"spec": {"kubeconfig": config_of({"east": cluster, "west": second}, dead="west")}})
    cluster.delete(f"{PODS}/since-then")
    assert f"{len(TABLES)} targets are incomplete" in said
    assert "west · pods: unreachable: context west: https://127.0.0.1:1 does not answer" in said
    assert "Traceback" not in said
    assert ADMIN.token not in said
    assert cq.count("k8s_pods", "context_name = 'west'") == before > 0
    assert cq.count("k8s_pods", "name = 'since-then'") == 1, "a complete target was not sent"


def test_a_forbidden_kind_loses_no_row(cq: CloudQuery, cluster: Cluster, config_of: ConfigOf) -> None:
    cq.sync({"spec": {"kubeconfig": config_of({"test": cluster})}})
    before = {kind.table: cq.count(kind.table) for kind in TABLES}
    cluster.create(PODS, pod("since-then"))
    said = cq.failing_sync({"spec": {"kubeconfig": config_of({"test": cluster}, user=User("reader"))}})
    assert "test · services: forbidden" in said
    assert "Grant `list` on it" in said
    assert {table: cq.count(table) for table in before} == {**before, "k8s_pods": before["k8s_pods"] + 1}
    # Narrowed to what the user may read, it succeeds, and deletes again; other tables stay as they are.
    cluster.delete(f"{PODS}/since-then")
    time.sleep(1.1)
    cq.sync({"spec": {"kubeconfig": config_of({"test": cluster}, user=User("reader"))}, "tables": ["k8s_pods"]})
    assert {table: cq.count(table) for table in before} == before


def test_failing_syncs_pile_up_no_rows_where_the_identifier_is_the_key(
    cq: CloudQuery, cluster: Cluster, second: Cluster, config_of: ConfigOf
) -> None:
    """Two contexts lead to one cluster: the same objects, each with a row of either."""
    cq.pk_mode = "cq-id-only"
    tables = ["k8s_pods", "k8s_custom_objects"]
    contexts = {"east": cluster, "again": cluster, "west": second}
    failing = {"spec": {"kubeconfig": config_of(contexts, dead="west")}, "tables": tables}
    for _ in range(2):
        cq.failing_sync(failing)
    assert cq.count("k8s_pods") == 2 * len(cluster.list("/api/v1/pods"))
    cq.sync({"spec": {"kubeconfig": config_of(contexts)}, "tables": tables})
    for table in tables:
        ((rows, ids, keys),) = cq.query(
            f"SELECT count(*), count(DISTINCT _cq_id), count(DISTINCT (context_name, uid)) FROM {table}"
        )
        assert rows == ids == keys > 0
    assert cq.count("k8s_pods") == sum(len(each.list("/api/v1/pods")) for each in contexts.values())


THREE = ["k8s_pods", "k8s_services", "k8s_configmaps"]
"""Tables, of whose kinds the user `reader` may list pods alone."""

KEEP = {"backend_options": {"table_name": "k8s_inventory", "connection": "@@plugins.pg.connection"}, "tables": THREE}


def test_complete_kinds_are_written_however_slow_the_destination_is(
    cq: CloudQuery, cluster: Cluster, config_of: ConfigOf
) -> None:
    cq.sync({"spec": {"kubeconfig": config_of({"test": cluster})}, "tables": THREE})
    before = {table: cq.count(table) for table in THREE}
    cluster.create(PODS, pod("since-then"))
    cq.destination["seconds_a_row"] = 2.5 / before["k8s_pods"]
    cq.failing_sync({"spec": {"kubeconfig": config_of({"test": cluster}, user=User("reader"))}, "tables": THREE})
    cluster.delete(f"{PODS}/since-then")
    assert {table: cq.count(table) for table in THREE} == {**before, "k8s_pods": before["k8s_pods"] + 1}


def test_under_keep_rows_of_complete_kinds_alone_are_deleted(
    cq: CloudQuery, cluster: Cluster, config_of: ConfigOf
) -> None:
    def source(user: User) -> dict[str, Any]:
        kubeconfig = config_of({"test": cluster}, user=user)
        return {"spec": {"kubeconfig": kubeconfig, "on_incomplete": "keep"}, **KEEP}

    services = PODS.replace("pods", "services")
    cluster.create(PODS, pod("short-lived"))
    cluster.create(services, {"metadata": {"name": "short-lived"}, "spec": {"ports": [{"port": 80}]}})
    cq.sync(source(ADMIN))
    before = {table: cq.count(table) for table in THREE}
    for path in (PODS, services):
        cluster.delete(f"{path}/short-lived")
    cluster.create(PODS, pod("since-then"))
    time.sleep(1.1)
    said = cq.sync(source(User("reader")))
    cluster.delete(f"{PODS}/since-then")
    assert "test · services: forbidden" in said
    assert "Sync completed with errors" in said
    assert " errors=2 " in said
    assert {table: cq.count(table) for table in THREE} == before
    assert sorted(cq.query("SELECT name FROM k8s_pods WHERE name IN ('short-lived', 'since-then')")) == [
        ("since-then",)
    ]
    assert cq.count("k8s_services", "name = 'short-lived'") == 1
    time.sleep(1.1)
    assert "Sync completed successfully" in cq.sync(source(ADMIN))
    assert cq.count("k8s_services", "name = 'short-lived'") == 0
    assert cq.count("k8s_services") == before["k8s_services"] - 1


def test_keep_holds_where_tables_are_not_migrated(cq: CloudQuery, cluster: Cluster, config_of: ConfigOf) -> None:
    cluster.create(PODS, pod("short-lived"))
    cq.sync({"spec": {"kubeconfig": config_of({"test": cluster})}, "tables": THREE})
    before = {table: cq.count(table) for table in THREE}
    cluster.delete(f"{PODS}/short-lived")
    cluster.create(PODS, pod("since-then"))
    time.sleep(1.1)
    kubeconfig = config_of({"test": cluster}, user=User("reader"))
    source = {"spec": {"kubeconfig": kubeconfig, "on_incomplete": "keep"}, **KEEP}
    done = cq.run("sync", str(cq.config(source)), "--no-migrate")
    cluster.delete(f"{PODS}/since-then")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {table: cq.count(table) for table in THREE} == before
    assert cq.query("SELECT name FROM k8s_pods WHERE name IN ('short-lived', 'since-then')") == [("since-then",)]


def test_under_keep_a_dead_context_keeps_the_rows_of_its_kinds_in_all_contexts(
    cq: CloudQuery, cluster: Cluster, second: Cluster, config_of: ConfigOf
) -> None:
    keep = {**KEEP, "tables": ["k8s_pods"]}
    cluster.create(PODS, pod("short-lived"))
    cq.sync({"spec": {"kubeconfig": config_of({"east": cluster, "west": second})}, "tables": ["k8s_pods"]})
    before = cq.count("k8s_pods")
    cluster.delete(f"{PODS}/short-lived")
    cluster.create(PODS, pod("since-then"))
    time.sleep(1.1)
    config = config_of({"east": cluster, "west": second}, dead="west")
    said = cq.sync({"spec": {"kubeconfig": config, "on_incomplete": "keep"}, **keep})
    cluster.delete(f"{PODS}/since-then")
    assert "west · pods: unreachable" in said
    assert cq.count("k8s_pods") == before + 1
    assert cq.count("k8s_pods", "name IN ('short-lived', 'since-then')") == 2


def test_keep_is_refused_where_the_cli_would_delete_and_the_message_says_what_is_needed(
    cq: CloudQuery, proxy: Proxy
) -> None:
    kubeconfig = cq.folder / "proxied"
    kubeconfig.write_text(json.dumps(proxy.context.kubeconfig))
    source = {"spec": {"kubeconfig": str(kubeconfig), "on_incomplete": "keep"}, "tables": ["k8s_pods"]}
    said = cq.failing_sync(source)
    assert proxy.requests == []
    (line,) = set(re.findall(r"backend_options: {.*?}", said.replace('\\"', '"')))
    cq.sync({**source, **yaml.safe_load(line.replace("postgresql", "pg"))})
    assert cq.count("k8s_pods") > 0


def test_several_sources_keep_to_their_own_rows(
    cq: CloudQuery, cluster: Cluster, second: Cluster, config_of: ConfigOf
) -> None:
    spec = {"kubeconfig": config_of({"east": cluster, "west": second})}
    east = {"name": "east", "spec": {**spec, "contexts": ["east"]}}
    west = {"name": "west", "spec": {**spec, "contexts": "west"}}
    cq.sync(east, west)
    assert cq.count("k8s_pods", "context_name = 'east' AND _cq_source_name = 'east'") == len(
        cluster.list("/api/v1/pods")
    )
    rows_of_west = cq.count("k8s_pods", "context_name = 'west'")
    time.sleep(1.1)
    cq.sync(east)
    assert cq.count("k8s_pods", "context_name = 'west'") == rows_of_west > 0


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"resorces": ["pods"]}, "'resorces' (no such setting; did you mean 'resources'?)"),
        ({"database_url": "postgres//user:s3cret@host"}, "DATABASE_URL is malformed"),
    ],
)
def test_a_bad_spec_is_refused_by_name_before_anything_is_touched(
    cq: CloudQuery, cluster: Cluster, config_of: ConfigOf, spec: dict[str, Any], message: str
) -> None:
    said = cq.failing_sync({"spec": {"kubeconfig": config_of({"test": cluster}), **spec}})
    assert message in said
    assert "Traceback" not in said
    assert "s3cret" not in said
    assert cq.query("SELECT relname FROM pg_class WHERE relname LIKE 'k8s%'") == []


@pytest.mark.parametrize(
    ("spec", "refused"),
    [
        (
            {
                "contexts": ["*"],
                "resources": "pods,svc",
                "namespaces": ["shop-*", "-kube-system"],
                "redact": [],
                "page_size": 100,
                "redact_env": False,
                "digest_key": None,
                "label_selectors": {"pods": "app=gr\u00fcn"},
                "database_url": "postgresql://user:s3cret@host/db",
                "privacy": "default",
                "read_timeout": 1.5,
            },
            None,
        ),
        ({"resorces": ["pods"]}, "resorces"),
        ({"page_size": "100"}, "page_size"),
        ({"contexts": [" ", "\u2003"]}, "contexts"),
        ({"namespaces": "shop,Shop"}, "namespaces"),
        ({"label_selectors": {"pods": "app=\u202eweb\n"}}, "label_selectors"),
        ({"database_url": "postgres//user:s3cret@host"}, "database_url"),
    ],
)
def test_validate_config(cq: CloudQuery, spec: dict[str, Any], refused: str | None) -> None:
    """What a sync says of the same is in tests/unit/test_spec.py, which has the CLI's schemas read by Python."""
    done = cq.run("validate-config", str(cq.config({"spec": spec})))
    said = done.stdout + done.stderr
    assert (done.returncode == 0) == (refused is None), said
    assert refused is None or f"'/{refused}" in said or f"'{refused}'" in said
    assert "s3cret" not in said


def test_test_connection(cq: CloudQuery, cluster: Cluster, second: Cluster, config_of: ConfigOf) -> None:
    """The destination's SDK has no such call; what counts is what the CLI has of the source."""
    contexts = {"east": cluster, "west": second}
    done = cq.run("test-connection", str(cq.config({"spec": {"kubeconfig": config_of(contexts)}})))
    assert '"success":true' in done.stdout + done.stderr
    assert "does not answer" not in done.stdout + done.stderr
    done = cq.run("test-connection", str(cq.config({"spec": {"kubeconfig": config_of(contexts, dead="west")}})))
    assert '"success":true' not in done.stdout + done.stderr
    assert "context west: https://127.0.0.1:1 does not answer" in done.stdout + done.stderr


def test_tables_are_documented(cq: CloudQuery) -> None:
    done = cq.run("tables", str(cq.config()), "--output-dir", str(cq.folder / "docs"), "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    (written,) = (cq.folder / "docs").rglob("*.json")
    found = {table["name"]: table for table in json.loads(written.read_text())}
    assert found.keys() == {kind.table for kind in TABLES}
    keys = [column["name"] for column in found["k8s_pods"]["columns"] if column.get("is_primary_key")]
    assert keys == ["context_name", "uid"]
    assert found["k8s_pods"]["description"] == KINDS["pods"].description


def test_with_a_database_the_store_is_kept_too(
    cq: CloudQuery, cluster: Cluster, config_of: ConfigOf, new_database: Callable[[], str]
) -> None:
    url = new_database()
    spec = {"spec": {"kubeconfig": config_of({"test": cluster}), "database_url": url}, "tables": ["k8s_pods"]}
    cq.sync(spec)
    with Store.connect(url) as store:
        stored = store.connection.execute("SELECT uid FROM k8s_pods ORDER BY 1").fetchall()
        status = store.connection.execute("SELECT context_name, kind, outcome FROM k8s_sync_status").fetchall()
    assert stored == cq.query("SELECT uid FROM k8s_pods ORDER BY 1")
    assert status == [("test", "pods", "complete")]


def test_logs_tell_of_each_page_and_hold_no_credential(cq: CloudQuery, cluster: Cluster, config_of: ConfigOf) -> None:
    planted = "pl4nted-s3cret"
    env = [{"name": "PASSWORD", "value": planted}]
    cluster.create(PODS, pod("planted", containers=[{"name": "m", "image": "i", "env": env}]))
    spec = {"kubeconfig": config_of({"test": cluster}), "page_size": 2}
    said = cq.sync({"spec": spec, "tables": ["k8s_pods"]}, level="debug")
    cluster.delete(f"{PODS}/planted")
    pages = [line for line in said.splitlines() if "kind=pods" in line]
    assert len(pages) == (len(cluster.list("/api/v1/pods")) + 2) // 2
    assert all(f" {field}=" in pages[0] for field in ("context", "page", "objects", "bytes", "milliseconds"))
    everything = said + str(cq.query("SELECT p::text FROM k8s_pods p"))
    assert planted not in everything
    assert ADMIN.token not in everything


# -- the plugin's process --------------------------------------------------------------------------


def children(process: subprocess.Popen[str], name: str) -> list[psutil.Process]:
    return [each for each in psutil.Process(process.pid).children(recursive=True) if name in " ".join(each.cmdline())]


def wait_for(what: str, check: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen")


@pytest.mark.parametrize("on_incomplete", ["error", "keep"])
def test_a_plugin_killed_in_the_middle_loses_no_row(
    cq: CloudQuery, cluster: Cluster, proxy: Proxy, config_of: ConfigOf, stalled: str, on_incomplete: str
) -> None:
    cq.sync({"spec": {"kubeconfig": config_of({"proxied": cluster})}, "tables": ["k8s_pods"]})
    before = cq.count("k8s_pods")
    spec = {"kubeconfig": stalled, "page_size": 2, "on_incomplete": on_incomplete}
    source = {"spec": spec, **KEEP, "tables": ["k8s_pods"]}
    with cq.start("sync", str(cq.config(source))) as running:
        wait_for("The second page", lambda: any("continue=" in path for path in proxy.requests))
        for each in children(running, "k8s-inventory-cloudquery"):
            each.kill()
        said, _ = running.communicate(timeout=60)
    assert running.returncode != 0, said
    assert cq.count("k8s_pods") == before > 0


@pytest.mark.parametrize("when", ["before any call", "in the middle of a sync"])
def test_nothing_is_left_of_a_cli_that_was_killed(cq: CloudQuery, proxy: Proxy, stalled: str, when: str) -> None:
    sockets = cq.folder / "sockets"
    sockets.mkdir()
    source = {"spec": {"kubeconfig": stalled, "page_size": 2}, "tables": ["k8s_pods"]}
    with cq.start("sync", str(cq.config(source)), TMPDIR=str(sockets)) as running:
        if when == "before any call":
            wait_for("The socket", lambda: list(sockets.iterdir()))
        else:
            wait_for("The second page", lambda: any("continue=" in path for path in proxy.requests))
        started = psutil.Process(running.pid).children(recursive=True)
        plugins = children(running, "k8s-inventory-cloudquery")
        assert plugins
        for each in started:
            if each not in plugins:
                each.kill()
        _, left = psutil.wait_procs(plugins, timeout=60)
        assert not left
        said, _ = running.communicate(timeout=60)
    assert "Traceback" not in said
    assert list(sockets.iterdir()) == []


@pytest.fixture
def served(plugin: Path, tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], Path]]]:
    """Starts `serve` on a socket, as the CLI does."""
    started = []

    def serve(*arguments: str) -> tuple[subprocess.Popen[str], Path]:
        path = tmp_path / "plugin.sock"
        command = [str(plugin), "serve", "--network", "unix", "--address", str(path), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        wait_for("The socket", path.exists)
        return process, path

    yield serve
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly_in_the_middle_of_a_sync(
    served: Callable[..., tuple[subprocess.Popen[str], Path]], proxy: Proxy, stalled: str, number: signal.Signals
) -> None:
    process, path = served("--log-format", "json")
    with grpc.insecure_channel(f"unix:{path}") as channel:
        stub = plugin_pb2_grpc.PluginStub(channel)
        spec = json.dumps({"kubeconfig": stalled, "page_size": 2}).encode()
        stub.Init(plugin_pb2.Init.Request(spec=spec), timeout=20)
        messages = stub.Sync(plugin_pb2.Sync.Request(tables=["k8s_pods"]))
        assert next(messages).migrate_table.table
        wait_for("The second page", lambda: any("continue=" in each for each in proxy.requests))
        begin = time.monotonic()
        process.send_signal(number)
        assert process.wait(60) == 0
        assert time.monotonic() - begin < 20  # two seconds are meant; machines of tests may be slow
        with pytest.raises(grpc.RpcError):  # a stream that just ended would be taken for complete
            list(messages)
    said = process.stdout.read() if process.stdout else ""
    assert "Traceback" not in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["level"] for line in lines if "pods" not in line["message"]] == ["info", "info"]
    assert not path.exists(), "the socket was left behind"


def test_no_key_of_a_kubeconfig_is_left_behind(plugin: Path, cluster: Cluster, tmp_path: Path) -> None:
    config = yaml.safe_load(kubeconfig({"test": cluster}))
    for name, end in (("client-certificate-data", "crt"), ("client-key-data", "key")):  # any pair will do
        content = cluster.ca_file.with_suffix(f".{end}").read_bytes()
        config["users"][0]["user"][name] = base64.b64encode(content).decode()
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    folder = tmp_path / "temporary"
    folder.mkdir()
    path = tmp_path / "plugin.sock"
    command = [str(plugin), "serve", "--network", "unix", "--address", str(path)]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(folder)}) as process:
        try:
            wait_for("The socket", path.exists)
            with grpc.insecure_channel(f"unix:{path}") as channel:
                stub = plugin_pb2_grpc.PluginStub(channel)
                spec = json.dumps({"kubeconfig": str(tmp_path / "config")}).encode()
                stub.Init(plugin_pb2.Init.Request(spec=spec), timeout=60)
                assert len(list(stub.Sync(plugin_pb2.Sync.Request(tables=["k8s_namespaces"])))) > 1
            assert not [each for each in folder.rglob("*") if each.is_file()], "no key needs a file to be loaded"
        finally:
            process.terminate()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("network", [["--network", "unix"], []], ids=["as the CLI", "by default"])
def test_nobody_else_can_use_a_socket(plugin: Path, tmp_path: Path, network: list[str]) -> None:
    """In a folder that all users share, as the CLI's /tmp; by default in one of its own."""
    tmp_path.chmod(0o1777)
    let_pass(tmp_path)
    address = ["--address", str(tmp_path / "plugin.sock")] if network else []
    # All that the plugin makes is open to others, unless it is shut.
    command = ["sh", "-c", 'umask 0; exec "$0" "$@"', str(plugin), "serve", *network, *address]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            while not (found := list(tmp_path.rglob("*.sock"))):  # no pause: it has to be shut from the start
                assert process.poll() is None
            assert not open_to_others(found[0])
            assert process.stdout is not None
            assert process.stdout.readline() == f"INFO serving on unix:{found[0]}\n"
            assert bool(address) or not open_to_others(found[0].parent)
            with socket.socket(socket.AF_UNIX) as mine, socket.socket(socket.AF_UNIX) as theirs:
                mine.connect(str(found[0]))
                if os.geteuid() == 0:
                    said = as_nobody(lambda: theirs.connect(str(found[0])))
                    assert said.startswith("PermissionError"), said
            assert psutil.Process(process.pid).net_connections("inet") == []
        finally:
            process.terminate()
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == [], "a socket or its folder was left behind"


def test_a_file_in_the_place_of_the_socket_stays(plugin: Path, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("kept")
    command = [str(plugin), "serve", "--network", "unix", "--address", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"{path} can not be listened on" in done.stdout
    assert path.read_text() == "kept"


def test_a_port_is_only_listened_on_where_it_is_asked_for_and_with_a_warning(plugin: Path) -> None:
    (port,) = free_ports(1)
    command = [str(plugin), "serve", "--address", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline() + process.stdout.readline()
        process.terminate()
    assert f"WARNING whoever reaches 127.0.0.1:{port} may read clusters, and run programs" in said


def test_the_image_is_installed_by_hashes_alone(tmp_path: Path) -> None:
    """What cloudquery.Dockerfile does, in a virtual environment and a folder in the place of an image."""
    text = (PROJECT / "cloudquery.Dockerfile").read_text()
    installs = re.findall(r"^RUN pip (install .*?) &&", text, re.MULTILINE)
    assert len(installs) == text.count("pip ") == 1
    assert "--require-hashes" in installs[0]
    copied = re.findall(r"^COPY (\S+) (\S+)$", text, re.MULTILINE)
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    for source, to in copied:
        assert f"!{source.partition('/')[0]}" in ignored, source
        at = tmp_path / to.removeprefix("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (PROJECT / source).is_dir() else shutil.copy)(PROJECT / source, at)
    subprocess.run([str(UV), "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    arguments = installs[0].replace("--no-cache-dir", "").replace("/tmp/", f"{tmp_path}/tmp/").split()
    subprocess.run([str(UV), "pip", *arguments, "--quiet", "--python", python], check=True)
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    (command,) = re.findall(r"^CMD (.*)$", text, re.MULTILINE)
    (port,) = free_ports(1)
    serve = [each.replace("[::]:7777", f"127.0.0.1:{port}") for each in json.loads(command)]
    env = {"PYTHONPATH": str(tmp_path / "opt/k8s-inventory"), "PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
    started = [python, *json.loads(entry)[1:], *serve]
    with subprocess.Popen(started, env=env, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["message"] == f"serving on 127.0.0.1:{port}"
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = plugin_pb2_grpc.PluginStub(channel)
                assert stub.GetName(plugin_pb2.GetName.Request(), timeout=20).name == "k8s-inventory"
        finally:
            process.terminate()
    assert process.returncode == 0


def test_two_plugins_can_not_have_one_address(plugin: Path) -> None:
    (port,) = free_ports(1)
    command = [str(plugin), "serve", "--address", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        try:
            assert first.stdout is not None
            assert "serving" in first.stdout.readline()
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        finally:
            first.terminate()
    assert first.returncode == 0
    assert done.returncode == 1
    assert f"127.0.0.1:{port} can not be listened on" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("network", ["unix", "tcp"])
def test_a_plugin_that_the_user_starts(cq: CloudQuery, cluster: Cluster, config_of: ConfigOf, network: str) -> None:
    at = str(cq.folder / "plugin.sock") if network == "unix" else f"127.0.0.1:{free_ports(1)[0]}"
    address = f"unix:{at}" if network == "unix" else at
    command = [str(cq.plugin), "serve", "--network", network, "--address", at]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as served:
        try:
            spec = {"kubeconfig": config_of({"test": cluster})}
            cq.sync({"registry": "grpc", "path": address, "spec": spec, "tables": ["k8s_pods"]})
        finally:
            served.terminate()
    assert served.returncode == 0
    assert cq.count("k8s_pods") == len(cluster.list("/api/v1/pods"))


def test_the_environment_fills_the_spec(cq: CloudQuery, cluster: Cluster, second: Cluster, config_of: ConfigOf) -> None:
    env = {
        "KUBECONFIG": config_of({"east": cluster, "west": second}),
        "K8S_CONTEXTS": "west",
        "K8S_RESOURCES": "pods",
    }
    done = cq.run("sync", str(cq.config()), **env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert cq.query("SELECT DISTINCT context_name FROM k8s_pods") == [("west",)]
    assert cq.query("SELECT relname FROM pg_class WHERE relname = 'k8s_services'") == []
    assert os.environ.get("K8S_CONTEXTS") is None


# -- changes ---------------------------------------------------------------------------------------


@pytest.fixture
def following(cq: CloudQuery, cluster: Cluster, config_of: ConfigOf) -> Callable[..., dict[str, Any]]:
    """A source that sends what changes of pods, by a store in the destination's database."""

    def source(**spec: Any) -> dict[str, Any]:
        into = {"database_url": cq.database, "schema_name": "inventory", "kubeconfig": config_of({"test": cluster})}
        return {"spec": {**into, **spec}, **KEEP, "tables": ["k8s_pods", "k8s_changes"]}

    return source


def sent(cq: CloudQuery) -> list[tuple[Any, ...]]:
    statement = "SELECT name, change, columns::text, old::text, evidence, seen_at FROM {} ORDER BY seen_at, name"
    stored = cq.query(statement.format("inventory.k8s_changes").replace("seen_at FROM", "seen_at::timestamp FROM"))
    found = cq.query(statement.format("k8s_changes"))
    assert set(found) <= set(stored)
    return [row[:2] for row in found]


def test_changes_are_sent_once(cq: CloudQuery, cluster: Cluster, following: Callable[..., dict[str, Any]]) -> None:
    for name in ("changing", "gone"):
        cluster.create(PODS, pod(name))
    cq.sync(following())
    assert cq.count("k8s_changes") == 0
    cluster.patch(f"{PODS}/changing", {"metadata": {"annotations": {"note": "planted-1"}}})
    cluster.delete(f"{PODS}/gone")
    cq.sync(following())
    assert sent(cq) == [("changing", "updated"), ("gone", "deleted")]
    cq.query("DELETE FROM k8s_changes RETURNING 1")
    cluster.patch(f"{PODS}/changing", {"metadata": {"annotations": {"note": "planted-2"}}})
    time.sleep(1.1)
    said = cq.sync(following())
    assert sent(cq) == [("changing", "updated")]
    cq.sync({**following(), "tables": ["k8s_changes"]})  # nothing new, and nothing goes
    assert sent(cq) == [("changing", "updated")]
    assert "planted-1" in str(cq.query("SELECT old::text FROM k8s_changes"))
    cq.sync(following(redact=["pods:.metadata.annotations.note"]))  # holds for what was sent, too
    cluster.delete(f"{PODS}/changing")
    assert sent(cq) == [("changing", "updated"), ("gone", "deleted"), ("changing", "updated")]
    assert "planted" not in str(cq.query("SELECT old::text FROM k8s_changes"))
    assert "errors=0" in said
    ((rows, ids),) = cq.query("SELECT count(*), count(DISTINCT _cq_id) FROM k8s_changes")
    assert rows == ids == 3


def test_changes_that_were_not_written_are_sent_again(
    cq: CloudQuery, cluster: Cluster, following: Callable[..., dict[str, Any]]
) -> None:
    cluster.create(PODS, pod("changing"))
    cq.sync(following())
    with psycopg.connect(cq.database, autocommit=True) as connection:
        connection.execute("ALTER TABLE k8s_changes ADD CONSTRAINT full_up CHECK (name <> 'changing')")
        cluster.delete(f"{PODS}/changing")
        cq.failing_sync(following())
        connection.execute("ALTER TABLE k8s_changes DROP CONSTRAINT full_up")
    assert cq.count("k8s_changes") == 0
    cq.sync(following())
    assert sent(cq) == [("changing", "deleted")]


def test_changes_are_sent_though_another_kind_is_incomplete(
    cq: CloudQuery, cluster: Cluster, config_of: ConfigOf, following: Callable[..., dict[str, Any]]
) -> None:
    tables = {"tables": ["k8s_pods", "k8s_services", "k8s_changes"]}
    cluster.create(PODS, pod("changing"))
    cq.sync({**following(), **tables})
    cluster.delete(f"{PODS}/changing")
    only_pods = config_of({"test": cluster}, user=User("reader"))
    cq.failing_sync({**following(kubeconfig=only_pods), **tables})
    assert sent(cq) == [("changing", "deleted")]
    cq.query("DELETE FROM k8s_changes RETURNING 1")
    cq.failing_sync({**following(kubeconfig=only_pods), **tables})
    assert sent(cq) == []


def test_changes_say_what_they_need(cq: CloudQuery, following: Callable[..., dict[str, Any]]) -> None:
    source = following()
    without = {name: value for name, value in source.items() if name != "backend_options"}
    assert "k8s_changes takes a state backend" in cq.failing_sync(without)
    everything = cq.sync({**without, "tables": ["k8s_pods", "k8s_change?"]})
    assert "k8s_changes takes a state backend" in everything
    del source["spec"]["database_url"], source["spec"]["schema_name"]
    assert "k8s_changes takes `database_url`" in cq.failing_sync(source)
    cq.sync({**source, "tables": ["k8s_pods", "k8s_change?"]})
    assert cq.query("SELECT to_regclass('k8s_changes')") == [(None,)]
