"""What `cloudquery sync` costs: time against the bare download, rows a second, memory of the plugin.

    python -m bench.cloudquery_sync --pods 10000 --replayed 100000

The plugin runs as users install it, from the wheel in an environment of its own. The time of a whole sync counts from
the start of the CLI to its end, into a destination that only counts; the CLI's own start-up is that of a sync of an
empty table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil
import pyarrow as pa
from cloudquery.plugin_v3 import plugin_pb2, plugin_pb2_grpc

from bench.setting import Setting, bench_setting
from bench.sync_memory import PAGE, Replay
from bench.sync_speed import download, seconds
from tests.e2e.cloudquery_cli import CloudQuery
from tests.installed import build_wheel, install

TIME_BOUND, ROWS_BOUND, MEMORY_BOUND_MB = 2.5, 30_000, 200

RECORDED = """
import gc, json, sys, threading, time
from pathlib import Path
import msgspec
from k8s_inventory.cloudquery.source import Source
from k8s_inventory.kube.session import Session
body, pages = Path(sys.argv[1]).read_bytes(), int(sys.argv[2])
more = body.replace(b'"metadata":{', b'"metadata":{"continue":"more",', 1)
recorded = iter([more] * (pages - 1) + [body])
Session.get = lambda self, path, query=None, **_: next(recorded)
context = {"name": "recorded", "context": {"cluster": "recorded"}}
cluster = {"name": "recorded", "cluster": {"server": "http://127.0.0.1:1"}}
Path(sys.argv[3]).write_text(json.dumps({"contexts": [context], "clusters": [cluster], "users": []}))
source = Source(json.dumps({"kubeconfig": sys.argv[3]}).encode())
gc.freeze()  # as the plugin does when it begins to serve
start = time.perf_counter()
for target in source.read(source.kinds(["k8s_pods"]), threading.Event()):
    assert target.problem is None, target.problem
    for record in target.spool.records():
        pass
seconds = time.perf_counter() - start
start = time.perf_counter()
for _ in range(10):
    msgspec.json.decode(body)
print(seconds / pages, (time.perf_counter() - start) / 10)
"""


def cli_sync(folder: Path, plugin: Path, kubeconfig: Path, table: str, expected: int) -> float:
    """Seconds of a whole `cloudquery sync` of one table."""
    counted = folder / "count"
    cli = CloudQuery(folder, plugin, {"count_to": str(counted)})
    config = cli.config({"spec": {"kubeconfig": str(kubeconfig)}, "tables": [table]})
    taken = seconds(lambda: cli.run("sync", str(config)).check_returncode())
    assert int(counted.read_text()) == expected
    return taken


def recorded_rows(folder: Path, plugin: Path, setting: Setting, pages: int) -> tuple[float, float]:
    """Rows a second that the plugin makes of pages that are in memory already.

    And the time it takes for them, times that of decoding them by `msgspec` to dicts and no more.
    """
    page = setting.cluster.request("GET", f"/api/v1/pods?limit={PAGE}")
    page["metadata"].pop("continue", None)
    recorded = folder / "page.json"
    recorded.write_text(json.dumps(page, separators=(",", ":"), ensure_ascii=False))
    command = [str(plugin.parent / "python"), "-c", RECORDED, str(recorded), str(pages), str(folder / "recorded")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds_a_page, seconds_of_dicts = map(float, done.stdout.split())
    return PAGE / seconds_a_page, seconds_a_page / seconds_of_dicts


@contextmanager
def served(folder: Path, plugin: Path) -> Iterator[tuple[psutil.Process, str]]:
    path = folder / "plugin.sock"
    command = [str(plugin), "serve", "--network", "unix", "--address", str(path), "--log-level", "error"]
    with subprocess.Popen(command) as process:
        while not path.exists():
            time.sleep(0.05)
        try:
            yield psutil.Process(process.pid), f"unix:{path}"
        finally:
            process.terminate()


def peak_memory(folder: Path, plugin: Path, kubeconfig: Path, expected: int) -> float:
    """MB at its peak of a plugin that sends all pods to a client which throws them away."""
    with served(folder, plugin) as (process, address), grpc.insecure_channel(address) as channel:
        stub = plugin_pb2_grpc.PluginStub(channel)
        stub.Init(plugin_pb2.Init.Request(spec=json.dumps({"kubeconfig": str(kubeconfig)}).encode()))
        rows = 0
        for message in stub.Sync(plugin_pb2.Sync.Request(tables=["k8s_pods"])):
            if message.WhichOneof("message") == "insert":
                rows += pa.ipc.open_stream(message.insert.record).read_next_batch().num_rows
        assert rows == expected, rows
        status = Path(f"/proc/{process.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--replayed", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="k8s-inventory-bench-") as name, bench_setting(options.pods) as setting:
        folder = Path(name)
        plugin = install(build_wheel(folder), folder / "venv", extra="cloudquery") / "k8s-inventory-cloudquery"
        ratios = []
        for _ in range(options.rounds):
            floor = seconds(lambda: download(setting.cluster._pool()))
            start_up = cli_sync(folder, plugin, setting.kubeconfig, "k8s_custom_resources", 0)
            whole = cli_sync(folder, plugin, setting.kubeconfig, "k8s_pods", options.pods)
            ratios.append((whole - start_up) / floor)
            print(f"download {floor:.2f} s, start-up {start_up:.2f} s, sync {whole:.2f} s: {ratios[-1]:.2f}")
        print(f"sync beyond start-up, times the download: {statistics.median(ratios):.2f} (bound {TIME_BOUND})")
        recorded = [recorded_rows(folder, plugin, setting, 60) for _ in range(options.rounds)]
        rate, of_dicts = (statistics.median(each) for each in zip(*recorded, strict=True))
        print(f"recorded pages: {rate:,.0f} rows/s (bound {ROWS_BOUND:,})")
        print(f"their time, times that of decoding them to dicts: {of_dicts:.2f}")
        live = peak_memory(folder, plugin, setting.kubeconfig, options.pods)
        print(f"{options.pods:>7} pods: peak {live:.0f} MB (bound {MEMORY_BOUND_MB})")
        replayed = folder / "replay"
        replayed.write_text(json.dumps(Replay(setting.cluster, options.replayed).kubeconfig))
        peak = peak_memory(folder, plugin, replayed, options.replayed)
        print(f"{options.replayed:>7} pods: peak {peak:.0f} MB (bound {MEMORY_BOUND_MB})")


if __name__ == "__main__":
    main()
