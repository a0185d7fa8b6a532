"""A bound that the database sets on the sessions of its role holds for all workers together, and costs no target."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import psycopg
import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run
from tests.cluster import Cluster
from tests.conftest import IMPATIENT
from tests.integration.test_store import _for_role, documented_grants, role
from tests.syncing import sync_kinds

NAMES = ("pods", "services", "configmaps", "deployments", "namespaces", "serviceaccounts", "endpoints", "roles")


@pytest.mark.parametrize("most", [1, 2])
def test_a_sync_takes_the_sessions_that_there_are(
    store: Store, database_url: str, cluster: Cluster, context_of: Callable[..., Context], most: int
) -> None:
    writer = role(database_url, "k8s_few", *_for_role(documented_grants("A role that may write")))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE k8s_few CONNECTION LIMIT {most}".encode())
    settings, start = Settings.load({"requests_per_second": 1000, "kinds_at_once": 4}), time.monotonic()
    with Session(context_of(cluster), IMPATIENT) as session:
        kinds = [KINDS[name] for name in NAMES]
        results = list(sync_kinds(session, partial(Store.connect, writer), kinds, run=Run("r"), settings=settings))
    assert {each.outcome for each in results} == {"complete"}
    assert len(results) == len(NAMES)
    assert time.monotonic() - start < 15
