"""The CRDs of well-known operators, as they are published: SQL equals the API server, and each has its view."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from k8s_inventory.store import Store
from k8s_inventory.sync import refresh_crd_views
from tests.cluster import Cluster
from tests.cluster.cluster import Object
from tests.cluster.custom_kinds import NAMESPACE
from tests.cluster.objects import namespace
from tests.cluster.operators import OPERATORS, Operator, make_published, published
from tests.conftest import context_to, sync_custom_objects
from tests.equality import (
    assert_custom_objects_equal_cluster,
    assert_printer_columns_equal_table,
    assert_view_equals_objects,
)

Stored = tuple[Cluster, Store, dict[str, list[Object]]]


@pytest.fixture(scope="module")
def stored(
    start_cluster: Callable[..., Cluster], new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stored]:
    """A cluster with the CRDs of all operators and objects of them, what is stored of it, and the CRDs by operator."""
    cluster = start_cluster()
    cluster.create("/api/v1/namespaces", namespace(NAMESPACE))
    definitions = {operator.module: published(operator) for operator in OPERATORS}
    made = make_published(cluster, [each for of_one in definitions.values() for each in of_one])
    assert len(made) > 90
    assert len([name for name, count in made.items() if count]) > 85, made
    with Store.connect(new_database()) as store:
        store.migrate()
        context = context_to(cluster, folder=tmp_path_factory.mktemp("operators"))
        sync_custom_objects(store, context, "first", redact_env=False)
        changes = refresh_crd_views(store)
        assert (len(changes.made), changes.dropped, changes.kept) == (len(made), [], {})
        yield cluster, store, definitions


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.module)
def test_objects_printer_columns_and_views(stored: Stored, operator: Operator) -> None:
    cluster, store, definitions = stored
    assert definitions[operator.module]
    for each in definitions[operator.module]:
        name = each["metadata"]["name"]
        assert_custom_objects_equal_cluster(store, cluster, name)
        assert_printer_columns_equal_table(store, cluster, name)
        assert_view_equals_objects(store, name, each["spec"])
