"""Keeps a target's rows until its outcome is known: rows that were sent can't be taken back."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from k8s_inventory.cloudquery import tables
from k8s_inventory.kinds import Kind
from k8s_inventory.sync import SinkError

IN_MEMORY = 2 * 1024 * 1024
"""Bytes that a spool holds in memory; with more, all of them go to an unlinked file in $TMPDIR."""

_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")


class Spool:
    """The rows of one target, as compressed Arrow. A `Sink`; once `stopped` is set, it takes no more."""

    def __init__(self, kind: Kind, context_name: str, stopped: threading.Event) -> None:
        self.kind = kind
        self.context_name = context_name
        self.rows = 0
        self._stopped = stopped
        self._file: Any = None
        self._writer: pa.RecordBatchStreamWriter | None = None

    def start(self) -> None:
        self.close()
        self.rows = 0
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, prefix="k8s-inventory-")  # noqa: SIM115
        self._writer = pa.ipc.new_stream(self._file, tables.schema(self.kind), options=_COMPRESSED)

    def add(self, columns: list[list[Any]]) -> None:
        if self._stopped.is_set():
            raise SinkError(f"{self.kind.name}: the sync was stopped")
        assert self._writer is not None, "a listing starts before it brings rows"
        try:
            for batch in tables.batches(self.kind, self.context_name, columns):
                self._writer.write_batch(batch)
                self.rows += batch.num_rows
        except OSError as error:
            raise SinkError(
                f"{self.kind.name}: the temporary file in {tempfile.gettempdir()} could not be written: "
                f"{error.strerror or error}; set TMPDIR to a folder with more room"
            ) from error

    def batches(self) -> Iterator[pa.RecordBatch]:
        """What was added, once, from its start."""
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            yield from reader

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._writer = self._file = None

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
