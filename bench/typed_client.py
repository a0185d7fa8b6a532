"""The same sync as most inventories do it: the typed client, page by page, and a row at a time.

python -m bench.typed_client --pods 2000
"""

from __future__ import annotations

import argparse
import json

from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config
from psycopg.types.json import Jsonb

from bench.setting import Setting, bench_setting
from bench.sync_speed import PODS, seconds
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run, sync_target

UPSERT = """
    INSERT INTO typed (uid, name, namespace, spec, status) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (uid) DO UPDATE
    SET name = excluded.name, namespace = excluded.namespace, spec = excluded.spec, status = excluded.status
"""


def typed_sync(setting: Setting, store: Store) -> None:
    client = new_client_from_config(str(setting.kubeconfig), "bench")
    api, token = CoreV1Api(client), None
    while True:
        page = api.list_pod_for_all_namespaces(limit=500, _continue=token)
        for pod in page.items:
            value = json.loads(json.dumps(client.sanitize_for_serialization(pod)))
            row = (
                pod.metadata.uid,
                pod.metadata.name,
                pod.metadata.namespace,
                Jsonb(value["spec"]),
                Jsonb(value["status"]),
            )
            store.connection.execute(UPSERT, row)
        token = page.metadata._continue
        if not token:
            return


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=2_000)
    options = parser.parse_args()
    with bench_setting(options.pods) as setting, Store.connect(setting.database_url) as store:
        store.migrate()
        store.connection.execute(
            "CREATE TABLE typed (uid text PRIMARY KEY, name text, namespace text, spec jsonb, status jsonb)"
        )
        context = kubeconfig_contexts(str(setting.kubeconfig))["bench"]
        with Session(context) as session:

            def ours() -> None:
                sync_target(session, store, PODS, run=Run("bench"), settings=Settings.load())

            print(f"{options.pods} pods{'':<14} {'typed':>8} {'ours':>8} {'ratio':>6}")
            for name in ("first load", "nothing changed"):
                typed, own = seconds(lambda: typed_sync(setting, store)), seconds(ours)
                print(f"{name:<20} {typed:>8.2f} {own:>8.2f} {typed / own:>6.1f}")


if __name__ == "__main__":
    main()
