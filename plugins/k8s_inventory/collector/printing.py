"""Printer columns: what `kubectl get` shows of a custom object, by its CRD.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from k8s_inventory.collector.jsonpath import JSONPathError, PathTooLong, Spend, compile_first
from k8s_inventory.kinds import PrinterColumn
from k8s_inventory.kinds.declaration import LONGEST_COLUMN_NAME
from k8s_inventory.printable import printable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PrinterBounds:
    """How many columns are printed, and for an object: how many values are looked at for all of them, and how many
    bytes they have together."""

    columns: int = 100
    values: int = 50_000
    bytes: int = 1 << 18


class _TooMuch(Exception):
    """An object's columns take more than they may."""


class Printer:
    """Prints the objects of one kind. `problem` says which of its columns are beyond what can be shown, if any is."""

    def __init__(self, columns: Sequence[PrinterColumn], bounds: PrinterBounds) -> None:
        self._bounds = bounds
        self._getters: list[tuple[PrinterColumn, Callable[[Any, Spend], list[Any]]]] = []
        problems = []
        if len(columns) > bounds.columns:
            problems.append(f"only the first {bounds.columns} are shown (K8S_MAX_PRINTER_COLUMNS)")
        for column in columns[: bounds.columns]:
            if len(column.name) > LONGEST_COLUMN_NAME:
                problems.append(f"one whose name has more than {LONGEST_COLUMN_NAME} characters is left out")
                continue
            try:
                self._getters.append((column, compile_first(column.json_path)))
            except JSONPathError as error:
                log.warning("printer column %s: %s", printable(column.name), printable(error))
                self._getters.append((column, _nothing))
                if isinstance(error, PathTooLong):
                    problems.append(f"{column.name} is null: {error}")
        self.problem = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")

    def __call__(self, body: bytes) -> tuple[bytes, bool]:
        """The object's printed columns, both JSON, and whether they are all that they could be.

        A column is null where it has no such value. Values are as the API server prints them, but for dates, which
        stay timestamps: an age changes by itself. A column whose path can not be read is null, as it is there. Where
        the columns take more than they may, that which does and all after it are null.
        """
        decoded = msgspec.json.decode(body)
        cells: dict[str, msgspec.Raw] = dict.fromkeys((column.name for column, _ in self._getters), _NULL)
        values, size = self._bounds.values, self._bounds.bytes

        def spend(count: int) -> None:
            nonlocal values
            values -= count
            if values < 0:
                raise _TooMuch

        try:
            for column, get in self._getters:
                cell = msgspec.json.encode(_cell(column.type, get(decoded, spend)))
                size -= len(cell)
                if size < 0:
                    raise _TooMuch
                cells[column.name] = msgspec.Raw(cell)
        except _TooMuch:
            return msgspec.json.encode(cells), False
        return msgspec.json.encode(cells), True


_NULL = msgspec.Raw(b"null")


def _nothing(value: Any, spend: Spend) -> list[Any]:
    return []


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
