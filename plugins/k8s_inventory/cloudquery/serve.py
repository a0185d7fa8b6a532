"""The program `k8s-inventory-cloudquery`: serves the source plugin over gRPC until a signal ends it.

The protocol: https://github.com/cloudquery/plugin-pb/blob/main/plugin-v3/plugin.proto. It is served without
CloudQuery's Python SDK, which takes 60 MB, ignores `--network` and lacks TestConnection (docs/decisions).
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

import grpc
import pyarrow as pa
from cloudquery.discovery_v1 import discovery_pb2, discovery_pb2_grpc
from cloudquery.plugin_v3 import plugin_pb2, plugin_pb2_grpc
from cloudquery.plugin_v3.arrow import schema_to_bytes

from k8s_inventory import __version__
from k8s_inventory.cloudquery import ending, tables
from k8s_inventory.cloudquery.source import BadInput, Source, json_schema
from k8s_inventory.printable import printable, printable_lines
from k8s_inventory.tracebacks import without_texts

log = logging.getLogger("k8s_inventory.cloudquery.serve")  # where it is the program, too

_UNIX, _TCP = "unix:", "localhost:7777"

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
    """CloudQuery's plugin protocol, version 3, as far as a source has to speak it."""

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
        return plugin_pb2.GetTables.Response(tables=[schema_to_bytes(tables.schema(kind)) for kind in kinds])

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
        """Sends the tables, then each target that is complete.

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
            yield from ending.announced(kinds, incremental=keep)
            for target in source.read(kinds, stopped):
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
            if keep and not stopped.is_set():
                yield from ending.announced(kind for kind in kinds if kind.table not in incomplete)
            elif problems:
                written = yield from ending.written([kind for kind in kinds if kind.table in sent], stopped)
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


class JSONFormatter(logging.Formatter):
    """One JSON object a line, as the CLI reads a plugin's output; what `extra` gives becomes fields."""

    _OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}
    _LEVELS = {"WARNING": "warn", "CRITICAL": "error"}  # noqa: RUF012

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in self._OWN}
        line = {
            "level": self._LEVELS.get(record.levelname, record.levelname.lower()),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "message": record.getMessage(),
            **fields,
        }
        # The CLI takes the JSON apart, and what is in it may come to a terminal.
        line = {name: value if isinstance(value, (int, float)) else printable(value) for name, value in line.items()}
        if record.exc_info:
            line["exception"] = printable_lines(self.formatException(record.exc_info))
        return json.dumps(line)


class TextFormatter(logging.Formatter):
    """The same for people: a message is one line, and those of an exception are below it, indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return "\n".join(f"  {printable(line)}" for line in super().formatException(ei).split("\n"))


def _log_to_stdout(level: str, form: str) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JSONFormatter() if form == "json" else TextFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    levels = {"trace": logging.DEBUG, "warn": logging.WARNING}
    logging.getLogger("k8s_inventory").setLevel(levels.get(level, level.upper()))


def _parser() -> argparse.ArgumentParser:
    """The command line of CloudQuery's plugins, with which the CLI starts this one."""
    parser = argparse.ArgumentParser(prog="k8s-inventory-cloudquery", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=__version__)
    serve = parser.add_subparsers(dest="command", required=True).add_parser("serve", help="serve the plugin over gRPC")
    serve.add_argument(
        "--address",
        help="path of a socket (--network unix), or host:port, where all who reach it may read clusters and run the "
        "programs of a kubeconfig as you. By default a socket in a new folder that nobody else can look into",
    )
    serve.add_argument(
        "--network", choices=["tcp", "unix"], help=f"by default unix, or tcp with an --address; its own is {_TCP}"
    )
    serve.add_argument("--log-level", default="info", choices=["trace", "debug", "info", "warn", "error"])
    serve.add_argument("--log-format", default="text", choices=["text", "json"])
    for option in ("--no-sentry", "--otel-endpoint", "--otel-endpoint-insecure", "--license"):
        serve.add_argument(option, nargs="?", help=argparse.SUPPRESS)  # the CLI may give these; nothing comes of them
    return parser


@contextmanager
def _listening(server: grpc.Server, given: str | None, network: str | None) -> Iterator[str]:
    """Has the server listen; yields where, in gRPC's terms. A socket is gone in the end, and so is a folder of ours.

    No one but this user can connect to a socket, from the moment that it is there: CloudQuery's CLI has it made in a
    folder that all users share. Raises `RuntimeError` where the address is taken, or none.
    """
    if network == "tcp" or (given and network is None):
        address = given or _TCP
        server.add_insecure_port(address)
        yield address
        return
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    within = runtime if os.access(runtime, os.W_OK | os.X_OK) else None
    folder = None if given else tempfile.mkdtemp(prefix="k8s-inventory-", dir=within)
    path = given or f"{folder}/plugin.sock"
    try:
        mask = os.umask(0o177)
        try:
            server.add_insecure_port(_UNIX + path)
        finally:
            os.umask(mask)
        try:
            yield _UNIX + path
        finally:
            with suppress(FileNotFoundError):
                os.unlink(path)
    finally:
        if folder:
            os.rmdir(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    _log_to_stdout(options.log_level, options.log_format)
    signalled = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: signalled.set())
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps 25 MB for itself
    gc.freeze()  # what is imported stays: looking for garbage in it again and again takes an eighth of a sync
    servicer = PluginServicer()
    # Without so_reuseport=0 a second server shares the port silently, and gets half of the calls.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=10), options=[("grpc.so_reuseport", 0)])
    discovery_pb2_grpc.add_DiscoveryServicer_to_server(_Discovery(), server)
    plugin_pb2_grpc.add_PluginServicer_to_server(servicer, server)
    with ExitStack() as stack:
        try:
            address = stack.enter_context(_listening(server, options.address, options.network))
        except RuntimeError:
            log.error("%s can not be listened on: is it taken, or no address of this machine?", options.address or _TCP)
            return 1
        server.start()
        log.info("serving on %s", address)
        if not address.startswith(_UNIX):
            log.warning(
                "whoever reaches %s may read clusters, and run programs that a kubeconfig names, as you", address
            )
        signalled.wait()
        log.info("stopping")
        servicer.stop()
        server.stop(grace=1).wait(1.5)
    sys.stdout.flush()
    os._exit(0)  # a request to a cluster may still wait for its answer; what is open is closed by the system


class _Discovery(discovery_pb2_grpc.DiscoveryServicer):
    def GetVersions(self, request: Any, context: grpc.ServicerContext) -> Any:
        return discovery_pb2.GetVersions.Response(versions=[3])


if __name__ == "__main__":
    sys.exit(main())
