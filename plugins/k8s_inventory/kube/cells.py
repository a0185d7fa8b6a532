"""Lists read as the API server's `Table`: metadata and a few cells, and nothing else crosses the wire.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

import msgspec

from k8s_inventory.decoders import decoder
from k8s_inventory.kinds import Kind
from k8s_inventory.kube.errors import BadAnswer
from k8s_inventory.kube.session import UNREADABLE, refuse_page

ACCEPT = "application/json;as=Table;v=v1;g=meta.k8s.io"
QUERY = {"includeObject": "Metadata"}
TABLE = ("Table", "meta.k8s.io/v1")
"""kind and apiVersion of the answer."""


class _Column(msgspec.Struct, frozen=True):
    name: str


class _Object(msgspec.Struct, frozen=True):
    metadata: msgspec.Raw


class _Row(msgspec.Struct, frozen=True):
    cells: list[msgspec.Raw]
    object: _Object


class _Table(msgspec.Struct, frozen=True):
    kind: str
    metadata: msgspec.Raw
    rows: list[_Row] | None
    columns: list[_Column] | None = msgspec.field(name="columnDefinitions", default=None)


_tables = decoder(_Table)


def as_list(body: bytes, kind: Kind, version: str, *, where: str) -> bytes:
    """The list that the Table stands for: each object with its metadata and the fields of `kind.table_cells`.

    Raises `BadAnswer` for an answer that is no such Table, above all for one that holds the objects themselves.
    """
    table = _table(body, where)
    fields = _fields(table, kind, where)
    found = {
        "kind": kind.list_kind,
        "apiVersion": kind.api_version(version),
        "metadata": table.metadata,
        "items": [_object(row, fields) for row in table.rows or ()],
    }
    return msgspec.json.encode(found)


class Rows:
    """The objects that a watch shows as a `Table` each: the first one alone says what the cells are."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._fields: list[tuple[int, str]] = []

    def object(self, body: bytes, *, where: str) -> bytes:
        """The object in the Table, as `as_list` has it. Raises `BadAnswer`."""
        table = _table(body, where)
        self._fields = self._fields or _fields(table, self._kind, where)
        rows = table.rows or ()
        if table.kind != "Table" or len(rows) != 1 or len(rows[0].cells) <= max(index for index, _ in self._fields):
            raise BadAnswer(f"{where}: the answer is no Table of one object; it was thrown away")
        return msgspec.json.encode(_object(rows[0], self._fields))


def _table(body: bytes, where: str) -> _Table:
    try:
        return _tables.decode(body)
    except UNREADABLE as error:
        refuse_page(body, where)
        raise BadAnswer(f"{where}: the answer is no Table; it was thrown away ({error})") from None


def _fields(table: _Table, kind: Kind, where: str) -> list[tuple[int, str]]:
    """Where the cells stand that are fields of an object."""
    names = [column.name for column in table.columns or ()]
    if table.kind != "Table" or any(name not in names for name, _ in kind.table_cells):
        raise BadAnswer(f"{where}: the answer is no Table with the columns {', '.join(dict(kind.table_cells))}")
    return [(names.index(name), field) for name, field in kind.table_cells]


def _object(row: _Row, fields: list[tuple[int, str]]) -> dict[str, msgspec.Raw]:
    return {"metadata": row.object.metadata, **{field: row.cells[index] for index, field in fields}}
