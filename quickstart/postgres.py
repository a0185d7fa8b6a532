"""The embedded PostgreSQL, or the one that DATABASE_URL names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from psycopg import pq
from psycopg.conninfo import make_conninfo

from k8s_inventory.store.database import connection_parameters
from quickstart import embedded
from quickstart.places import LOCAL, POSTGRES, private

_OPTIONS = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults()}
"""What libpq knows of each parameter of a connection."""


def database_url() -> str:
    """DATABASE_URL, or the address of the embedded server, which is started where it does not run."""
    given = os.environ.get("DATABASE_URL")
    if given:
        return given
    private(LOCAL)
    return embedded.start(POSTGRES).url()


def shown(database_url: str) -> str:
    """The URL with all that may be shown of it. Raises `StoreError`."""
    return url({name: value for name, value in connection_parameters(database_url).items() if not _is_hidden(name)})


def url(parameters: Mapping[str, Any]) -> str:
    """libpq's parameters as a URL."""
    left = {name: str(value) for name, value in parameters.items()}
    user, database = (quote(left.pop(name, ""), safe="") for name in ("user", "dbname"))
    query = urlencode(left, quote_via=quote, safe="/,")
    return f"postgresql://{user and user + '@'}/{database}{query and '?' + query}"


def _is_hidden(name: str) -> bool:
    """libpq marks passwords by `*`, and by `D` what is for those who look for faults in it, keys among them."""
    return _OPTIONS[name].dispchar != b""


def psql() -> tuple[list[str], dict[str, str]]:
    """The command and the environment of a psql session. Every user of the machine can read the arguments of a
    program; its environment, where the password goes, only its own user can. Raises `StoreError`."""
    parameters: dict[str, Any] = connection_parameters(database_url())
    by_name = {name: option.envvar.decode() for name, option in _OPTIONS.items() if option.envvar}
    env = {by_name[name]: str(value) for name, value in parameters.items() if name in by_name}
    left = {name: value for name, value in parameters.items() if name not in by_name and not _is_hidden(name)}
    program = shutil.which("psql") or str(embedded.PROGRAMS[max(embedded.PROGRAMS)] / "psql")
    return [program, *([make_conninfo("", **left)] if left else [])], {**os.environ, **env}


def stop() -> None:
    """Stops the embedded server, if it runs. Its data stays."""
    if embedded.stop(POSTGRES):
        print("Stopped PostgreSQL.")
