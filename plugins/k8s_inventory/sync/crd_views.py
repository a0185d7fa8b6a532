"""Keeps a typed view for each CRD that some cluster has: `crd_<plural>_<group>`."""

from __future__ import annotations

from dataclasses import dataclass, field

from k8s_inventory.collector.openapi import schema_columns, shortened, snake_case
from k8s_inventory.store import Store, StoreError
from k8s_inventory.store.crd_views import (
    OWN_COLUMNS,
    Definition,
    definition_specs,
    definitions,
    drop_view,
    made_views,
    make_view,
    may_make_views,
)

_VERSION = "1"
"""Raise it when the columns that a schema makes change."""


class MayNotMakeViews(StoreError):
    """The role may make no views in the schema; the message says what to do."""


@dataclass
class ViewChanges:
    """What became of the views; `kept` are those that stay though they should not, with the reason."""

    made: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def refresh_crd_views(store: Store) -> ViewChanges:
    """Makes the views of new and changed CRDs, and drops those of CRDs that no cluster has any more.

    One at a time, under the lock of the schema. Raises `MayNotMakeViews`.
    """
    changes = ViewChanges()
    with store.schema_locked():
        made = made_views(store)
        wanted = _named(definitions(store))
        due = {view: definition for view, definition in wanted.items() if made.get(view) != _signature(definition)}
        gone = sorted(made.keys() - wanted.keys())
        if (due or gone) and not may_make_views(store):
            raise MayNotMakeViews(
                f"{len(due) + len(gone)} views of CRDs are not as they should be, and this role may make none in the "
                "schema: run this once as its owner (docs/postgresql.md)"
            )
        for view in gone:
            if drop_view(store, view):
                changes.dropped.append(view)
            else:
                changes.kept[view] = "no cluster has its CRD any more, but another view reads it"
        for view, definition in due.items():
            columns = schema_columns(definition_specs(store, definition), taken=OWN_COLUMNS)
            try:
                make_view(store, view, definition, columns, signature=_signature(definition))
                changes.made.append(view)
            except StoreError as error:
                changes.kept[view] = str(error)
    return changes


def _signature(definition: Definition) -> str:
    return f"{_VERSION}/{definition.name}/{definition.signature}"


def _named(found: list[Definition]) -> dict[str, Definition]:
    """The name of each view; where two CRDs would have the same, all but the first have a distinct one."""
    names: dict[str, Definition] = {}
    for definition in found:
        wanted = f"crd_{snake_case(definition.plural)}_{snake_case(definition.group)}"
        name = shortened(wanted)
        names[name if name not in names else shortened(wanted, distinct=definition.name)] = definition
    return names
