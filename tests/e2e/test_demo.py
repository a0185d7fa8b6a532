"""The demo clusters have something to show: what runs, what fails, and what the query pack finds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.session import Session
from k8s_inventory.queries import query_pack
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run, Sync, Targets
from quickstart import demo, places
from tests.conftest import IMPATIENT, again
from tests.equality import query_rows

FINDINGS = {
    "reliability/crash_loops": ("demo-east", "namespace", "shop"),
    "images/pull_errors": ("demo-west", "reason", "ImagePullBackOff"),
    "images/latest_tags": ("demo-west", "namespace", "search"),
    "security/privileged": ("demo-east", "owner", "node-agent"),
    "security/host_paths": ("demo-east", "owner", "node-agent"),
    "network/ingresses_without_tls": ("demo-east", "host", "shop.example"),
    "network/services_without_pods": ("demo-west", "name", "legacy"),
    "rbac/default_service_accounts": ("demo-west", "namespace", "search"),
}
"""The context of the hits of each, and the value of a column of theirs."""


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(places, "LOCAL", tmp_path)
    monkeypatch.setattr(demo, "CLUSTERS", tmp_path / "clusters")
    monkeypatch.setattr(demo, "KUBECONFIG", tmp_path / "kubeconfig")
    try:
        yield demo.start()
    finally:
        demo.stop()


def test_pods_run_and_some_things_are_found(kubeconfig: str, store: Store) -> None:
    contexts = kubeconfig_contexts(kubeconfig)
    kinds = {kind: KINDS[kind] for path in FINDINGS for kind in query_pack()[path].kinds}
    targets = [Targets(name, partial(Session, contexts[name], IMPATIENT), list(kinds.values())) for name in contexts]
    settings = Settings.load({"requests_per_second": 1000})
    sync = Sync(targets, run=Run("r"), settings=settings, open_store=again(store), contexts_at_once=2)
    assert {each.outcome for each in sync.results()} == {"complete"}

    def rows(sql: str) -> list[dict[str, Any]]:
        return query_rows(store, sql)

    states = "SELECT context_name, display_status, count(*)::int AS pods FROM k8s_pods GROUP BY 1, 2 ORDER BY 1, 2"
    assert [tuple(row.values()) for row in rows(states)] == [
        ("demo-east", "CrashLoopBackOff", 1),
        ("demo-east", "Running", 7),
        ("demo-west", "ImagePullBackOff", 1),
        ("demo-west", "Running", 5),
    ]
    for path, (context, column, value) in FINDINGS.items():
        hits = {(hit["not_known"], hit["context_name"], hit[column]) for hit in rows(query_pack()[path].sql)}
        assert hits == {(None, context, value)}, path
