"""How the peak memory of a sync grows with the cluster.

    python -m bench.sync_memory --small 5000 --large 50000

Each size is synced by a process of its own, first load and all, from a server that replays recorded pages of a
real API server: 50,000 pods in a real one take more memory than the machine has to spare, and only the pages
count here. Every replayed object has a uid and a name of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from bench.setting import bench_setting
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run, sync_target
from tests.cluster import Cluster

PAGE = 500
BOUND_MB = 25


class Replay:
    """Serves `count` pods, made of one recorded page, over plain HTTP."""

    def __init__(self, cluster: Cluster, count: int) -> None:
        page = cluster.request("GET", f"/api/v1/pods?limit={PAGE}")
        self.version = page["metadata"]["resourceVersion"]
        self.items = [msgspec.json.encode(item) for item in page["items"]]
        self.count = count
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                split = urlsplit(self.path)
                body = replay.page(parse_qs(split.query)) if split.path == "/api/v1/pods" else replay.other(split.path)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def kubeconfig(self) -> dict[str, Any]:
        return {
            "clusters": [{"name": "replay", "cluster": {"server": self.url}}],
            "contexts": [{"name": "replay", "context": {"cluster": "replay"}}],
            "users": [],
        }

    def page(self, query: dict[str, list[str]]) -> bytes:
        start = int(query.get("continue", ["0"])[0])
        end = min(start + int(query["limit"][0]), self.count)
        meta = {"resourceVersion": self.version, **({"continue": str(end)} if end < self.count else {})}
        head = b'{"kind":"PodList","apiVersion":"v1","metadata":' + msgspec.json.encode(meta) + b',"items":['
        return head + b",".join(self._item(number) for number in range(start, end)) + b"]}"

    def _item(self, number: int) -> bytes:
        uid = f'"uid":"00000000-0000-4000-8000-{number:012x}"'.encode()
        return re.sub(rb'"uid":"[0-9a-f-]{36}"', uid, self.items[number % len(self.items)], count=1)

    def other(self, path: str) -> bytes:
        if path == "/version":
            return b'{"gitVersion":"v1.36.0"}'
        return b'{"metadata":{"uid":"00000000-0000-4000-8000-000000000000"}}'


def sync_once(kubeconfig: str, database_url: str) -> None:
    """What the measured process does; it prints its own peak in kilobytes."""
    context = Context(name="replay", kubeconfig=json.loads(kubeconfig), context="replay")
    with Store.connect(database_url) as store, Session(context) as session:
        store.migrate()
        result = sync_target(session, store, KINDS["pods"], run=Run("bench"), settings=Settings.load())
    assert result.attempt.outcome == "complete", result
    print(result.attempt.objects, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", type=int, default=5_000)
    parser.add_argument("--large", type=int, default=50_000)
    parser.add_argument("--sync", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sync:
        sync_once(*options.sync)
        return
    peaks = []
    with bench_setting(PAGE) as setting:
        for count in (options.small, options.large):
            with Store.connect(setting.database_url) as store:
                store.connection.execute("DROP SCHEMA public CASCADE")
                store.connection.execute("CREATE SCHEMA public")
            replay = Replay(setting.cluster, count)
            arguments = [json.dumps(replay.kubeconfig), setting.database_url]
            command = [sys.executable, "-m", "bench.sync_memory", "--sync", *arguments]
            objects, kilobytes = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
            assert int(objects) == count
            peaks.append(int(kilobytes) / 1024)
            print(f"{count:>7} pods: peak {peaks[-1]:.0f} MB")
    print(f"growth: {peaks[1] - peaks[0]:.1f} MB, bound {BOUND_MB} MB")


if __name__ == "__main__":
    main()
