"""Who Airflow sends metrics to: a StatsD server and a receiver of OTLP over HTTP, both on loopback."""

from __future__ import annotations

import gzip
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA


class StatsD:
    """Listens to UDP; `lines` are all that came, in its order."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self._lines: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                self._lines += self._socket.recv(1 << 16).decode().splitlines()
            except TimeoutError:
                continue

    def lines(self) -> list[str]:
        """Those of ours, once one of the listener's own has come: what was sent before has, too."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"end", ("127.0.0.1", self.port))
        while "end" not in self._lines:
            self._ended.wait(0.01)
        self._lines.remove("end")
        return [line for line in self._lines if line.startswith("airflow.k8s_inventory.")]

    def values(self) -> dict[str, list[tuple[float, str]]]:
        """What came of each name (with its tags): values, and the type that StatsD calls them by."""
        found: dict[str, list[tuple[float, str]]] = {}
        for line in self.lines():
            match = re.fullmatch(r"([^:|]+):([-+0-9.e]+)\|(g|c|ms)(?:\|#(.*))?", line)
            assert match, line
            name, value, kind, tags = match.groups()
            found.setdefault(name + (f"#{tags}" if tags else ""), []).append((float(value), kind))
        return found

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()


@contextmanager
def statsd() -> Iterator[StatsD]:
    listener = StatsD()
    try:
        yield listener
    finally:
        listener.close()


class Otlp(ThreadingHTTPServer):
    """Receives what an exporter posts to /v1/metrics."""

    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[ExportMetricsServiceRequest] = []
        super().__init__(("127.0.0.1", 0), _OtlpHandler)

    def points(self) -> list[tuple[str, str, dict[str, str], float]]:
        """Of each data point of ours the metric's name and type (`delta` where it is one), attributes and value: of a
        histogram, the sum."""
        found = []
        for metric in (
            metric
            for request in self.requests
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name.startswith("airflow.k8s_inventory.")
        ):
            shape = metric.WhichOneof("data")
            data = getattr(metric, shape)
            delta = getattr(data, "aggregation_temporality", None) == AGGREGATION_TEMPORALITY_DELTA
            for point in data.data_points:
                attributes = {each.key: each.value.string_value for each in point.attributes}
                value = point.sum if "histogram" in shape else getattr(point, point.WhichOneof("value"))
                found.append((metric.name, f"{shape}{' delta' if delta else ''}", attributes, float(value)))
        return found


class _OtlpHandler(BaseHTTPRequestHandler):
    server: Otlp

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/metrics":
            self.server.requests.append(ExportMetricsServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def otlp() -> Iterator[Otlp]:
    with Otlp() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
