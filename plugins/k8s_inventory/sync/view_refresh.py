"""Keeps a typed view for each CRD that some cluster has: `crd_<plural>_<group>`."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from k8s_inventory.collector.crd_columns import SchemaColumn, distinct_names, schema_columns, snake_case
from k8s_inventory.store import NotAllowed, Store, StoreError
from k8s_inventory.store.crd_views import (
    LEFT_OUT,
    OWN_COLUMNS,
    Definition,
    definition_specs,
    definitions,
    drop_view,
    lost_views,
    make_view,
    may_make_views,
    noted_views,
)

_VERSION = "2"
"""Raise it when the columns that a schema makes change."""
_LOCK_SECONDS = 10.0
"""To wait for those who use a view or change the schema; all views together wait six times that in vain at the most."""


class MayNotMakeViews(StoreError):
    """The role may make no views in the schema; the message says what to do."""


@dataclass
class ViewChanges:
    """What became of the views; `kept` are those that stay though they should not, with the reason, `refused` those of
    them that this role may not touch; `left_out` the numbers of fields for which a view has no column, because it can
    have no more."""

    made: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """What a person should know of them, a line a view."""
        kept = [f"{view} stays as it is: {reason}" for view, reason in self.kept.items()]
        return kept + [
            f"{view} can have no more columns: {fields} fields are in spec, status and data alone"
            for view, fields in self.left_out.items()
        ]


def refresh_crd_views(store: Store) -> ViewChanges:
    """Makes views of new and changed CRDs, and lost ones again; drops those of CRDs that no cluster has any more.

    Each in a transaction of its own; one that is in use, or is none of ours, is left for the next time. Raises
    `MayNotMakeViews`, and `StoreError` where the session is lost.
    """
    noted = noted_views(store)
    wanted = _named(definitions(store), noted)
    lost = lost_views(store)
    due = {view: each for view, each in wanted.items() if view in lost or not _is_made_of(noted.get(view), each)}
    known = {each.name for each in wanted.values()}
    gone = [view for view, declaration in noted.items() if _definition(declaration).name not in known]
    if (due or gone) and not may_make_views(store):
        raise MayNotMakeViews(
            f"{len(due) + len(gone)} views of CRDs are not as they should be, and this role may make none in the "
            "schema: run this once as its owner (docs/postgresql.md)"
        )
    changes = ViewChanges(left_out={view: left_out for view in wanted if (left_out := _left_out(noted.get(view)))})
    left = _LOCK_SECONDS * 6
    for view in (*gone, *due):
        start = time.monotonic()
        wait = min(_LOCK_SECONDS, max(left, 0.1))
        try:
            if view in due:
                _make(store, view, due[view], noted.get(view), wait, changes)
            else:
                _drop(store, view, noted[view], wait, changes)
        except StoreError as error:
            if store.is_lost:
                raise
            changes.kept[view] = str(error)
            if isinstance(error, NotAllowed):
                changes.refused.append(view)
            left -= time.monotonic() - start
    return changes


def _make(
    store: Store, view: str, definition: Definition, noted: str | None, wait: float, changes: ViewChanges
) -> None:
    specs = definition_specs(store, definition)

    def columns_of(named: Mapping[tuple[str, str], str], taken: Collection[str]) -> list[SchemaColumn]:
        return schema_columns(specs, taken=(*OWN_COLUMNS, *taken), named=named)

    declaration = _declaration(definition)
    made = make_view(store, view, definition, columns_of, declaration=declaration, noted=noted, wait=wait)
    changes.made.append(view)
    changes.left_out.pop(view, None)
    if left_out := _left_out(made):
        changes.left_out[view] = left_out


def _drop(store: Store, view: str, noted: str, wait: float, changes: ViewChanges) -> None:
    definition = _definition(noted)
    if not _is_name_of(view, definition):
        raise StoreError(f"{view} in this schema was not made by k8s-inventory and stays untouched")
    reason = drop_view(store, view, definition, wait=wait)
    if reason:
        changes.kept[view] = reason
    else:
        changes.dropped.append(view)


def _declaration(definition: Definition) -> str:
    """What is noted of a view: what it was made of. A CRD's name has no `/`."""
    return f"{_VERSION}/{definition.name}/{definition.signature}"


def _is_made_of(noted: str | None, definition: Definition) -> bool:
    return (noted or "").partition(LEFT_OUT)[0] == _declaration(definition)


def _left_out(noted: str | None) -> int:
    """How many fields a view has no column for, by what is noted of it."""
    fields = (noted or "").partition(LEFT_OUT)[2]
    return int(fields) if re.fullmatch("[0-9]{1,9}", fields) else 0


def _definition(declaration: str) -> Definition:
    """The CRD that a view was made for, by what is noted of the view; of no name if that is nothing of ours."""
    name = declaration.partition("/")[2].rpartition("/")[0]
    plural, _, group = name.partition(".")
    return Definition(name, group, plural)


def _named(found: list[Definition], noted: Mapping[str, str]) -> dict[str, Definition]:
    """The view of each CRD. A name once given stays with its CRD, whichever others want it."""
    given: dict[str, str] = {}
    for view, declaration in noted.items():
        definition = _definition(declaration)
        if _is_name_of(view, definition):
            given.setdefault(definition.name, view)
    named = {given[each.name]: each for each in found if each.name in given}
    for definition in found:
        if definition.name not in given:
            named[next(name for name in _names(definition) if name not in named and name not in noted)] = definition
    return named


def _is_name_of(view: str, definition: Definition) -> bool:
    return view in islice(_names(definition), 10)


def _names(definition: Definition) -> Iterator[str]:
    return distinct_names(f"crd_{snake_case(definition.plural)}_{snake_case(definition.group)}", definition.name)
