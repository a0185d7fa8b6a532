"""The database: schema, roles, locks, killed tasks, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kinds.declaration import Column
from k8s_inventory.kube.contexts import Context
from k8s_inventory.outcome import Outcome
from k8s_inventory.store import Attempt, Store, StoreError, Target, TargetBusy, database, forget_context
from k8s_inventory.sync import Result, Run
from tests.cluster import Cluster
from tests.cluster.objects import pod
from tests.equality import assert_table_equals_cluster, rows_of, status_of
from tests.proxy import Answer, Proxy

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]


def role(database_url: str, name: str, *grants: str) -> str:
    """Makes a login role with these grants, anew; returns its URL."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
            connection.execute(f"DROP OWNED BY {name}")
        else:
            connection.execute(f"CREATE ROLE {name} LOGIN")
        for grant in grants:
            connection.execute(grant.format(role=name, database=connection.info.dbname))
    return database_url.replace("postgres@", f"{name}@")


def documented_grants(title: str) -> list[str]:
    """The SQL under a heading of docs/postgresql.md: what users are told is what is tested."""
    from k8s_inventory.store.statements import FOLDER

    text = (FOLDER.parents[1] / "docs" / "postgresql.md").read_text()
    block = text.partition(f"## {title}")[2].partition("```sql\n")[2].partition("```")[0]
    assert block, title
    return [each.strip() for each in block.split(";") if each.strip()]


# -- schema ----------------------------------------------------------------------------------------


def test_migrating_twice_changes_nothing(any_database_url: str) -> None:
    with Store.connect(any_database_url) as store:
        assert {"0001_system_tables", "k8s_pods"} <= set(store.migrate())
        assert store.migrate() == []
        store.check_schema()


def test_migrating_from_many_tasks_at_once_is_harmless(database_url: str) -> None:
    errors: list[Exception] = []

    def migrate() -> None:
        try:
            with Store.connect(database_url) as store:
                store.migrate()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_column_that_a_newer_declaration_adds_is_added(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(cluster), "pods")
    store.connection.execute("ALTER TABLE k8s_pods DROP COLUMN host_ip")
    store.connection.execute("UPDATE k8s_schema_tables SET declaration = 'an older one' WHERE table_name = 'k8s_pods'")
    with pytest.raises(StoreError, match="k8s_pods, k8s_pods_at: run the DAG's task `plan`"):
        store.check_schema()
    assert store.migrate() == ["k8s_pods", "k8s_pods_at"]
    sync(context_of(cluster), "pods", verify=True)
    assert_table_equals_cluster(store, cluster, "pods")


@pytest.mark.parametrize("table", ["k8s_pods", "k8s_sync_runs"])
def test_a_foreign_table_of_the_same_name_is_refused_and_left_alone(database_url: str, table: str) -> None:
    with Store.connect(database_url) as store:
        store.connection.execute(f"CREATE TABLE {table} (mine int)")
        store.connection.execute(f"INSERT INTO {table} VALUES (1)")
        with pytest.raises(StoreError, match=f"{table} in this schema was not made by k8s-inventory"):
            store.migrate()
        assert store.connection.execute(f"SELECT mine FROM {table}").fetchall() == [(1,)]
        made = store.connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'k8s%' AND relkind = 'r'")
        assert made.fetchone() == (1,)


def test_a_schema_of_ones_own(cluster: Cluster, database_url: str, sync: Sync, context_of: ContextOf) -> None:
    with Store.connect(database_url, schema="Inventory of k8s") as store:
        store.migrate()
        sync(context_of(cluster), "pods", into=store)
        assert_table_equals_cluster(store, cluster, "pods")
        found = store.connection.execute(
            "SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'k8s_pods'"
        )
        assert ('"Inventory of k8s"',) in found.fetchall()


def test_a_database_of_a_newer_version_is_refused(store: Store) -> None:
    store.connection.execute("INSERT INTO k8s_schema_migrations VALUES (9999, '9999_from_the_future')")
    with pytest.raises(StoreError, match="upgraded by a newer k8s-inventory"):
        store.migrate()


def test_what_a_newer_version_made_without_a_migration_is_left_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new column is none: an older version would leave it as it was in each row that it writes."""
    pods = KINDS["pods"]
    tier = Column(name="tier", type="text", path="spec.tier", description="New.")
    grown = [replace(pods, typed_columns=(*pods.typed_columns, tier))]
    with monkeypatch.context() as newer:
        newer.setattr(database, "__version__", "0.10.0rc1")
        assert "k8s_pods" in store.migrate(grown)
    for refuses in (store.migrate, store.check_schema, lambda: store._apply(grown)):
        with pytest.raises(StoreError, match=r"newer k8s-inventory \(0.10.0rc1, and this is .*upgrade this one"):
            refuses()
    monkeypatch.setattr(database, "__version__", "0.10.0")
    assert "k8s_pods" in store.migrate()
    store.check_schema()


# -- bad addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql//user:s3cret@host/db", "malformed"),
        ("mysql://user:s3cret@host/db", "malformed"),
        ("postgresql://user:s3cret@127.0.0.1:1/db", "refused"),
        ("postgresql://user:s3cret@does-not-exist.invalid/db", "does-not-exist.invalid"),
    ],
)
def test_a_bad_database_url_is_explained_without_its_password(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as raised:
        Store.connect(url)
    assert "s3cret" not in str(raised.value)


def test_a_database_that_is_missing_is_named(database_url: str) -> None:
    with pytest.raises(StoreError, match='database "nowhere" does not exist'):
        Store.connect(database_url.replace("/test_", "/nowhere?application_name=").replace("?host", "&host"))


def test_a_role_without_rights_is_told_which_and_nothing_is_made(database_url: str) -> None:
    with Store.connect(role(database_url, "k8s_nobody")) as store:
        with pytest.raises(StoreError, match="permission denied for schema public.*docs/postgresql.md"):
            store.migrate()


def test_a_role_that_may_not_use_the_schema_is_told_so(database_url: str) -> None:
    """Without it in the search path, temporary tables would come first."""
    with Store.connect(database_url, schema="inventory") as owner:
        owner.migrate()
    with pytest.raises(StoreError, match="permission denied for schema inventory.*docs/postgresql.md"):
        Store.connect(role(database_url, "k8s_nobody"), schema="inventory")


# -- roles -----------------------------------------------------------------------------------------


def _revoke_functions(database_url: str) -> None:
    """As hardened databases do, before anything is made in them."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")


@pytest.mark.parametrize("hardened", [False, True])
def test_the_documented_writer_may_sync_and_no_more(
    hardened: bool, cluster: Cluster, any_database_url: str, sync: Sync, context_of: ContextOf
) -> None:
    if hardened:
        _revoke_functions(any_database_url)
    with Store.connect(any_database_url) as owner:
        owner.migrate()
    writer = role(any_database_url, "k8s_writer", *_for_role(documented_grants("A role that may write")))
    with Store.connect(writer) as store:
        assert store.migrate() == []
        assert sync(context_of(cluster), "pods", into=store).attempt.outcome == "complete"
        assert_table_equals_cluster(store, cluster, "pods")
        store.mark_configured([])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            store.connection.execute("DROP TABLE k8s_pods")


def test_the_documented_writer_may_move_rows_of_a_kind_that_is_declared_since(any_database_url: str) -> None:
    """It changes no table, so it needs no owner."""
    with Store.connect(any_database_url) as owner:
        owner.migrate()
        owner.connection.execute("INSERT INTO k8s_sync_targets (context_name, kind) VALUES ('test', 'services.core')")
    writer = role(any_database_url, "k8s_writer", *_for_role(documented_grants("A role that may write")))
    with Store.connect(writer) as store:
        assert store.migrate() == ["rows of services.core"]
        store.check_schema()


@pytest.mark.parametrize("hardened", [False, True])
def test_the_documented_reader_may_only_read(
    hardened: bool, cluster: Cluster, any_database_url: str, sync: Sync, context_of: ContextOf
) -> None:
    if hardened:
        _revoke_functions(any_database_url)
    with Store.connect(any_database_url) as owner:
        owner.migrate()
        sync(context_of(cluster), "pods", into=owner)
    reader = role(any_database_url, "k8s_reader", *_for_role(documented_grants("A role that may only read")))
    with Store.connect(reader) as store:
        assert rows_of(store, "pods") > 0
        assert status_of(store, "pods")["outcome"] == "complete"
        assert store.connection.execute("SELECT count(*) FROM k8s_clusters").fetchone() == (1,)
        for relation in ("k8s_pods_at(now())", "k8s_edges", "k8s_grants", "k8s_event_history"):
            store.connection.execute(f"SELECT * FROM {relation}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            store.connection.execute("DELETE FROM k8s_pods")


def _for_role(grants: list[str]) -> list[str]:
    """The documentation's grants with this test's names; it creates its roles itself."""
    replaced = [each.replace("inventory_writer", "{role}").replace("inventory_reader", "{role}") for each in grants]
    return [
        each.replace("DATABASE inventory", 'DATABASE "{database}"') for each in replaced if "CREATE ROLE" not in each
    ]


# -- locks and kills -------------------------------------------------------------------------------


def test_a_second_writer_waits_and_then_names_the_holder(store: Store, database_url: str) -> None:
    with Target.locked(store, KINDS["pods"], "test") as first, Store.connect(database_url) as other:
        first.begin(run_id="the-first-run", attempt=3)
        with pytest.raises(
            TargetBusy, match=r"context test, pods: still being written by run the-first-run \(attempt 3"
        ):
            with Target.locked(other, KINDS["pods"], "test", wait=0.5):
                pass
        with Target.locked(other, KINDS["pods"], "another"), Target.locked(other, KINDS["services"], "test"):
            pass  # other targets are free


def test_the_lock_is_taken_before_the_listing(
    cluster: Cluster, proxy: Proxy, store: Store, database_url: str, sync: Sync
) -> None:
    with Store.connect(database_url) as other, Target.locked(other, KINDS["pods"], "proxied"):
        with pytest.raises(TargetBusy):
            sync(proxy.context, "pods", lock_wait=0.2)
    assert proxy.lists("pods") == []


OWN_SCHEMA = "CREATE SCHEMA IF NOT EXISTS {role} AUTHORIZATION {role}"


@pytest.mark.parametrize(
    ("grants", "schemas"),
    [
        ([], (None, None)),
        ([OWN_SCHEMA], (None, None)),
        ([OWN_SCHEMA], ("public", None)),
        ([OWN_SCHEMA], (None, "public")),
    ],
    ids=["one schema", "own schemas", "the first by its name", "the second by its name"],
)
def test_two_roles_that_write_the_same_tables_exclude_each_other(
    cluster: Cluster,
    proxy: Proxy,
    store: Store,
    database_url: str,
    sync: Sync,
    grants: list[str],
    schemas: tuple[str | None, str | None],
) -> None:
    """To each, the search path `"$user", public` is another one, and leads to the same tables."""
    given = [*_for_role(documented_grants("A role that may write")), *grants]
    given.append('ALTER ROLE {role} IN DATABASE "{database}" SET search_path = "$user", public')
    urls = [role(database_url, name, *given) for name in ("k8s_one", "k8s_two")]
    waited: list[str] = []

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" in path and not waited:
            waited.append("the older snapshot was taken")
            cluster.create("/api/v1/namespaces/shop/pods", pod("newer"))
            with Store.connect(urls[1], schema=schemas[1]) as second:
                with pytest.raises(TargetBusy, match=r"run older .*database session \d+ of k8s_one"):
                    sync(proxy.context, "pods", into=second, lock_wait=0.3)
                with pytest.raises(TargetBusy, match=r"run older .*database session \d+ of k8s_one"):
                    forget_context(second, "proxied", wait=0.3)
        return None

    proxy.spoil = spoil
    with Store.connect(urls[0], schema=schemas[0]) as first:
        assert sync(proxy.context, "pods", into=first, run=Run("older")).attempt.outcome == "complete"
    with Store.connect(urls[1], schema=schemas[1]) as second:
        assert sync(proxy.context, "pods", into=second).attempt.changed == 1
    assert waited
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")
    cluster.delete("/api/v1/namespaces/shop/pods/newer")
    for name in ("k8s_one", "k8s_two"):
        store.connection.execute(f"DROP SCHEMA IF EXISTS {name}")


def test_a_lock_that_is_lost_on_the_way_writes_nothing(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync
) -> None:
    """As behind a transaction-pooling PgBouncer, where the end may reach another server session than the lock did."""
    sync(proxy.context, "pods")
    store.connection.execute("UPDATE k8s_pods SET resource_version = '1'")
    pages = iter(range(1, 100))

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" in path and next(pages) == 1:
            store.connection.execute("SELECT pg_advisory_unlock_all()")
        return None

    proxy.spoil = spoil
    with pytest.raises(StoreError, match="lock is not held .* a pooler is in the way"):
        sync(proxy.context, "pods")
    assert store.connection.execute("SELECT DISTINCT resource_version FROM k8s_pods").fetchall() == [("1",)]


def test_writers_at_the_same_time_leave_one_right_state(
    cluster: Cluster, database_url: str, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    context = context_of(cluster)
    outcomes: list[str] = []

    def work() -> None:
        with Store.connect(database_url) as own:
            outcomes.append(sync(context, "pods", into=own).attempt.outcome)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["complete"] * 4
    assert_table_equals_cluster(store, cluster, "pods")


KILLED = """
    import os, signal, sys
    from k8s_inventory.kinds import KINDS
    from k8s_inventory.kube.contexts import kubeconfig_contexts
    from k8s_inventory.kube.session import Session
    from k8s_inventory.settings import Settings
    from k8s_inventory.store import Store, Target
    from k8s_inventory.sync import Run, sync_target

    url, kubeconfig, method, calls = sys.argv[1:]
    original = getattr(Target, method)
    left = int(calls)

    def die(self, *args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, *args, **kwargs)

    setattr(Target, method, die)
    with Store.connect(url) as store, Session(kubeconfig_contexts(kubeconfig)["test"]) as session:
        sync_target(session, store, KINDS["pods"], run=Run("killed"), settings=Settings.load({"page_size": 2}))
"""


@pytest.mark.parametrize(
    ("method", "calls"),
    [
        ("begin", 0),
        ("start_staging", 0),
        ("see", 1),
        ("stage", 1),
        ("commit", 0),
        ("_merge", 0),
        ("_note", 0),
        ("_end", 0),
    ],
)
def test_a_task_killed_at_any_point_changes_no_row_and_the_next_is_right(
    cluster: Cluster, database_url: str, store: Store, sync: Sync, context_of: ContextOf, method: str, calls: int
) -> None:
    context = context_of(cluster)
    sync(context, "pods")
    store.connection.execute("UPDATE k8s_pods SET resource_version = '1'")  # so that there is something to write
    before = store.connection.execute("SELECT * FROM k8s_pods ORDER BY uid").fetchall()
    command = [sys.executable, "-c", textwrap.dedent(KILLED), database_url, str(context.kubeconfig), method, str(calls)]
    killed = subprocess.run(command, env={"PYTHONPATH": "plugins"}, check=False, capture_output=True, timeout=60)
    assert killed.returncode == -9, killed.stderr.decode()
    assert store.connection.execute("SELECT * FROM k8s_pods ORDER BY uid").fetchall() == before

    result = sync(context, "pods")
    assert result.attempt.outcome == "complete"
    assert result.attempt.changed == len(before)
    assert_table_equals_cluster(store, cluster, "pods")
    orphan = store.connection.execute("SELECT outcome, error FROM k8s_sync_runs WHERE run_id = 'killed'").fetchall()
    if method != "begin":
        assert [(row[0], "killed" in row[1]) for row in orphan] == [("failed", True)]


def test_a_lost_database_session_fails_the_attempt_and_changes_no_row(
    cluster: Cluster, proxy: Proxy, store: Store, database_url: str, sync: Sync
) -> None:
    sync(proxy.context, "pods")
    cluster.patch("/api/v1/namespaces/shop/pods/web-0", {"metadata": {"labels": {"lost": "session"}}})
    before = store.connection.execute("SELECT uid, resource_version FROM k8s_pods ORDER BY 1").fetchall()
    with Store.connect(database_url) as doomed:
        backend = doomed.connection.info.backend_pid
        pages = iter(range(1, 100))

        def spoil(path: str, real: Answer) -> Answer | None:
            if "/pods?" in path and next(pages) == 2:
                store.connection.execute("SELECT pg_terminate_backend(%s)", [backend])
            return None

        proxy.spoil = spoil
        with pytest.raises(
            StoreError, match="context proxied, pods: .*(terminating connection|server closed)"
        ) as raised:
            sync(proxy.context, "pods", into=doomed, page_size=2)
        assert raised.value.retryable
    assert store.connection.execute("SELECT uid, resource_version FROM k8s_pods ORDER BY 1").fetchall() == before


def test_what_the_database_refuses_fails_the_attempt_by_name(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(cluster), "pods")
    store.connection.execute("ALTER TABLE k8s_pods ADD CHECK (name <> 'web-1') NOT VALID")
    cluster.patch("/api/v1/namespaces/shop/pods/web-1", {"metadata": {"labels": {"refused": "yes"}}})
    with pytest.raises(StoreError, match="context test, pods: .*violates check constraint"):
        sync(context_of(cluster), "pods")
    assert status_of(store, "pods")["outcome"] == "failed"
    assert rows_of(store, "pods") > 0


def test_readers_see_the_state_before_or_after_never_between(
    cluster: Cluster, proxy: Proxy, store: Store, database_url: str, sync: Sync
) -> None:
    """While a listing runs, with rows already staged, a reader sees the old state and waits for nothing."""
    sync(proxy.context, "pods")
    store.connection.execute("UPDATE k8s_pods SET resource_version = '1'")
    seen: list[object] = []

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" in path:
            with Store.connect(database_url) as reader:
                seen.extend(reader.connection.execute("SELECT DISTINCT resource_version FROM k8s_pods").fetchall())
        return None

    proxy.spoil = spoil
    sync(proxy.context, "pods", page_size=1)
    assert set(seen) == {("1",)}
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


# -- runs ------------------------------------------------------------------------------------------


def test_a_run_id_that_is_used_again_is_another_run(store: Store) -> None:
    for invocation, outcome in (("a/0/", "complete"), ("b/0/", "failed"), ("b/1/", "partial"), ("b/10/", "absent")):
        with Target.locked(store, KINDS["pods"], "test") as target:
            target.begin(run_id="manual", attempt=1, invocation=invocation)
            target.end(Attempt(Outcome(outcome)))
    for invocation, outcome in (("a/0/", "complete"), ("b/1/", "partial"), ("b", "absent"), ("", "absent")):
        assert [row["outcome"] for row in store.run_report("manual", invocation)] == [outcome]
    assert store.run_report("manual", "c") == []

    store.discovered(["found"], run_id="manual", invocation="a", context_name="test")
    assert store.discovery(run_id="manual", invocation="a", context_name="test") == ["found"]
    assert store.discovery(run_id="manual", invocation="b", context_name="test") is None
    assert store.discovery(run_id="other", invocation="a", context_name="test") is None


# -- contexts that come and go ---------------------------------------------------------------------


def test_a_context_that_is_gone_keeps_its_rows_marked_until_it_is_forgotten(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    for name in ("here", "gone"):
        sync(context_of(cluster, name=name), "pods")
    assert store.mark_configured(["here"], are_all=False) == []
    assert store.mark_configured(["here"]) == ["gone"]
    assert store.mark_configured(["here"]) == []
    marked = dict(
        store.connection.execute("SELECT context_name, unconfigured_since IS NOT NULL FROM k8s_clusters").fetchall()
    )
    assert marked == {"here": False, "gone": True}
    assert rows_of(store, "pods", context="gone") > 0

    assert forget_context(store, "gone")["k8s_pods"] > 0
    assert rows_of(store, "pods", context="gone") == 0
    assert_table_equals_cluster(store, cluster, "pods", context="here")
    assert store.known_contexts() == ["here"]
    with pytest.raises(StoreError, match="context gone is not in the inventory; there is: here"):
        forget_context(store, "gone")


def test_a_context_that_comes_back_is_no_longer_marked(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(cluster), "pods")
    store.mark_configured([])
    store.mark_configured(["test"])
    assert store.connection.execute("SELECT unconfigured_since FROM k8s_clusters").fetchall() == [(None,)]


def test_what_is_no_unicode_is_refused_in_words(store: Store) -> None:
    with pytest.raises(StoreError, match=r"marking contexts: 'a\\ud800' is no text that can be stored"):
        store.mark_configured(["a\ud800"])
