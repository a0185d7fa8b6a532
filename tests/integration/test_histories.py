"""Random histories: `python -m tests.histories` runs more of them, and replays one by its seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.cluster import Cluster
from tests.databases import VERSIONS, Server, drop_database
from tests.histories.cluster_changes import READER
from tests.histories.history import COSTLY_EVERY, WITHOUT_CACHE, World, run_history
from tests.histories.syncs import make_schema

SEEDS = [seed for seed in range(32) if seed % COSTLY_EVERY] + [8, 16]

WATCHED = [seed for seed in range(100, 114) if seed % COSTLY_EVERY]
"""Of histories with runs of every mode."""


@pytest.fixture(scope="module")
def watched_world(
    start_cluster: Callable[..., Cluster],
    copy_database: Callable[..., str],
    database_servers: Callable[[int], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    return World(
        start_cluster(users=[READER]),
        tmp_path_factory.mktemp("histories"),
        new_database=partial(copy_database, make_schema),
        drop_database=partial(drop_database, database_servers(VERSIONS[0])),
        watches=True,
    )


@pytest.fixture(scope="module")
def world(
    start_cluster: Callable[..., Cluster],
    copy_database: Callable[..., str],
    database_servers: Callable[[int], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    server = database_servers(VERSIONS[0])
    return World(
        start_cluster(users=[READER], arguments=WITHOUT_CACHE),
        tmp_path_factory.mktemp("histories"),
        new_database=partial(copy_database, make_schema),
        drop_database=partial(drop_database, server),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_stored_is_right_after_every_step(world: World, seed: int) -> None:
    run_history(world, seed)


@pytest.mark.parametrize("seed", WATCHED)
def test_so_it_is_whichever_modes_take_turns(watched_world: World, seed: int) -> None:
    run_history(watched_world, seed)
