"""What bad contexts cost the good ones: seconds until the last good one is done, beside them and without them.

    python -m bench.bad_contexts

20 contexts, of which five are bad in different ways: one refuses connections, one accepts them and says nothing, one
answers 503 with `Retry-After: 30` to everything, one sends a byte now and then, and one has an exec plugin that never
ends. The tasks are those of the plan, in its order, some at a time, as LocalExecutor has it.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from bench.setting import Setting, bench_setting
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run, Sync, Targets, select
from k8s_inventory.sync.configured import open_session
from tests.proxy import Answer, Proxy, dripping, streamed

GOOD = 15


@contextmanager
def _kubeconfig(setting: Setting) -> Iterator[Path]:
    """The bad contexts come first."""
    good = (setting.kubeconfig).read_text()
    folder = setting.kubeconfig.parent
    plugin = folder / "hang"
    plugin.write_text("#!/bin/sh\nexec sleep 3000\n")
    plugin.chmod(0o755)
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=100))
        storm, drip = (stack.enter_context(Proxy(setting.cluster)) for _ in range(2))
        storm.spoil = lambda path, real: Answer(503, b"", {"Retry-After": "30"})
        drip.spoil = lambda path, real: streamed(dripping(real.body[:1000], 1))
        servers = {
            "refusing": "https://127.0.0.1:1",
            "silent": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "storm": storm.url,
            "drip": drip.url,
        }
        yield _written(folder / "twenty", good, setting.cluster.server, servers, plugin)


def _written(path: Path, good: str, server: str, servers: dict[str, str], plugin: Path) -> Path:
    given = yaml.safe_load(good)
    cluster, user = given["clusters"][0]["cluster"], given["users"][0]["user"]
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    contexts = {name: ({"server": url}, user) for name, url in servers.items()}
    contexts["plugin"] = (cluster, {"exec": run})
    contexts |= {f"good-{number:02}": (cluster, user) for number in range(GOOD)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": each} for name, (each, _) in contexts.items()],
        "users": [{"name": name, "user": each} for name, (_, each) in contexts.items()],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts],
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def _run(path: Path, setting: Setting, slots: int, bound: float, run_id: str, *, bad: bool) -> float:
    """Seconds until the last good context was done."""
    settings = Settings.load({"context_timeout": bound, "credential_timeout": bound, "requests_per_second": 1000})
    contexts = kubeconfig_contexts(str(path))
    begun = time.monotonic()
    last = [0.0]

    def task(name: str, kinds: list[str]) -> None:
        targets = Targets(name, lambda: open_session(contexts[name], settings), [KINDS[kind] for kind in kinds])
        sync = Sync(
            [targets],
            run=Run(run_id),
            settings=settings,
            open_store=lambda: Store.connect(setting.database_url),
            kinds_at_once=settings.kinds_at_once,
        )
        outcomes = {str(each.outcome) for each in sync.results()}
        if name.startswith("good"):
            assert outcomes == {"complete"}, outcomes
            last[0] = max(last[0], time.monotonic() - begun)
        else:
            assert outcomes <= {"unreachable", "unauthorized"}, (name, outcomes)

    chosen = select(settings, [name for name in contexts if bad or name.startswith("good")])
    with ThreadPoolExecutor(slots) as pool:
        tasks = [each for each in chosen.tasks(most=1000) if each["kinds"]]
        for done in [pool.submit(task, each["context"], each["kinds"]) for each in tasks]:
            done.result()
    return last[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slots", type=int, default=8, help="tasks that run at a time")
    parser.add_argument("--bound", type=float, default=3, help="K8S_CONTEXT_TIMEOUT and K8S_CREDENTIAL_TIMEOUT")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with bench_setting(0) as setting, _kubeconfig(setting) as path:
        with Store.connect(setting.database_url) as store:
            store.migrate()
        slots, bound = options.slots, options.bound
        _run(path, setting, slots, bound, "first", bad=False)
        later = []
        for number in range(options.rounds):
            without = _run(path, setting, slots, bound, f"{number}-without", bad=False)
            beside = _run(path, setting, slots, bound, f"{number}-beside", bad=True)
            later.append((beside - without) / bound)
            print(f"good contexts alone {without:.1f} s, beside five bad ones {beside:.1f} s")
        print(f"they are done later by {statistics.median(later):.2f} times the bound of one context ({bound:.0f} s)")


if __name__ == "__main__":
    main()
