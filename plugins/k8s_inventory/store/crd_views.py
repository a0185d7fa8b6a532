"""A typed view for each CRD, over the table of all custom objects. Nothing of the user's is ever dropped with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from psycopg import errors

from k8s_inventory.kinds import CUSTOM_OBJECTS
from k8s_inventory.kinds.declaration import METADATA_COLUMNS
from k8s_inventory.store.database import Store
from k8s_inventory.store.errors import StoreError, explained
from k8s_inventory.store.statements import environment, identifier, literal

_BEFORE = ("context_name", *(column.name for column in METADATA_COLUMNS))
_AFTER = ("printer_columns", "spec", "status", "data")
OWN_COLUMNS = (*_BEFORE, *_AFTER)
"""The columns that every view has, beside those of its CRD's schema."""


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


@dataclass(frozen=True)
class _Column:
    """A column of a view: of the table, or a field of one of its parts, cast to `type` where it is of that type.

    One that is `gone` from the schema is null; a view of the user's may still read it.
    """

    name: str
    type: str
    part: str = ""
    field: str = ""
    gone: bool = False

    @property
    def expression(self) -> str:
        if self.gone:
            return f"NULL::{self.type}"
        if not self.part:
            return identifier(self.name)
        value = f"{identifier(self.part)} -> {literal(self.field)}"
        return value if self.type == "jsonb" else f"k8s_to_{self.type}({value})"


@dataclass(frozen=True)
class Definition:
    """A CRD as clusters have it; `signature` changes when one of them changes its definition."""

    name: str
    group: str
    plural: str
    signature: str


def definitions(store: Store) -> list[Definition]:
    with explained("reading CRDs"):
        return [Definition(**row) for row in store.rows("crd_definitions")]


def definition_specs(store: Store, definition: Definition) -> list[dict[str, Any]]:
    """What each cluster has in the `spec` of this CRD."""
    with explained("reading CRDs"):
        return [row["spec"] for row in store.rows("crd_specs", {"name": definition.name})]


def made_views(store: Store) -> dict[str, str]:
    """The views there are: name -> the signature that it was made of."""
    query = r"SELECT table_name, declaration FROM k8s_schema_tables WHERE table_name LIKE 'crd\_%'"
    with explained("reading the schema"):
        return dict(store.connection.execute(query).fetchall())


def make_view(
    store: Store, view: str, definition: Definition, columns: Sequence[SchemaColumn], *, signature: str
) -> None:
    """Makes the view, or makes it anew. Where views of the user's read it, its columns only ever become more.

    Raises `StoreError`, above all where something else has the view's name.
    """
    types = {column.name: column.type for column in CUSTOM_OBJECTS.columns} | {"context_name": "text"}
    own = [_Column(name, types[name]) for name in OWN_COLUMNS]
    of_schema = [_Column(each.name, each.type, each.part, each.field) for each in columns]
    wanted = [*own[: len(_BEFORE)], *of_schema, *own[len(_BEFORE) :]]
    with explained(f"view {view}"), store.connection.transaction():
        had = [(row["name"], row["type"]) for row in store.rows("view_columns", {"view": view})]
        if had and view not in made_views(store):
            raise StoreError(f"{view} in this schema was not made by k8s-inventory and stays untouched")
        kept, is_extended = _kept(had, wanted)
        if had and not is_extended:
            try:
                with store.connection.transaction():
                    store.connection.execute(f"DROP VIEW {identifier(view)}")
                kept = wanted
            except errors.DependentObjectsStillExist:
                pass  # a view of the user's reads it: it stays, and so do its columns
        store.connection.execute(_ddl(view, definition, kept if had else wanted))
        store.connection.execute(
            "INSERT INTO k8s_schema_tables (table_name, declaration) VALUES (%s, %s) ON CONFLICT (table_name) "
            "DO UPDATE SET declaration = excluded.declaration, changed_at = now()",
            [view, signature],
        )


def drop_view(store: Store, view: str) -> bool:
    """Drops a view that no cluster has the CRD of any more. False where a view of the user's still reads it."""
    with explained(f"view {view}"):
        try:
            with store.connection.transaction():
                store.connection.execute(f"DROP VIEW IF EXISTS {identifier(view)}")
                store.connection.execute("DELETE FROM k8s_schema_tables WHERE table_name = %s", [view])
        except errors.DependentObjectsStillExist:
            return False
    return True


def may_make_views(store: Store) -> bool:
    """Whether the role may make views in the schema."""
    with explained("reading the schema"):
        found = store.connection.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')").fetchone()
    return bool(found and found[0])


def _kept(had: Sequence[tuple[str, str]], wanted: Sequence[_Column]) -> tuple[list[_Column], bool]:
    """The columns of a view that is there already, in its order and types, then those that it lacks; and whether that
    leaves no column behind."""
    lacking = {column.name: column for column in wanted}
    kept = []
    for name, sql_type in had:
        sql_type = sql_type.replace("timestamp with time zone", "timestamptz")
        column = lacking.pop(name, None)
        kept.append(replace(column, type=sql_type) if column else _Column(name, sql_type, gone=True))
    return [*kept, *lacking.values()], all(column in wanted for column in kept)


def _ddl(view: str, definition: Definition, columns: Sequence[_Column]) -> str:
    return (
        environment()
        .get_template("store/crd_view.sql")
        .render(
            view=view,
            columns=columns,
            table=CUSTOM_OBJECTS.table,
            group=definition.group,
            plural=definition.plural,
            description=f"Objects of {definition.name}, with the columns of its schema.",
        )
    )
