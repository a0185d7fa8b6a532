"""The screenshots of the documentation, of the two demo clusters: python -m docs.screenshots"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import yaml
from playwright.sync_api import Page

from quickstart import demo, embedded
from quickstart.places import CLUSTERS
from tests.cluster import Cluster, Rejected
from tests.cluster.cluster import free_ports
from tests.e2e.airflow_home import AirflowHome
from tests.e2e.page_server import PageServer, chromium, page_server

FOLDER = Path(__file__).parent / "screenshots"
SIZE = {"width": 1440, "height": 810}
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"


@contextmanager
def served(folder: Path) -> Iterator[tuple[PageServer, str]]:
    """The page, and the URL of the database that it reads, after two runs between which something changed."""
    server = embedded.start(folder / "postgres")
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            for name in ("airflow", "inventory"):
                connection.execute(f"CREATE DATABASE {name}".encode())
        inventory = server.url("inventory")
        env = {"KUBECONFIG": _with_a_dead_one(demo.start(), folder), "DATABASE_URL": inventory, "K8S_RETRIES": "0"}
        airflow = AirflowHome.make(folder / "airflow", database=server.url("airflow"), **env)
        airflow.test_dag()
        _change(Cluster.load(CLUSTERS / "demo-east"))
        airflow.test_dag()
        (port,) = free_ports(1)
        with page_server(folder, database=server.url("airflow"), inventory=inventory, port=port) as page:
            yield page, inventory
    finally:
        embedded.stop(server.data)


def _with_a_dead_one(path: str, folder: Path) -> str:
    """The demo's kubeconfig and one context more, whose cluster does not answer."""
    config = yaml.safe_load(Path(path).read_text())
    config["clusters"].append({"name": "demo-north", "cluster": {"server": "https://127.0.0.1:1"}})
    context = {"cluster": "demo-north", "user": config["contexts"][0]["context"]["user"]}
    config["contexts"].append({"name": "demo-north", "context": context})
    copied = folder / "kubeconfig"
    copied.write_text(yaml.safe_dump(config))
    return str(copied)


def _change(cluster: Cluster) -> None:
    now = cluster.request("GET", f"{DEPLOYMENTS}/web")["spec"]["replicas"]
    image = {"name": "main", "image": f"registry.example/shop/web:1.{4 if now == 3 else 5}"}
    template = {"spec": {"containers": [image]}}
    cluster.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 4 if now == 3 else 3, "template": template}})
    with suppress(Rejected):  # it is gone from an earlier time
        cluster.delete(f"{DEPLOYMENTS}/cart")


def main() -> None:
    os.umask(0o077)
    FOLDER.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="k8s-inventory-shots-"))
    try:
        with served(folder) as (server, inventory), chromium() as browser:
            with psycopg.connect(inventory) as connection:
                query = "SELECT uid FROM k8s_deployments WHERE context_name = 'demo-east' AND name = 'web'"
                ((uid,),) = connection.execute(query).fetchall()
                query = (
                    "SELECT max(finished_at) FROM k8s_sync_runs WHERE run_id = (SELECT min(run_id) FROM k8s_sync_runs)"
                )
                ((before,),) = connection.execute(query).fetchall()
            context = browser.new_context(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
            context.add_cookies([{"name": "_token", "value": server.token("admin"), "url": server.root}])
            page = context.new_page()
            _shoot(page, f"{server.root}/plugin/inventory", "airflow", framed=True)
            at = before.isoformat().replace("+00:00", "Z")
            for name, path in {
                "coverage": "/coverage/kinds?context=demo-east&family=workloads",
                "search": "/search?kind=pods",
                "object": f"/object?context=demo-east&kind=deployments&uid={uid}",
                "changes": "/changes?kind=deployments",
                "compare": f"/compare?left=demo-east&left_at={at}&kind=deployments",
                "answers": "/answers",
                "answer": "/answers/rbac/who_can_read_secrets",
            }.items():
                _shoot(page, f"{server.url}{path}", name)
            context = browser.new_context(viewport=SIZE, color_scheme="dark")  # type: ignore[arg-type]
            context.add_cookies([{"name": "_token", "value": server.token("admin"), "url": server.root}])
            _shoot(context.new_page(), f"{server.root}/plugin/inventory", "airflow_dark", framed=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _shoot(page: Page, address: str, name: str, *, framed: bool = False) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    if framed:
        frame = page.frame_locator("iframe")
        frame.get_by_role("row", name="demo-east").locator("a.cell").first.click()
        frame.get_by_role("region", name="Kinds").wait_for()
        page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")
    print(f"docs/screenshots/{name}.png", flush=True)


if __name__ == "__main__":
    main()
