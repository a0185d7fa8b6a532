"""What is said of a state backend that refuses, on a real gRPC server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
import pytest
from cloudquery.plugin_v3 import plugin_pb2, plugin_pb2_grpc
from cloudquery.plugin_v3.arrow import record_to_bytes

from k8s_inventory.cloudquery.changes import Backend, BackendError

SECRET = "postgres://loader:hunter2@db.example:5432/warehouse"
Refuses = tuple[grpc.StatusCode, str]


class Destination(plugin_pb2_grpc.PluginServicer):
    def __init__(self) -> None:
        self.write: Refuses | None = None
        self.read: Refuses | list[bytes] = []

    def Write(self, request: Any, context: Any) -> Any:
        for _ in request:
            pass
        if self.write:
            context.abort(*self.write)
        return plugin_pb2.Write.Response()

    def Read(self, request: Any, context: Any) -> Any:
        if isinstance(self.read, tuple):
            context.abort(*self.read)
        for record in self.read:
            yield plugin_pb2.Read.Response(record=record)


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[tuple[Destination, Backend]]:
    made = Destination()
    server = grpc.server(ThreadPoolExecutor(2))
    plugin_pb2_grpc.add_PluginServicer_to_server(made, server)
    address = f"unix:{tmp_path}/socket"
    server.add_insecure_port(address)
    server.start()
    yield made, Backend("k8s_state", address)
    server.stop(None)


def _record(**columns: list[Any]) -> bytes:
    return record_to_bytes(pa.RecordBatch.from_pydict(columns))


def test_what_it_holds_is_read_by_its_prefix(destination: tuple[Destination, Backend]) -> None:
    made, backend = destination
    made.read = [_record(key=["k8s/a", "other"], value=["1", "2"]), _record(key=["k8s/b"], value=["3"])]
    assert backend.read("k8s/") == {"k8s/a": "1", "k8s/b": "3"}


@pytest.mark.parametrize(
    ("code", "to_do"),
    [
        (grpc.StatusCode.INTERNAL, "own log says why"),
        (grpc.StatusCode.UNKNOWN, "own log says why"),
        (grpc.StatusCode.UNAUTHENTICATED, "own log says why"),
        (grpc.StatusCode.UNAVAILABLE, "whether it runs"),
        (grpc.StatusCode.UNIMPLEMENTED, "name one that can"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "name a table of its own"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "in 60 s"),
    ],
)
@pytest.mark.parametrize("at", ["read", "written"])
def test_its_own_words_are_not_told(
    destination: tuple[Destination, Backend], code: grpc.StatusCode, to_do: str, at: str
) -> None:
    made, backend = destination
    refuses = (code, f"failed to connect to {SECRET}")
    if at == "read":
        made.read = refuses
    else:
        made.write = refuses
    with pytest.raises(BackendError) as raised:
        backend.read("k8s/") if at == "read" else backend.write({"k8s/a": "1"})
    said = str(raised.value)
    assert f"the table k8s_state of the state backend could not be {at} ({code.name}, " in said
    assert to_do in said
    assert "hunter2" not in said
    assert "db.example" not in said
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__, "a traceback would show it"


@pytest.mark.parametrize(
    "record",
    [
        b"no Arrow",
        b"",
        _record(key=["a"]),
        _record(key=[None], value=[SECRET]),
        _record(key=[7], value=[SECRET]),
        _record(name=["a"], value=[SECRET]),
    ],
)
def test_what_holds_something_else_is_refused(destination: tuple[Destination, Backend], record: bytes) -> None:
    made, backend = destination
    made.read = [record]
    with pytest.raises(BackendError, match="k8s_state.* are no keys and values") as raised:
        backend.read("k8s/")
    assert SECRET not in str(raised.value)


def test_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"written \(UNAVAILABLE, its destination does not answer"):
        Backend("k8s_state", f"unix:{tmp_path}/none").read("")
