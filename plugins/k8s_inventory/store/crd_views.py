"""A typed view for each CRD, over the table of all custom objects. Nothing of the user's is ever dropped with one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import psycopg
from psycopg import errors

from k8s_inventory.kinds import CUSTOM_OBJECTS
from k8s_inventory.kinds.declaration import METADATA_COLUMNS
from k8s_inventory.mending import shallow
from k8s_inventory.store.attached import attach, attached, lacking
from k8s_inventory.store.database import Store
from k8s_inventory.store.refusals import StoreError, explained
from k8s_inventory.store.statements import environment, identifier, literal

_BEFORE = ("context_name", *(column.name for column in METADATA_COLUMNS))
_AFTER = ("printer_columns", "spec", "status", "data")
OWN_COLUMNS = (*_BEFORE, *_AFTER)
"""The columns that every view has, beside those of its CRD's schema."""
MOST_COLUMNS = 1600
"""Of a view: https://www.postgresql.org/docs/current/limits.html"""

LEFT_OUT = "+"
"""Stands in what is noted of a view before the number of fields that it has no column for."""

Field = tuple[str, str]
"""A field of custom objects: the column of the table that holds it, and its name there."""


class SchemaColumn(Protocol):
    """A field of custom objects: `part` is the column of the table that holds it, `field` its name there."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def part(self) -> str: ...
    @property
    def field(self) -> str: ...


ColumnsOf = Callable[[Mapping[Field, str], Collection[str]], Sequence[SchemaColumn]]
"""The columns of a schema: given the names that fields have already, and names that are taken."""


@dataclass(frozen=True)
class _Column:
    """A column of a view: of the table, or a field of one of its parts, cast to `type` where it is of that type.

    One without a part that is `gone` is null: older versions made those of what had left the schema.
    """

    name: str
    type: str
    part: str = ""
    field: str = ""
    gone: bool = False

    def expression(self, connection: psycopg.Connection[Any]) -> str:
        if self.gone:
            return f"NULL::{self.type}"
        if not self.part:
            return identifier(self.name)
        value = f"{identifier(self.part)} -> {literal(self.field, connection)}"
        return value if self.type == "jsonb" else f"k8s_to_{self.type}({value})"


@dataclass(frozen=True)
class Definition:
    """A CRD as clusters have it; `signature` changes when one of them changes its definition."""

    name: str
    group: str
    plural: str
    signature: str = ""


def definitions(store: Store) -> list[Definition]:
    with explained("reading CRDs"):
        return [Definition(**row) for row in store.rows("crd_definitions")]


def definition_specs(store: Store, definition: Definition) -> list[dict[str, Any]]:
    """What each cluster has in the `spec` of this CRD; nested no deeper than it can be read, which no column needs."""
    with explained("reading CRDs"):
        return [_readable(row["spec"]) for row in store.rows("crd_specs", vars(definition))]


def _readable(spec: str) -> dict[str, Any]:
    """Raises `RecursionError` never: what could be stored may be nested deeper than Python's stack has room for now."""
    try:
        found: dict[str, Any] = json.loads(spec)
    except RecursionError:
        found = json.loads(shallow(spec.encode()))
    return found


def noted_views(store: Store) -> dict[str, str]:
    """The views that are written down as ours: name -> what each was made of. Whoever may write that table may say so;
    `make_view` and `drop_view` believe none that does not look it. Not all need be there: a dump may lack them."""
    query = r"SELECT table_name, declaration FROM k8s_schema_tables WHERE table_name LIKE 'crd\_%' ORDER BY table_name"
    with explained("reading the schema"):
        return dict(store.connection.execute(query).fetchall())


def lost_views(store: Store) -> set[str]:
    """The views that are written down as ours, and that nothing has the name of: dropped by hand, or never restored."""
    query = r"""SELECT table_name FROM k8s_schema_tables
        WHERE table_name LIKE 'crd\_%' AND to_regclass(format('%I.%I', current_schema(), table_name)) IS NULL"""
    with explained("reading the schema"):
        return {name for (name,) in store.connection.execute(query)}


def make_view(
    store: Store,
    view: str,
    definition: Definition,
    columns_of: ColumnsOf,
    *,
    declaration: str,
    noted: str | None,
    wait: float,
) -> str:
    """Makes the view, or makes it again; returns what is noted of it: `declaration`, and how many fields have no
    column, where there are too many.

    A view is changed in place where its columns only become more, or where it could not be made anew with all that
    others set on it. `noted` is what the caller knows it to be made of. Raises `StoreError`, above all where something
    else has the view's name.
    """
    connection = store.connection
    with explained(f"view {view}", connection), store.schema_change(wait=wait, relation_wait=wait):
        if noted_views(store).get(view) != noted:
            raise StoreError("another task has just made it", retryable=True)
        had = _had(store, view, definition, is_noted=noted is not None)
        named = {(column.part, column.field): column.name for column in had or () if column.part}
        anew, left_out = _fitting([*_own(_BEFORE), *_of_schema(columns_of(named, ())), *_own(_AFTER)])
        if had is None:
            connection.execute(_ddl(store, view, definition, anew, guarded=_is_guarded(store)))
        elif set(had) <= set(anew) or not _remade(store, view, definition, anew):
            columns, left_out = _fitting(_extended(had, _of_schema(columns_of(named, named.values()))))
            before = attached(connection, view)
            connection.execute(_ddl(store, view, definition, columns))
            attach(connection, before, view)
        made = f"{declaration}{LEFT_OUT}{left_out}" if left_out else declaration
        store.note_made(view, made)
        return made


def drop_view(store: Store, view: str, definition: Definition, *, wait: float) -> str | None:
    """Drops a view that no cluster has the CRD of any more; or says why it stays: others use it or set something on it.

    Raises `StoreError`, above all where it is none of ours.
    """
    connection = store.connection
    with explained(f"view {view}", connection), store.schema_change(wait=wait, relation_wait=wait):
        had = _had(store, view, definition, is_noted=True)
        try:
            with connection.transaction():
                if had is not None:
                    before = attached(connection, view)
                    connection.execute(f"DROP VIEW {identifier(view)}")
                    connection.execute(_ddl(store, view, definition, had))
                    if any(lacking(before, attached(connection, view))):
                        raise _NotAsMade
                    connection.execute(f"DROP VIEW {identifier(view)}")
                connection.execute("DELETE FROM k8s_schema_tables WHERE table_name = %s", [view])
        except errors.DependentObjectsStillExist:
            return "no cluster has its CRD any more, but another view reads it"
        except _NotAsMade:
            return "no cluster has its CRD any more, but there are grants, comments or options on it: drop it by hand"
    return None


def may_make_views(store: Store) -> bool:
    """Whether the role may make views in the schema."""
    with explained("reading the schema"):
        found = store.connection.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')").fetchone()
    return bool(found and found[0])


class _NotAsMade(Exception):
    """Others have set something on a view that a new one would not have."""


def _remade(store: Store, view: str, definition: Definition, columns: Sequence[_Column]) -> bool:
    """Drops the view and makes it anew with all that others set on it; or, where that can not be, does nothing."""
    connection = store.connection
    try:
        with connection.transaction():
            before = attached(connection, view)
            connection.execute(f"DROP VIEW {identifier(view)}")
            connection.execute(_ddl(store, view, definition, columns))
            attach(connection, before, view)
            if any(lacking(before, attached(connection, view))):
                raise _NotAsMade
    except psycopg.OperationalError:
        raise
    except (psycopg.Error, _NotAsMade):  # a view of the user's reads it, a grant is another's to give ...
        return False
    return True


def _is_guarded(store: Store) -> bool:
    """Whether the table shows each role its own rows. A view that did not would show it all the others."""
    query = "SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass"
    found = store.connection.execute(query, [CUSTOM_OBJECTS.table]).fetchone()
    return bool(found and found[0])


def _own(names: Sequence[str]) -> list[_Column]:
    types = {column.name: column.type for column in CUSTOM_OBJECTS.columns} | {"context_name": "text"}
    return [_Column(name, types[name]) for name in names]


def _of_schema(columns: Sequence[SchemaColumn]) -> list[_Column]:
    return [_Column(each.name, each.type, each.part, each.field) for each in columns]


def _extended(had: Sequence[_Column], wanted: Sequence[_Column]) -> list[_Column]:
    """The columns of a view that is there already, in its order and types, then those that it lacks."""
    lacking = {column.name: column for column in wanted}
    kept = []
    for column in had:
        now = lacking.pop(column.name, column)
        kept.append(replace(now, type=column.type) if now.part else column)
    return [*kept, *lacking.values()]


def _fitting(columns: Sequence[_Column]) -> tuple[list[_Column], int]:
    """As many as a view can have, with all of its own, and how many are left out."""
    left_out = max(len(columns) - MOST_COLUMNS, 0)
    dropped = set([column.name for column in columns if column.name not in OWN_COLUMNS][-left_out:] if left_out else ())
    return [column for column in columns if column.name not in dropped], left_out


# -- what a view is made of, by the catalogue ------------------------------------------------------

_TEXT = r"'(?:[^']|'')*'"
_OF = rf"(?:{CUSTOM_OBJECTS.table}\.)?"  # PostgreSQL 15 names the table with each column
_ITEM = re.compile(
    r"(?:NULL::(?P<gone>[a-z ]+) AS "
    rf"|(?:k8s_to_(?P<cast>[a-z]+)\()?\({_OF}(?P<part>spec|status|data) -> (?P<field>{_TEXT})::text\)(?(cast)\)) AS "
    rf'|{_OF})(?P<name>"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)(?:,\n    )?'
)
_END = re.compile(
    rf"\n   FROM {CUSTOM_OBJECTS.table}\n  WHERE "
    rf'\(\({_OF}"group" = (?P<group>{_TEXT})::text\) AND \({_OF}plural = (?P<plural>{_TEXT})::text\)\);'
)


def _had(store: Store, view: str, definition: Definition, *, is_noted: bool) -> list[_Column] | None:
    """The columns of the view as it is in the database; None where there is none.

    Raises `StoreError` where something else has the name: what was not made by us, or not for this CRD, or was changed.
    """
    found = store.rows("view_definition", {"view": view})
    if not found:
        return None
    columns = _made_for(definition, str(found[0]["definition"])) if is_noted else None
    if columns is None:
        raise StoreError(f"{view} in this schema was not made by k8s-inventory and stays untouched")
    return columns


def _made_for(definition: Definition, text: str) -> list[_Column] | None:
    """The columns of a view by its definition, as PostgreSQL prints it; None if `_ddl` makes none such for the CRD."""
    own = {column.name: column for column in _own(OWN_COLUMNS)}
    columns = []
    start = " SELECT "
    position = len(start) if text.startswith(start) else len(text)
    while item := _ITEM.match(text, position):
        position = item.end()
        name = _unquoted(item["name"], '"')
        if item["gone"]:
            columns.append(_Column(name, item["gone"].replace("timestamp with time zone", "timestamptz"), gone=True))
        elif item["part"]:
            field = _unquoted(item["field"], "'")
            columns.append(_Column(name, item["cast"] or "jsonb", item["part"], field))
        elif name in own:
            columns.append(own[name])
        else:
            return None
    end = _END.fullmatch(text, position)
    if end is None or (_unquoted(end["group"], "'"), _unquoted(end["plural"], "'")) != (
        definition.group,
        definition.plural,
    ):
        return None
    is_whole = tuple(column.name for column in columns if not column.part and not column.gone) == OWN_COLUMNS
    return columns if is_whole else None


def _unquoted(text: str, quote: str) -> str:
    return text[1:-1].replace(quote * 2, quote) if text.startswith(quote) else text


def _ddl(store: Store, view: str, definition: Definition, columns: Sequence[_Column], *, guarded: bool = False) -> str:
    connection = store.connection
    return (
        environment()
        .get_template("store/crd_view.sql")
        .render(
            view=view,
            columns=[(column.expression(connection), column.name) for column in columns],
            table=CUSTOM_OBJECTS.table,
            group=literal(definition.group, connection),
            plural=literal(definition.plural, connection),
            description=literal(f"Objects of {definition.name}, with the columns of its schema.", connection),
            guarded=guarded,
        )
    )
