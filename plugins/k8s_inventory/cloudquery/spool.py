"""Keeps a target's rows until its outcome is known: rows that were sent can't be taken back."""

from __future__ import annotations

import struct
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from cloudquery.plugin_v3.arrow import record_to_bytes

from k8s_inventory.cloudquery import tables
from k8s_inventory.collector import Columns
from k8s_inventory.kinds import Kind
from k8s_inventory.sync import SinkError

IN_MEMORY = 2 * 1024 * 1024
"""Bytes that a spool holds in memory; with more, all of them go to an unlinked file in $TMPDIR."""

_length = struct.Struct("!I")


class Spool:
    """The rows of one target, as its messages: a `Sink`. Once `stopped` is set, it takes no more."""

    def __init__(self, kind: Kind, context_name: str, stopped: threading.Event) -> None:
        self.kind = kind
        self.context_name = context_name
        self._stopped = stopped
        self._file: Any = None

    def start(self) -> None:
        self.close()
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, prefix="k8s-inventory-")  # noqa: SIM115

    def add(self, columns: Columns) -> None:
        if self._stopped.is_set():
            raise SinkError(f"{self.kind.name}: the sync was stopped")
        try:
            for batch in tables.batches(self.kind, self.context_name, columns):
                record = record_to_bytes(batch)
                self._file.write(_length.pack(len(record)))
                self._file.write(record)
        except OSError as error:
            raise SinkError(
                f"{self.kind.name}: the temporary file in {tempfile.gettempdir()} could not be written: "
                f"{error.strerror or error}; set TMPDIR to a folder with more room"
            ) from error

    def records(self) -> Iterator[bytes]:
        """What was added, as Arrow IPC streams of a batch each."""
        if self._file is None:
            return
        self._file.seek(0)
        while header := self._file.read(_length.size):
            yield self._file.read(*_length.unpack(header))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
