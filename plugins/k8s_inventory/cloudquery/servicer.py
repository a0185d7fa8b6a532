"""CloudQuery's plugin protocol, version 3, as far as a source has to speak it.

It is https://github.com/cloudquery/plugin-pb/blob/main/plugin-v3/plugin.proto. It is served without CloudQuery's Python
SDK, which takes 60 MB, ignores `--network` and lacks TestConnection (docs/decisions).
"""

from __future__ import annotations

import gc
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import grpc
import pyarrow as pa
from cloudquery.discovery_v1 import discovery_pb2, discovery_pb2_grpc
from cloudquery.plugin_v3 import plugin_pb2, plugin_pb2_grpc
from cloudquery.plugin_v3.arrow import schema_to_bytes

from k8s_inventory import __version__
from k8s_inventory.cloudquery import changes, ending, tables
from k8s_inventory.cloudquery.source import BadInput, Source
from k8s_inventory.cloudquery.spec import json_schema
from k8s_inventory.printable import printable
from k8s_inventory.tracebacks import without_texts

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def _explained(call: Callable[..., Answer]) -> Callable[..., Answer]:
    """Ends the call with what the user has to mend, or with what nobody foresaw, without its text: gRPC would send it
    to the CLI."""

    @wraps(call)
    def explained(servicer: Any, request: Any, context: grpc.ServicerContext) -> Answer:
        with _ending_in_words(context):
            return call(servicer, request, context)

    return explained


@contextmanager
def _ending_in_words(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        log.error("%s", error)
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error)[: ending.LONGEST_MESSAGE])
    except Exception as error:
        if context.code() is not None:  # it was aborted in words
            raise
        log.error("not foreseen", exc_info=without_texts(error))
        context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}; the plugin's log has more")


class PluginServicer(plugin_pb2_grpc.PluginServicer):
    def __init__(self) -> None:
        self._source: Source | None = None
        self._running: set[threading.Event] = set()

    def stop(self) -> None:
        """Ends every sync at its next page, and every test of connections."""
        for stopped in tuple(self._running):
            stopped.set()

    def GetName(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.GetName.Response(name="k8s-inventory")

    def GetVersion(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.GetVersion.Response(version=f"v{__version__}")

    def GetSpecSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.GetSpecSchema.Response(json_schema=json.dumps(json_schema()))

    @_explained
    def Init(self, request: Any, context: grpc.ServicerContext) -> Any:
        run_id = f"cloudquery__{request.invocation_id}" if request.invocation_id else ""
        self._source = Source(request.spec, run_id=run_id, offline=request.no_connection)
        return plugin_pb2.Init.Response()

    @_explained
    def GetTables(self, request: Any, context: grpc.ServicerContext) -> Any:
        kinds = self._initialized(context).kinds(request.tables, request.skip_tables)
        found = [tables.schema(kind) for kind in kinds]
        if self._initialized(context).wants_changes(request.tables, request.skip_tables):
            found.append(changes.schema())
        return plugin_pb2.GetTables.Response(tables=list(map(schema_to_bytes, found)))

    @_explained
    def TestConnection(self, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            with self._stoppable(context) as stopped:
                problem = Source(request.spec).test_connection(stopped)
        except BadInput as error:
            return plugin_pb2.TestConnection.Response(
                success=False, failure_code="INVALID_SPEC", failure_description=str(error)
            )
        if problem:
            return plugin_pb2.TestConnection.Response(
                success=False, failure_code="UNREACHABLE", failure_description=problem
            )
        return plugin_pb2.TestConnection.Response(success=True)

    def Sync(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Sends the tables, then each target that is complete, then what changed since the sync before.

        If one was not, it ends in an error, and not in a message about it, which keeps the CLI from deleting what this
        sync did not bring; or well, under `on_incomplete: keep`, and the CLI deletes of complete kinds alone.
        """
        with _ending_in_words(context):
            yield from self._sync(request, context)

    def _sync(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        source = self._initialized(context)
        keep = source.settings.on_incomplete == "keep"
        if keep:
            ending.refuse_without_backend(request)
        problems: list[str] = []
        sent, incomplete = set(), set()
        with self._stoppable(context) as stopped:
            kinds = source.kinds(request.tables, request.skip_tables)
            new = source.changes(request)
            yield from ending.announced(map(tables.schema, kinds), incremental=keep)
            yield from ending.announced([changes.schema()] if new else [])
            for target in source.read(kinds, stopped) if kinds else ():
                with target.spool as spool:
                    if target.problem is None:
                        for record in spool.records():
                            sent.add(target.kind.table)
                            yield plugin_pb2.Sync.Response(insert=plugin_pb2.Sync.MessageInsert(record=record))
                    else:
                        problem = printable(f"{target.context_name} · {target.kind.name}: {target.problem}")
                        log.error("%s", problem)
                        problems.append(problem)
                        incomplete.add(target.kind.table)
                        if keep and request.withErrorMessages:
                            yield ending.error(target.kind, problem)
            for record in source.records(new, stopped) if new else ():
                yield plugin_pb2.Sync.Response(insert=plugin_pb2.Sync.MessageInsert(record=record))
            fails = problems and not (keep and not stopped.is_set())
            if keep and not stopped.is_set():
                yield from ending.announced(tables.schema(kind) for kind in kinds if kind.table not in incomplete)
            to_write = [tables.schema(kind) for kind in kinds if kind.table in sent] if fails else []
            if new and new.is_new:
                to_write.append(changes.schema())
            written = yield from ending.written(to_write, stopped)
            if new and written:
                source.keep(new)
            if fails:
                context.abort(grpc.StatusCode.ABORTED, ending.summary(problems, written=written))

    @contextmanager
    def _stoppable(self, context: grpc.ServicerContext) -> Iterator[threading.Event]:
        """Is set once nobody waits for this call, or all are to end: programs that it has started end, too."""
        stopped = threading.Event()
        context.add_callback(stopped.set)
        self._running.add(stopped)
        try:
            yield stopped
        finally:
            stopped.set()
            self._running.discard(stopped)

    def Close(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._source = None
        return plugin_pb2.Close.Response()

    def _initialized(self, context: grpc.ServicerContext) -> Source:
        if self._source is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "Init must come first")
        assert self._source is not None
        return self._source


class _Discovery(discovery_pb2_grpc.DiscoveryServicer):
    def GetVersions(self, request: Any, context: grpc.ServicerContext) -> Any:
        return discovery_pb2.GetVersions.Response(versions=[3])


class _Registered:
    """What the generated code takes for a server."""

    def __init__(self) -> None:
        self.handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
        self.handlers += handlers

    def add_registered_method_handlers(self, *_: object) -> None:
        """The same once more."""


def handlers_of(servicer: PluginServicer) -> list[grpc.GenericRpcHandler]:
    """What answers the calls of a plugin."""
    registered = _Registered()
    discovery_pb2_grpc.add_DiscoveryServicer_to_server(_Discovery(), registered)
    plugin_pb2_grpc.add_PluginServicer_to_server(servicer, registered)
    return registered.handlers


def spare_memory() -> None:
    """For a program that does nothing else."""
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps 25 MB for itself
    gc.freeze()  # what is imported stays: looking for garbage in it again and again takes an eighth of a sync
