"""Odd objects of every kind are stored as they are: `python -m tests.odd_objects` tries more of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from tests.cluster import Cluster
from tests.databases import VERSIONS, Server, drop_database
from tests.histories.syncs import make_schema
from tests.odd_objects.trial import World, run

SEEDS = int(os.environ.get("ODD_OBJECT_SEEDS", 600))


@pytest.fixture(scope="module")
def world(
    start_cluster: Callable[..., Cluster],
    copy_database: Callable[..., str],
    database_servers: Callable[[int], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    return World(
        start_cluster(),
        tmp_path_factory.mktemp("odd-objects"),
        new_database=partial(copy_database, make_schema),
        drop_database=partial(drop_database, database_servers(VERSIONS[0])),
    )


@pytest.mark.parametrize("first", range(0, SEEDS, 300))
def test_what_is_stored_is_what_the_api_server_has(world: World, first: int) -> None:
    """Of every second part, what CloudQuery is sent as well."""
    assert not run(world, range(first, first + 300), cloudquery=first % 600 == 0)
    assert world.made > 100
