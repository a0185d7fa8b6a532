"""Printer columns: what `kubectl get` shows of a custom object, by its CRD.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, count
from typing import Any

import msgspec

from k8s_inventory.collector.jsonpath import JSONPathError, PathTooLong
from k8s_inventory.collector.printer_paths import (
    LARGEST,
    SMALLEST,
    Byte,
    Spend,
    compile_cell,
)
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
        self._getters: dict[str, tuple[str, Callable[[Any, Spend], list[Any]]]] = {}
        problems = []
        if len(columns) > bounds.columns:
            problems.append(f"only the first {bounds.columns} are shown (K8S_MAX_PRINTER_COLUMNS)")
        for column in columns[: bounds.columns]:
            if len(column.name) > LONGEST_COLUMN_NAME:
                problems.append(f"one whose name has more than {LONGEST_COLUMN_NAME} characters is left out")
                continue
            get: Callable[[Any, Spend], list[Any]] = _nothing
            try:
                get = compile_cell(column.json_path)
            except JSONPathError as error:
                log.warning("printer column %s: %s", printable(column.name), printable(error))
                if isinstance(error, PathTooLong):
                    problems.append(f"{column.name} is null: {error}")
            self._getters[self._free_name(column.name)] = column.type, get
        self.problem = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")

    def _free_name(self, name: str) -> str:
        """The name, or, where an earlier column has it, with its number: `Status`, `Status (2)`."""
        names = chain([name], (f"{name} ({number})" for number in count(2)))
        return next(each for each in names if each not in self._getters)

    def __call__(self, body: bytes) -> tuple[bytes, bool]:
        """The object's printed columns, both JSON, and whether they are all that they could be.

        A column is null where it has no such value. Values are as the API server prints them, but for dates, which
        stay timestamps: an age changes by itself. A column whose path can not be read is null; kubectl shows neither it
        nor those after it. Where the columns take more than they may, that which does and all after it are null.
        `managedFields` are never shown.
        """
        decoded = msgspec.json.decode(body)
        metadata = decoded.get("metadata")
        if isinstance(metadata, dict):
            metadata.pop("managedFields", None)
        cells: dict[str, msgspec.Raw] = dict.fromkeys(self._getters, _NULL)
        values, size = self._bounds.values, self._bounds.bytes

        def spend(count: int) -> None:
            nonlocal values
            values -= count
            if values < 0:
                raise _TooMuch

        try:
            for name, (sort, get) in self._getters.items():
                cell = msgspec.json.encode(_cell(sort, get(decoded, spend)))
                size -= len(cell)
                if size < 0:
                    raise _TooMuch
                cells[name] = msgspec.Raw(cell)
        except _TooMuch:
            return msgspec.json.encode(cells), False
        return msgspec.json.encode(cells), True


_NULL = msgspec.Raw(b"null")


def _nothing(value: Any, spend: Spend) -> list[Any]:
    return []


def _cell(openapi_type: str, found: list[Any]) -> Any:
    """The first of the values, if it is of the column's type; as text where that is `string`.

    The rule of `cellForJSONValue` in apiextensions-apiserver's tableconvertor.go of Kubernetes 1.36.
    """
    if not found:
        return None
    value = found[0]
    if openapi_type == "string":
        return _text(value)
    if openapi_type == "boolean":
        return value if isinstance(value, bool) else None
    if openapi_type == "date":
        return value if isinstance(value, str) else None
    if isinstance(value, bool | Byte) or not isinstance(value, int | float):
        return None
    if openapi_type == "integer":
        return int(value)
    return msgspec.Raw(_json_number(float(value)).encode())


def _text(value: Any) -> str:
    """A value as Go prints it: https://pkg.go.dev/fmt, and objects and lists as https://pkg.go.dev/encoding/json."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and SMALLEST <= value <= LARGEST:
        return str(int(value))
    if isinstance(value, int | float):
        return _number(float(value), exponents=range(-4, 6))
    return _IN_JSON.sub(_as_go_writes, msgspec.json.encode(value, order="sorted").decode())


_IN_JSON = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*')
_ESCAPES = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"})


def _as_go_writes(found: re.Match[str]) -> str:
    """A string or a number of JSON."""
    text = found[0]
    if text.startswith('"'):
        return text.translate(_ESCAPES)
    whole = text.lstrip("-").isdigit() and SMALLEST <= int(text) <= LARGEST
    return text if whole else _json_number(float(text))


def _json_number(value: float) -> str:
    """Without an exponent from 1e-6 up to 1e21."""
    return _number(value, exponents=range(-6, 21)).replace("e-0", "e-")


def _number(value: float, *, exponents: range) -> str:
    """The fewest digits that are this number, as Go writes them; with an exponent where it is not of these."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    figures = "".join(map(str, digits)).rstrip("0")
    power = len(digits) + int(exponent) - 1
    if not figures:
        return "-0" if sign else "0"
    if power in exponents:
        text = format(Decimal(f"{figures}E{power - len(figures) + 1}"), "f")
    else:
        text = f"{figures[0]}{'.' if figures[1:] else ''}{figures[1:]}e{power:+03d}"
    return "-" * sign + text
