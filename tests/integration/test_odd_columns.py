"""Every value that JSON can hold, in every place that a column is read from, of every kind: each object is a row that
PostgreSQL takes and psycopg can read, and a column that can not hold the value is null."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from k8s_inventory.collector import Decoder
from k8s_inventory.kinds import KINDS, TABLES, Kind
from k8s_inventory.store import Store
from k8s_inventory.store.copying import BinaryRows

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    -(2**63) - 1,
    2**64,
    1e300,
    0.5,
    "",
    "x" * 3000,
    "-",
    "0.1e-9",
    "9" * 1001,
    "0001-01-01T00:00:00+02:00",
    "9999-12-31T23:59:59-14:00",
    "10000-01-01T00:00:00Z",
    "2026-01-01T00:00:00",
    [],
    [None, 1, "a", {}, [1]],
    {},
    {"a": {"b": [1]}},
    {"cpu": "x", "memory": {}},
    [{"name": 5, "kind": None, "type": {}, "status": []}],
]


def paths(kind: Kind) -> list[str]:
    found = {column.path for column in kind.columns if column.path and column.name not in ("uid", "resource_version")}
    found |= {need.partition(":")[0] for column in kind.columns for need in column.needs}
    return sorted(path.replace("?", "") for path in found)


def spoilt(kind: Kind) -> Iterator[dict[str, Any]]:
    """An object for each step of each path and each value; all else of it is as nobody would complain of."""
    steps = {path.split(".")[0] + "." + ".".join(path.split(".")[1:end]) for path in paths(kind) for end in range(1, 9)}
    for number, (path, value) in enumerate((path.rstrip("."), value) for path in sorted(steps) for value in ODD):
        made: dict[str, Any] = {}
        at: Any = made
        *before, last = path.split(".")
        for step in before:
            inner: dict[str, Any] = {}
            at[step.rstrip("[]")] = [inner] if step.endswith("[]") else inner
            at = inner
        at[last.rstrip("[]")] = [value] if last.endswith("[]") and number % 2 else value
        if isinstance(made.setdefault("metadata", {}), dict):
            made["metadata"] |= {"uid": f"uid-{number}", "resourceVersion": "1"}
        else:
            made["metadata"] = {"uid": f"uid-{number}", "resourceVersion": "1"}
        yield made


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_each_object_is_a_row(kind: Kind, store: Store) -> None:
    objects = list(spoilt(kind))
    body = json.dumps({"items": objects}).encode()
    decoder = Decoder(kind)
    total = len(objects)
    chunks = list(decoder.columns(body, api_version="v1", wanted=range(total), total=total, at_once=50))
    assert not decoder.unstored or "is of another form" in str(decoder.unstored), "a spec that is none, and no more"
    names = ", ".join(f'"{column.name}"' for column in kind.columns)
    with store.connection.cursor() as cursor:
        with cursor.copy(f"COPY {kind.table} (context_name, {names}, made_of) FROM STDIN (FORMAT BINARY)") as copy:
            BinaryRows(kind).write(copy, "odd", [[*chunk, [""] * len(chunk[0])] for chunk in chunks])
        rows = cursor.execute(f"SELECT {names} FROM {kind.table}").fetchall()  # type: ignore[call-overload]
    assert len(rows) == total


def test_columns_that_fit_are_as_they_were_beside_one_that_does_not() -> None:
    spec = {"nodeName": "n", "hostNetwork": True, "priority": 2**40, "containers": [{"name": "c", "image": "i"}]}
    items = [
        {"metadata": {"uid": "u", "name": "p"}, "spec": spec, "status": {"podIP": "10.0.0.1", "startTime": "never"}}
    ]
    decoder = Decoder(KINDS["pods"])
    (columns,) = decoder.columns(
        json.dumps({"items": items}).encode(), api_version="v1", wanted=[0], total=1, at_once=1
    )
    row = {column.name: values[0] for column, values in zip(KINDS["pods"].columns, columns, strict=True)}
    assert (row["node_name"], row["host_network"], row["images"], row["pod_ip"]) == ("n", True, ["i"], "10.0.0.1")
    assert (row["priority"], row["start_time"]) == (None, None)
    assert json.loads(row["spec"])["priority"] == 2**40
