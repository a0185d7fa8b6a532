"""Kinds without a declaration of their own: custom resources and aggregated APIs, all in one table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from k8s_inventory.kinds.declaration import Column, Kind, PrinterColumn
from k8s_inventory.kinds.values import object_or_empty

CUSTOM_OBJECTS = Kind(
    name="custom",
    kind="CustomObject",
    plural="custom",
    table="k8s_custom_objects",
    shared_by=("group", "plural"),
    description="Objects of every kind without a table of its own: of CustomResourceDefinitions and aggregated APIs.",
    typed_columns=(
        Column(name="group", of_kind="group", required=True, description="API group of the kind."),
        Column(name="plural", of_kind="plural", required=True, description="The kind's plural resource name."),
        Column(name="kind", of_kind="kind", required=True, description="The kind."),
        Column(name="version", of_kind="version", required=True, description="The group's version that was read."),
        Column(
            name="printer_columns",
            type="jsonb",
            path="printerColumns",
            compute=object_or_empty,
            required=True,
            description="What kubectl shows of the object, by the names of its CRD's additionalPrinterColumns.",
        ),
    ),
    rest=("spec", "status", "data"),
)
"""What all kinds of the table have in common; `custom_kind` makes one of them."""

CORE = "core"
"""Stands in names for the group that has none."""


def custom_name(group: str, plural: str) -> str:
    """What a custom kind is called: `plural.group`, `plural.core` without a group."""
    return f"{plural}.{group or CORE}"


def custom_kind(*, group: str, version: str, kind: str, plural: str, namespaced: bool) -> Kind:
    """The kind of these names, as discovery lists it."""
    return replace(
        CUSTOM_OBJECTS,
        name=custom_name(group, plural),
        kind=kind,
        plural=plural,
        group=group,
        versions=(version,),
        namespaced=namespaced,
    )


def as_json(kind: Kind) -> dict[str, Any]:
    """What tells a custom kind from others, in JSON's terms."""
    return {
        "group": kind.group,
        "version": kind.version,
        "kind": kind.kind,
        "plural": kind.plural,
        "namespaced": kind.namespaced,
        "listed_as": kind.listed_as,
        "revision": kind.revision,
        "printer_columns": [[each.name, each.type, each.json_path] for each in kind.printer_columns],
    }


def from_json(found: Any) -> Kind:
    """The kind that `as_json` was given. Raises `ValueError` for what it can not have written."""
    try:
        names = {name: _text(found[name]) for name in ("group", "version", "kind", "plural")}
        return replace(
            custom_kind(**names, namespaced=found["namespaced"] is True),
            listed_as=_text(found["listed_as"]),
            revision=_text(found["revision"]),
            printer_columns=tuple(PrinterColumn(*map(_text, each)) for each in found["printer_columns"]),
        )
    except (LookupError, TypeError) as error:
        raise ValueError(f"no custom kind: {type(error).__name__}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def custom_kind_named(name: str, version: str = "v1", called: str | None = None) -> Kind:
    """The kind `plural.group`, of which no more is known than its name: it is not served any more, or not yet.

    `version` is the one that its rows were read in, where there are any. Without, any will do to hear that there is no
    such kind. `called` is its kind, by which rules may mean it, if that is known.
    """
    plural, _, group = name.partition(".")
    group = "" if group == CORE else group
    return custom_kind(group=group, version=version, kind=called or plural, plural=plural, namespaced=True)


def is_custom(name: str) -> bool:
    """Whether this is the name of a custom kind, `plural.group`; those of declared kinds have no dot."""
    return "." in name
