"""What a cluster with thousands of CRDs costs: seconds of each step, and memory.

    python -m bench.many_crds --crds 2000

Every kind has one object. The pace at which a cluster is asked (`requests_per_second`) is taken off: at its default
there would be nothing else to see.
"""

from __future__ import annotations

import argparse
import resource
from contextlib import ExitStack
from functools import partial

from bench.setting import bench_setting
from bench.sync_speed import seconds
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Run, find_custom, refresh_crd_views, sync_target
from tests.cluster import wait_until
from tests.cluster.custom_kinds import CRDS, definition, make_object, many_kinds, object_path
from tests.syncing import sync_kinds

SETTINGS = Settings.load({})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--crds", type=int, default=2000)
    options = parser.parse_args()
    with bench_setting(0) as setting, ExitStack() as stack:
        cluster, given = setting.cluster, list(many_kinds(options.crds))
        cluster.create("/api/v1/namespaces", {"metadata": {"name": "custom"}})
        cluster.create_all((CRDS, definition(each)) for each in given)
        cluster.until_served(object_path(given[-1]))
        groups = {f"{each['kind'].split('/')[0]}" for each in given}
        wait_until(
            lambda: groups <= {group["name"] for group in cluster.request("GET", "/apis")["groups"]},
            "all groups are served",
            seconds=600,
        )
        for each in given:
            cluster.until_served(object_path(each))
            make_object(cluster, each, "one", each["objects"][0])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        context = kubeconfig_contexts(str(setting.kubeconfig))["bench"]
        session = stack.enter_context(Session(context, Limits(requests_per_second=10_000)))
        open_store = partial(Store.connect, setting.database_url)
        store = stack.enter_context(open_store())
        store.migrate()

        def sync(run: str) -> None:
            _, kinds = find_custom(session, store, Custom(("*",)), run=Run(run), settings=SETTINGS)
            assert len(kinds) == options.crds, len(kinds)
            for result in sync_kinds(session, open_store, kinds, run=Run(run), settings=SETTINGS):
                assert (result.attempt.outcome, result.attempt.objects) == ("complete", 1), result

        def definitions() -> None:
            assert sync_target(session, store, KINDS["crds"], run=Run("1"), settings=SETTINGS).attempt.changed > 0

        def discover(run: str) -> None:
            find_custom(session, store, Custom(("*",)), run=Run(run), settings=SETTINGS)

        print(f"{options.crds} CRDs, an object each")
        print(f"the CRDs themselves: {seconds(definitions):.1f} s")
        print(f"discovery: {seconds(lambda: discover('1')):.1f} s; of another task of the run: ", end="")
        print(f"{seconds(lambda: discover('1')):.1f} s")
        print(f"all kinds, first load: {seconds(lambda: sync('2')):.1f} s; again: {seconds(lambda: sync('3')):.1f} s")
        print(f"views: {seconds(lambda: refresh_crd_views(store)):.1f} s; ", end="")
        print(f"again: {seconds(lambda: refresh_crd_views(store)):.2f} s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of this process: {peak:.0f} MB ({before:.0f} MB before the first step)")


if __name__ == "__main__":
    main()
