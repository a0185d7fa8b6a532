"""No ready-made query takes more than its share where there are many pods; `python -m bench.query_pack` has 200,000."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from bench.query_pack import BOUND, WHY_SLOW, fill, seconds
from k8s_inventory.queries import query_pack
from tests.conftest import _migrate

PODS = 4000


@pytest.fixture(scope="module")
def many_pods(copy_database: Callable[..., str]) -> Iterator[psycopg.Connection]:
    with psycopg.connect(copy_database(_migrate), autocommit=True) as connection:
        fill(connection, PODS)
        yield connection


@pytest.mark.parametrize("path", query_pack())
def test_a_query_goes_through_few_pods_at_once(many_pods: psycopg.Connection, path: str) -> None:
    """In the time that it may take with fifty times as many, on a machine that does other things, too: what looks at
    each pod for each other object takes longer."""
    assert seconds(many_pods, path, runs=1)[0] < BOUND or seconds(many_pods, path)[0] < BOUND


def test_what_may_be_slow_is_in_the_pack() -> None:
    assert query_pack().keys() >= WHY_SLOW.keys()
