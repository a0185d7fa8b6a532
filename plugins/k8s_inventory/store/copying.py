"""Rows as the bytes of COPY ... (FORMAT BINARY).

The format: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT. It needs no
escaping of JSON, and spares the server the parsing of everything else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from psycopg import Copy

from k8s_inventory.kinds import Kind

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT_OID = 25

_length = struct.Struct("!i").pack
_integer = struct.Struct("!ii").pack
_bigint = struct.Struct("!iq").pack
_array = struct.Struct("!iiiii").pack


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def _jsonb(value: bytes) -> bytes:
    return _length(len(value) + 1) + b"\x01" + value


def _timestamptz(value: datetime) -> bytes:
    since = value - _EPOCH
    return _bigint(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _numeric(value: Decimal) -> bytes:
    """Groups of four decimal digits: https://github.com/postgres/postgres/blob/REL_17_0/src/backend/utils/adt/numeric.c
    (numeric_send)."""
    sign, digits, exponent = value.as_tuple()
    scale = max(-int(exponent), 0)
    text = "".join(map(str, digits)) + "0" * max(int(exponent), 0)
    text += "0" * (-scale % 4)
    groups = -(-len(text) // 4)
    text = text.rjust(groups * 4, "0")
    weight = groups - -(-scale // 4) - 1
    numbers = [int(text[start : start + 4]) for start in range(0, len(text), 4)]
    while numbers and numbers[0] == 0:
        numbers.pop(0)
        weight -= 1
    content = struct.pack(f"!hhHH{len(numbers)}H", len(numbers), weight, 0x4000 if sign else 0, scale, *numbers)
    return _length(len(content)) + content


def _text_array(value: list[str]) -> bytes:
    if not value:
        return _length(12) + struct.pack("!iii", 0, 0, _TEXT_OID)
    content = _array(1, 0, _TEXT_OID, len(value), 1) + b"".join(map(_text, value))
    return _length(len(content)) + content


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "text": _text,
    "integer": lambda value: _integer(4, value),
    "bigint": lambda value: _bigint(8, value),
    "numeric": lru_cache(4096)(_numeric),
    "boolean": lambda value: b"\0\0\0\x01\x01" if value else b"\0\0\0\x01\0",
    "timestamptz": _timestamptz,
    "jsonb": _jsonb,
    "text[]": _text_array,
}


class BinaryRows:
    """Encodes the rows of one kind."""

    def __init__(self, kind: Kind) -> None:
        self._encoders = [*(_ENCODERS[column.type] for column in kind.columns), _text]
        self._width = struct.pack("!h", len(self._encoders) + 1)

    def write(self, copy: Copy, context_name: str, chunks: Iterable[Sequence[Sequence[Any]]]) -> None:
        """Writes a whole COPY: header, rows (context_name before each) and trailer.

        Each chunk holds the values of some rows, a list for each column, and one of their `made_of`.
        """
        start = self._width + _text(context_name)
        copy.write(_HEADER)
        for columns in chunks:
            encoded = map(_column, self._encoders, columns)
            copy.write(b"".join([start + b"".join(row) for row in zip(*encoded, strict=True)]))
        copy.write(_END)


def _column(encode: Callable[[Any], bytes], values: Sequence[Any]) -> list[bytes]:
    first = values[0] if values else None
    if values.count(first) == len(values):  # half of a kind's columns are mostly of one value
        return [_NULL if first is None else encode(first)] * len(values)
    return [_NULL if value is None else encode(value) for value in values]
