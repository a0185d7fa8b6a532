"""What the history costs: syncs with it as a ratio to the same without, and reading an instant as one to reading now.

    python -m bench.history
    python -m bench.history --pods 2000 --rounds 3

Every pod is changed in the database, so that the next sync finds its label and its status to be others. Then each pod
has 100 changes, and the instant asked for lies before all of them.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial
from typing import Any

from bench.setting import Setting, bench_setting
from bench.sync_speed import PODS, seconds
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run, sync_target

BOUNDS = {
    "nothing changed": 1.05,
    "first load": 1.05,
    "everything changed": 1.4,
    "all pods at an instant": 20,
    "a namespace at an instant": 20,
    "a pod at an instant": 20,
}
CHANGES = 100
OTHERS = """
UPDATE k8s_pods SET
    resource_version = '1',
    labels = labels || '{"changed": "true"}',
    status = jsonb_set(status, '{qosClass}', '"Changed"')
"""
MANY_CHANGES = """
INSERT INTO k8s_changes (context_name, kind, "group", plural, namespace, name, uid, change, seen_at,
    old_resource_version, resource_version, run_id, evidence, columns, old, keyframe, made_of)
SELECT context_name, 'Pod', '', 'pods', namespace, name, uid, 'updated', now() - make_interval(mins => %(changes)s - i),
    i::text, (i + 1)::text, 'bench', 'bench', '{labels,restarts,status}',
    jsonb_build_object('labels', jsonb_build_object('i', i), 'restarts', i, 'status', status),
    CASE WHEN hashtext(uid || i) %% 64 = 0 THEN to_jsonb(pod) - 'made_of' END, made_of
FROM generate_series(1, %(changes)s) AS i CROSS JOIN k8s_pods AS pod
"""


def measure(setting: Setting, rounds: int) -> dict[str, list[float]]:
    """The ratios, by what was measured, one a round."""
    context = kubeconfig_contexts(str(setting.kubeconfig))["bench"]
    ratios: dict[str, list[float]] = {name: [] for name in BOUNDS}
    with Store.connect(setting.database_url) as store, Session(context) as session:
        store.migrate()
        execute = store.connection.execute

        def sync(days: int) -> None:
            chosen = Settings.load({"database_url": setting.database_url, "history_days": days})
            result = sync_target(session, store, PODS, run=Run("bench"), settings=chosen).attempt
            assert result.outcome == "complete", result

        def timed(statement: str) -> float:
            execute(statement.encode())
            execute("VACUUM (ANALYZE) k8s_pods")
            execute("CHECKPOINT")
            return seconds(lambda: sync(days))

        for _ in range(rounds):
            took: dict[str, dict[int, float]] = {}
            for days in (0, 90):
                execute("TRUNCATE k8s_changes, k8s_pods")
                execute("UPDATE k8s_sync_targets SET history_since = NULL")
                took.setdefault("first load", {})[days] = timed("SELECT")
                took.setdefault("everything changed", {})[days] = timed(OTHERS)
                took.setdefault("nothing changed", {})[days] = timed("SELECT")
            for name, by_days in took.items():
                ratios[name].append(by_days[90] / by_days[0])
        execute("TRUNCATE k8s_changes")
        execute("UPDATE k8s_sync_targets SET history_since = now() - interval '1 day'")
        execute(MANY_CHANGES.encode(), {"changes": CHANGES})
        execute("VACUUM (ANALYZE) k8s_changes")
        for name, where in _QUESTIONS.items():
            now, then = f"k8s_pods {where}", f"k8s_pods_at(now() - interval '{CHANGES + 1} minutes') {where}"
            for _ in range(rounds):
                ratios[name].append(seconds(partial(_read, store, then)) / seconds(partial(_read, store, now)))
        size = execute("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('k8s_changes')").fetchall()
        print(f"{size[0][0] / CHANGES / _pods(store):.0f} bytes a change of a label, a number and a whole status")
    return ratios


_POD = "(SELECT min(name) FROM k8s_pods)"
_NAMESPACE = "(SELECT min(namespace) FROM k8s_pods)"
_QUESTIONS = {
    "all pods at an instant": "",
    "a namespace at an instant": f"AS pod WHERE context_name = 'bench' AND namespace = {_NAMESPACE}",
    "a pod at an instant": f"AS pod WHERE context_name = 'bench' AND namespace = {_NAMESPACE} AND name = {_POD}",
}


def _pods(store: Store) -> int:
    return int(store.connection.execute("SELECT count(*) FROM k8s_pods").fetchall()[0][0])


def _read(store: Store, rows: str) -> None:
    with store.connection.cursor() as cursor, cursor.copy(f"COPY (SELECT * FROM {rows}) TO STDOUT".encode()) as copy:
        for _ in copy:
            pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options: Any = parser.parse_args()
    with bench_setting(options.pods) as setting:
        ratios = measure(setting, options.rounds)
    print(f"{options.pods} pods, median of {options.rounds} rounds")
    print(f"{'':<28} {'ratio':>6} {'bound':>6}")
    for name, values in ratios.items():
        print(f"{name:<28} {statistics.median(values):>6.2f} {BOUNDS[name]:>6}")


if __name__ == "__main__":
    main()
