"""The ClusterRole of docs/rbac.md is enough for a full sync, and each of its rules is needed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from docs.generate import cluster_role
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.absence import Looks
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.cluster import User
from tests.conftest import IMPATIENT

RULES = yaml.safe_load(cluster_role())["rules"]
LACKING = [User(f"lacks-{number}") for number in range(len(RULES))]
SYNCER = User("syncer")


@pytest.fixture(scope="module")
def guarded(start_cluster: Callable[..., Cluster]) -> Cluster:
    cluster = start_cluster(users=[SYNCER, *LACKING])
    cluster.grant(SYNCER, RULES)
    for number, user in enumerate(LACKING):
        cluster.grant(user, [rule for at, rule in enumerate(RULES) if at != number])
    return cluster


def _works(
    guarded: Cluster, user: User, sync: Callable[..., Result], context_of: Callable[..., Context], store: Store
) -> bool:
    context = context_of(guarded, name=user.name, user=user)
    complete = all(sync(context, kind).attempt.outcome == "complete" for kind in KINDS)
    query = "SELECT cluster_uid FROM k8s_clusters WHERE context_name = %s"
    row = store.connection.execute(query, [user.name]).fetchone()
    with Session(context, IMPATIENT) as session:
        absence = session.kept(Looks).absence(_unserved())
    return complete and row is not None and row[0] is not None and absence.is_proven


def _unserved():  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(KINDS["deployments"], group="gone.example")


def test_the_role_is_enough(
    guarded: Cluster, sync: Callable[..., Result], context_of: Callable[..., Context], store: Store
) -> None:
    assert _works(guarded, SYNCER, sync, context_of, store)


@pytest.mark.parametrize("number", range(len(RULES)))
def test_without_any_one_rule_something_is_missing(
    guarded: Cluster, sync: Callable[..., Result], context_of: Callable[..., Context], store: Store, number: int
) -> None:
    assert not _works(guarded, LACKING[number], sync, context_of, store)
