"""What tests of whole programs share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.e2e.airflow_home import AirflowHome


@pytest.fixture(scope="session")
def airflow_database(copy_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes one more database of Airflow's own, for `AirflowHome.make`, which has nothing left to migrate then."""

    def migrate(database_url: str) -> None:
        AirflowHome.make(tmp_path_factory.mktemp("airflow"), database=database_url)

    return partial(copy_database, migrate)
