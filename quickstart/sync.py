"""`make run`: the DAG once, over every context, and then what the inventory says."""

from __future__ import annotations

import shlex
import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.errors import KubeconfigError
from k8s_inventory.printable import printable
from k8s_inventory.queries import query_pack
from k8s_inventory.settings import Settings, SettingsError
from k8s_inventory.store import Store, StoreError
from k8s_inventory.sync import PlanError, select
from k8s_inventory.sync.configured import missing_kubeconfig
from k8s_inventory.sync.summary import changes, lines, report
from quickstart import airflow, demo, postgres
from quickstart.bars import Bars
from quickstart.terminal import width

_MOST_CHANGES, _MOST_NAMES = 20, 3
"""Lines of what changed, and objects named in each, where not all are asked for."""

_MOST_ROWS = 8
_EXAMPLES = ("reliability/pods_by_status", "reliability/crash_loops", "security/privileged", "images/running")


def run(*, lists_all: bool = False) -> int:
    """0 if everything asked for is complete, 1 if not, 2 for bad input. `lists_all`: each target, and each change."""
    kubeconfig = None
    if not airflow.has_kubeconfig():
        print("No kubeconfig ($KUBECONFIG, ~/.kube/config): starting two demo clusters.", flush=True)
        kubeconfig = demo.start()
    try:
        settings = Settings.load({"kubeconfig": kubeconfig})
        contexts = kubeconfig_contexts(settings.kubeconfig)
        selection = select(settings, contexts)
        few = min(len(selection.contexts), settings.max_tasks)
        tasks = selection.tasks(most=few)
        database_url = postgres.database_url()
        with Store.connect(database_url, schema=settings.schema_name) as store:
            before = _last_run(store)
    except (KubeconfigError, SettingsError, PlanError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Syncing {len(selection.contexts)} contexts with Airflow ...", flush=True)
    env = airflow.environment(database_url, kubeconfig)
    airflow.make_database(env)
    kinds = len(selection.kinds) + bool(selection.custom.include)
    bars = Bars(dict.fromkeys(selection.contexts, kinds), lists_all=lists_all)
    status = airflow.test_run(env, tasks=few, bars=bars)
    with Store.connect(database_url, schema=settings.schema_name) as store:
        run_id = _last_run(store)
        if run_id is None or run_id == before:
            print(f"The DAG run failed before it read anything; see {airflow.LOG}", file=sys.stderr)
            return 1
        rows = report(store, run_id, tasks)
        warnings = [missing_kubeconfig(path) for path in contexts.missing]
        print(lines(rows, warnings=warnings, width=width(), by_family=not lists_all))
        if settings.history_days:
            _show_changes(store, run_id, is_first=before is None, lists_all=lists_all)
        _show_examples(store)
    print(f"Connect with:  make psql\n       or:     psql {shlex.quote(postgres.shown(database_url))}")
    return int(bool(status) or any(row["outcome"] != "complete" for row in rows))


def _last_run(store: Store) -> str | None:
    if store.connection.execute("SELECT to_regclass('k8s_sync_runs')").fetchone() == (None,):
        return None
    found = store.connection.execute("SELECT run_id FROM k8s_sync_runs ORDER BY id DESC LIMIT 1").fetchone()
    return found[0] if found else None


def _show_changes(store: Store, run_id: str, *, is_first: bool, lists_all: bool) -> None:
    found = store.changes_of_run(run_id, None if lists_all else _MOST_NAMES)
    if found:
        print("What changed since it was last read (queries/history/what_changed.sql has the former values)")
        print(changes(found, width=width(), most=None if lists_all else _MOST_CHANGES))
    elif is_first:
        print("What changes from now on is kept, and told at the end of each run.\n")
    else:
        print("Nothing that was read has changed since it was last read, Events aside.\n")


def _show_examples(store: Store) -> None:
    console = Console(width=width())
    for path in _EXAMPLES:
        query = query_pack()[path]
        cursor = store.connection.execute(query.sql.encode())
        rows = cursor.fetchmany(_MOST_ROWS + 1)
        names = [column.name for column in cursor.description or ()]
        shown = [number for number in range(len(names)) if any(row[number] is not None for row in rows)]
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for number in shown:
            table.add_column(names[number], overflow="fold")
        for row in rows[:_MOST_ROWS]:
            table.add_row(*(Text("" if row[number] is None else printable(row[number])) for number in shown))
        console.print(f"{query.title} (queries/{query.path}.sql)", style="dim", highlight=False, markup=False)
        console.print(table if rows else "  no row\n")
        if len(rows) > _MOST_ROWS:
            console.print("  and more\n")
