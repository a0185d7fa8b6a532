"""The program `k8s-inventory-cloudquery`: serves the source plugin over gRPC until a signal ends it.

It listens first and imports what answers then: the CLI kills a plugin that does not listen within five seconds, which
on a busy machine are few.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import select
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import grpc

from k8s_inventory import __version__
from k8s_inventory.printable import printable, printable_lines
from k8s_inventory.tracebacks import without_texts

log = logging.getLogger("k8s_inventory.cloudquery.serve")  # where it is the program, too

_UNIX, _TCP = "unix:", "localhost:7777"

_LOOK_SECONDS = 1
"""Between two looks at whether anybody reads the log."""


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


class _Handler(logging.StreamHandler[Any]):
    """Says nothing of lines that nobody reads any more."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], BrokenPipeError):
            super().handleError(record)


def _log_to_stdout(level: str, form: str) -> None:
    handler = _Handler(sys.stdout)
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
    folder = None if given else _new_folder(within)
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


def _new_folder(within: str | None) -> str:
    import tempfile  # takes longer than all else that the CLI's way needs

    return tempfile.mkdtemp(prefix="k8s-inventory-", dir=within)


class _Answers(grpc.GenericRpcHandler):
    """What answers calls. They wait until it is imported; where it can not be, each fails and says so."""

    def __init__(self) -> None:
        self._imported = threading.Event()
        self._handlers: Sequence[grpc.GenericRpcHandler] = ()
        self._problem = ""
        self.stop: Callable[[], None] = lambda: None

    def load(self) -> None:
        """Imports it; to be called once."""
        try:
            from k8s_inventory.cloudquery.servicer import PluginServicer, handlers_of, spare_memory

            servicer = PluginServicer()
            self._handlers, self.stop = handlers_of(servicer), servicer.stop
            spare_memory()
        except BaseException as error:  # whatever it is, calls wait for it
            self._problem = f"the plugin's installation is broken ({type(error).__name__}: {printable(error)})"
            log.error("%s", self._problem, exc_info=without_texts(error))
        finally:
            self._imported.set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        self._imported.wait()
        if self._problem:
            return grpc.unary_unary_rpc_method_handler(self._refuse)
        found = (each.service(handler_call_details) for each in self._handlers)
        return next((each for each in found if each is not None), None)

    def _refuse(self, request: Any, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.INTERNAL, f"{self._problem}; install k8s-inventory[cloudquery] again"[:1000])


def _wait(ended: threading.Event) -> None:
    """Until it is set, or the pipe of the log has no reader any more: so ends who started this, however they end."""
    with suppress(AttributeError, OSError, ValueError):  # there may be no log
        log_to = sys.stdout.fileno()
        if stat.S_ISFIFO(os.fstat(log_to).st_mode):
            pipe = select.poll()
            pipe.register(log_to, select.POLLOUT)  # POLLHUP is that of macOS
            while not ended.wait(_LOOK_SECONDS):
                if any(what & (select.POLLERR | select.POLLHUP) for _, what in pipe.poll(0)):
                    return
    ended.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    _log_to_stdout(options.log_level, options.log_format)
    signalled = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: signalled.set())
    answers = _Answers()
    # Without so_reuseport=0 a second server shares the port silently, and gets half of the calls.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=10), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((answers,))
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
        threading.Thread(target=answers.load, daemon=True).start()
        _wait(signalled)
        log.info("stopping")
        answers.stop()
        server.stop(grace=1).wait(1.5)
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(0)  # a request to a cluster may still wait for its answer; what is open is closed by the system


if __name__ == "__main__":
    sys.exit(main())
