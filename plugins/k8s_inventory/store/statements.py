"""The SQL of include/sql, rendered for a kind. Values are bound when it runs; only names are rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import jinja2
import psycopg
from jinja2.sandbox import SandboxedEnvironment
from psycopg import sql as composed

from k8s_inventory.kinds import Column, Kind
from k8s_inventory.kinds.declaration import DELETION_GRACE, METADATA_COLUMNS

KEYFRAMES = 64
"""One change in so many keeps the whole former row, so that few changes are gone through for an instant."""

_BESIDE = Path(__file__).parents[1] / "sql"
FOLDER = _BESIDE if _BESIDE.is_dir() else Path(__file__).parents[3] / "include" / "sql"
"""include/sql of the checkout, or its copy in the installed package."""


def identifier(name: str, connection: psycopg.Connection[Any] | None = None) -> str:
    """A quoted SQL identifier; give the connection for a name that is not our own."""
    return composed.Identifier(name).as_string(connection) if connection else _own_identifier(name)


@lru_cache(10_000)
def _own_identifier(name: str) -> str:
    """The columns of a kind stand in each of its statements."""
    return composed.Identifier(name).as_string(None)


def literal(text: str, connection: psycopg.Connection[Any] | None = None) -> str:
    """A quoted SQL string, for statements that take no parameters; give the connection for text that is not our own."""
    return composed.Literal(text).as_string(connection).strip()


@cache
def environment() -> jinja2.Environment:
    """The Jinja environment of include/sql; a variable that is not given is an error."""
    made = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(FOLDER), undefined=jinja2.StrictUndefined, keep_trailing_newline=False
    )
    made.filters["identifier"] = identifier
    made.filters["literal"] = literal
    return made


@cache
def sql(name: str) -> str:
    """A statement of include/sql/store that is the same for every kind."""
    text = (FOLDER / "store" / f"{name}.sql").read_text()
    if "{%" in text or "{{" in text:
        return environment().get_template(f"store/{name}.sql").render()
    return text.removesuffix("\n")  # most are; Jinja takes milliseconds to compile each


def variables(kind: Kind) -> dict[str, Any]:
    """What the templates of a kind's statements may use."""
    names = ["table", "columns", "description", "namespaced", "long_names", "shared_by", "rest", "kept_in"]
    names += ["kind", "group", "plural"]
    redone = [column.name for column in kind.columns if not _is_kept(column, kind)]
    cells = [field for _, field in kind.table_cells]
    own = {name: getattr(kind, name) for name in names}
    return {**own, "redone": redone, "cells": cells, "target_kind": kind.name, "keyframes": KEYFRAMES}


def _is_kept(column: Column, kind: Kind) -> bool:
    """Whether a column can not be computed once more, of what is stored."""
    return column.name == "uid" or column.of_kind is not None or bool(kind.redacted_values and column.needs)


class Statements:
    """The statements that work on the table of one kind, each rendered from include/sql/store/<name>.sql when it is
    needed: a watch of many kinds needs few."""

    create_staging: str
    see: str
    see_again: str
    stage: str
    created: str
    merge: str
    note_changes: str
    keep_overwritten: str
    unchanged: str
    missing: str
    replaced: str
    prune: str
    prune_absent: str
    unseen: str
    not_merged: str
    not_absent: str
    namespaces_stored: str
    under_other_rules: str
    stored_objects: str
    restate: str
    changed_objects: str
    restate_changes: str

    def __init__(self, kind: Kind, rendered: Mapping[str, str] | None = None) -> None:
        """`rendered` are those that are already, by their names."""
        self._kind = kind
        vars(self).update(rendered or {})

    def __getattr__(self, name: str) -> str:
        if name not in type(self).__annotations__:
            raise AttributeError(name)
        vars(self)[name] = text = environment().get_template(f"store/{name}.sql").render(variables(self._kind))
        return text


def kind_table(kind: Kind) -> str:
    """The DDL that makes or extends the table of a kind."""
    return environment().get_template("store/kind_table.sql").render(variables(kind))


def kept_table(kind: Kind) -> str:
    """The DDL that makes or extends the table that the rows of a kind go to when their objects are gone."""
    return environment().get_template("store/kept_table.sql").render(variables(kind))


def blank_kept(kind: Kind) -> str:
    """Takes the texts from rows of such a table that other rules of redaction wrote."""
    return environment().get_template("store/blank_kept.sql").render(variables(kind))


def instant(kind: Kind, names: Sequence[str], schema: str) -> str:
    """The DDL of the function that returns the rows of a kind as of an instant; `names` are its table's columns now."""
    return environment().get_template("store/instant.sql").render(variables(kind), names=names, schema=schema)


def forget_rows(kind: Kind) -> str:
    """Deletes all rows of a context from the table of a kind."""
    return environment().get_template("store/forget_rows.sql").render(variables(kind))


def adopt_rows(kind: Kind) -> str:
    """Moves the rows of a kind from `k8s_custom_objects` to its own table."""
    return environment().get_template("store/adopt_rows.sql").render(variables(kind), as_custom=as_custom(kind))


def as_custom(kind: Kind) -> frozenset[str]:
    """The columns that a custom object's row has with the same meaning.

    What the declaration keeps out, of Secrets or of environment variables, must not come in with a row that was written
    without it.
    """
    keeps_out = kind.table_cells or kind.redacted_env or kind.redacted_values
    metadata = frozenset(each.name for each in (*METADATA_COLUMNS, DELETION_GRACE))
    return metadata | frozenset(() if keeps_out else kind.rest)


def view(name: str, kinds: Sequence[Kind], **more: Any) -> str:
    """The DDL of a view over the tables of these kinds."""
    return environment().get_template(f"store/{name}.sql").render(kinds=kinds, columns=METADATA_COLUMNS, **more)


def migrations() -> list[tuple[int, str, str]]:
    """The numbered migrations: (version, name, SQL), in order."""
    paths = sorted((FOLDER / "migrations").glob("*.sql"))
    return [(int(path.stem[:4]), path.stem, path.read_text()) for path in paths]
