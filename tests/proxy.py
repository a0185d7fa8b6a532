"""A plain-HTTP proxy before a real API server, for the faults that it can't be made to show itself."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3

from k8s_inventory.kube.contexts import Context
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN


@dataclass
class Answer:
    """What goes back to the client. `cut` bytes are promised in Content-Length and never sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    cut: int = 0

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def with_json(self, value: Any) -> Answer:
        return Answer(self.status, json.dumps(value).encode(), self.headers)


Spoil = Callable[[str, Answer], Answer | None]
"""Gets the path with its query and the real answer; returns what to send, or None for the real one."""


class Proxy:
    """`spoil` may be set at any time; `requests` holds the paths asked for, `headers` what came with the last."""

    def __init__(self, cluster: Cluster) -> None:
        self.spoil: Spoil = lambda path, answer: None
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy.requests.append(self.path)
                proxy.headers.append(dict(self.headers))
                forwarded = {name: self.headers[name] for name in ("Authorization", "Accept") if name in self.headers}
                pool = urllib3.PoolManager(ca_certs=str(cluster.ca_file), assert_hostname=False)
                real = pool.request("GET", cluster.server + self.path, headers=forwarded, retries=False)
                content_type = {"Content-Type": real.headers.get("Content-Type", "")}
                answer = Answer(real.status, real.data, content_type)
                answer = proxy.spoil(self.path, answer) or answer
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body) + answer.cut))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # a client may have gone in the meantime
                    self.wfile.write(answer.body)
                if answer.cut:
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def context(self) -> Context:
        """A context that leads through the proxy, as the admin."""
        content = {
            "clusters": [{"name": "proxied", "cluster": {"server": self.url}}],
            "users": [{"name": "admin", "user": {"token": ADMIN.token}}],
            "contexts": [{"name": "proxied", "context": {"cluster": "proxied", "user": "admin"}}],
            "current-context": "proxied",
        }
        return Context(name="proxied", kubeconfig=content, context="proxied")

    def lists(self, plural: str) -> list[str]:
        """The list requests for a kind so far."""
        return [path for path in self.requests if f"/{plural}?" in path]

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
