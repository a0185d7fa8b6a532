"""What keeping Events costs that are gone from their cluster: bytes of each, seconds, reading those of an object.

    python -m bench.past_events
    python -m bench.past_events --events 10000 --batches 100

An Event is one of a kubelet about a pod that does not come up. Each batch goes from its cluster at once, as a day's run
finds it.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from bench.sync_speed import seconds
from k8s_inventory.kinds import KINDS
from k8s_inventory.outcome import Outcome
from k8s_inventory.store import Attempt, Coverage, Listed, Store, Target
from tests import databases

MADE = """
INSERT INTO k8s_events (context_name, uid, name, namespace, created_at, resource_version, api_version, labels,
    annotations, owner_references, finalizers, last_seen_at, type, reason, involved_kind, involved_namespace,
    involved_name, involved_uid, involved_field_path, source_component, source_host, message, first_seen_at, count,
    data)
SELECT 'bench', gen_random_uuid(), made.pod || '.18761e0d6f3a' || i, 'shop', now(), i::text, 'v1', '{}', '{}', '[]',
    '{}', now(), 'Warning', 'BackOff', 'Pod', 'shop', made.pod, made.uid, 'spec.containers{app}', 'kubelet', made.node,
    made.message, now(), i %% 50,
    jsonb_build_object('involvedObject', jsonb_build_object('kind', 'Pod', 'namespace', 'shop', 'name', made.pod,
        'uid', made.uid, 'apiVersion', 'v1', 'resourceVersion', '123456', 'fieldPath', 'spec.containers{app}'),
        'reason', 'BackOff', 'message', made.message,
        'source', jsonb_build_object('component', 'kubelet', 'host', made.node),
        'firstTimestamp', now(), 'lastTimestamp', now(), 'count', i %% 50, 'type', 'Warning', 'eventTime', NULL,
        'reportingComponent', 'kubelet', 'reportingInstance', made.node)
FROM generate_series(1, %(events)s) AS i
CROSS JOIN LATERAL (
    SELECT
        'checkout-api-7d9c5b6f4-' || substr(md5((i / 5)::text), 1, 5) AS pod,
        md5((i / 5)::text)::uuid::text AS uid,
        'ip-10-0-' || i %% 50 || '-17.eu-central-1.compute.internal' AS node,
        'Back-off restarting failed container app in pod checkout-api-7d9c5b6f4-' || i || '_shop' AS message
) AS made
"""


def measure(store: Store, events: int, batches: int) -> None:
    kind, execute = KINDS["events"], store.connection.execute

    def goes(keeps: bool) -> float:
        execute(MADE.encode(), {"events": events})
        execute("VACUUM (ANALYZE) k8s_events")
        with Target.locked(store, kind, "bench") as target:
            target.begin(run_id="bench", attempt=1, keeps_gone=keeps)
            target.start_staging(rewrite=False, age=0)
            listed = Listed(Outcome.COMPLETE)
            took = seconds(partial(target.commit, Coverage(), listed, ends=Attempt()))
            assert listed.deleted == events, listed
        return took

    def size(table: str) -> int:
        found = execute(
            f"SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('{table}')".encode()
        ).fetchall()
        return int(found[0][0])

    without = statistics.median(goes(False) for _ in range(5))
    empty = size("k8s_past_events")
    kept = [goes(True) for _ in range(batches)]
    print(f"{events * batches:,} kept Events of {(size('k8s_past_events') - empty) / events / batches:.0f} bytes each")
    print(f"{events:,} that go: {without:.2f} s, {statistics.median(kept[:5]):.2f} s kept, {kept[-1]:.2f} s in the end")
    execute("VACUUM (ANALYZE) k8s_past_events")
    execute(MADE.encode(), {"events": events})
    of_one = "SELECT count(*) FROM k8s_events_of('bench', md5('7')::uuid::text)"
    times = [seconds(partial(execute, of_one)) for _ in range(5)]
    print(f"those of one object: {execute(of_one).fetchall()[0][0]} in {statistics.median(times) * 1000:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--batches", type=int, default=100)
    options: Any = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="k8s-inventory-bench-"))
    folder.chmod(0o755)
    server = databases.start(18, folder)
    try:
        with Store.connect(server.url("postgres")) as store:
            store.migrate()
            measure(store, options.events, options.batches)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
