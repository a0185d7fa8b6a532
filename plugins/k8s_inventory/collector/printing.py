"""Printer columns: what `kubectl get` shows of a custom object, by its CRD.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from k8s_inventory.collector.jsonpath import JSONPathError, compile_path
from k8s_inventory.kinds import PrinterColumn

log = logging.getLogger(__name__)


def printer(columns: Sequence[PrinterColumn]) -> Callable[[bytes], bytes]:
    """A function from an object to its printed columns, both JSON; a column is null where it has no such value.

    Values are as the API server prints them, but for dates, which stay timestamps: an age changes by itself. A
    column whose path can not be read is null, as it is there.
    """
    getters: list[tuple[PrinterColumn, Callable[[Any], list[Any]]]] = []
    for column in columns:
        try:
            getters.append((column, compile_path(column.json_path)))
        except JSONPathError as error:
            log.warning("printer column %s: %s", column.name, error)
            getters.append((column, lambda _: []))

    def shown(body: bytes) -> bytes:
        decoded = msgspec.json.decode(body)
        return msgspec.json.encode({column.name: _cell(column.type, get(decoded)) for column, get in getters})

    return shown


def _cell(openapi_type: str, found: list[Any]) -> Any:
    """The first of the values, if it is of the column's type; as text where that is `string`."""
    value = found[0] if found else None
    if value is None:
        return None
    if openapi_type == "string":
        return _text(value)
    if openapi_type == "boolean":
        return value if isinstance(value, bool) else None
    if openapi_type == "date":
        return value if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if openapi_type == "integer" else value


def _text(value: Any) -> str:
    """A value as Go's template printing writes it."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value, order="sorted").decode()
