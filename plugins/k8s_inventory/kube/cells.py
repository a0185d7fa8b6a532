"""Lists read as the API server's `Table`: metadata and a few cells, and nothing else crosses the wire.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

import msgspec

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.errors import BadAnswer
from k8s_inventory.kube.session import UNREADABLE, refuse_page

ACCEPT = "application/json;as=Table;v=v1;g=meta.k8s.io"
QUERY = {"includeObject": "Metadata"}


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
    columns: list[_Column] = msgspec.field(name="columnDefinitions")
    rows: list[_Row] | None


_tables = msgspec.json.Decoder(_Table)


def as_list(body: bytes, kind: Kind, version: str, *, where: str) -> bytes:
    """The list that the Table stands for: each object with its metadata and the fields of `kind.table_cells`.

    Raises `BadAnswer` for an answer that is no such Table, above all for one that holds the objects themselves.
    """
    try:
        table = _tables.decode(body)
    except UNREADABLE as error:
        refuse_page(body, where)
        raise BadAnswer(f"{where}: the answer is no Table; it was thrown away ({error})") from None
    names = [column.name for column in table.columns]
    missing = [name for name, _ in kind.table_cells if name not in names]
    if table.kind != "Table" or missing:
        raise BadAnswer(f"{where}: the answer is no Table with the columns {', '.join(dict(kind.table_cells))}")
    fields = [(names.index(name), field) for name, field in kind.table_cells]
    items = [
        {"metadata": row.object.metadata, **{field: row.cells[index] for index, field in fields}}
        for row in table.rows or ()
    ]
    found = {
        "kind": kind.list_kind,
        "apiVersion": kind.api_version(version),
        "metadata": table.metadata,
        "items": items,
    }
    return msgspec.json.encode(found)
