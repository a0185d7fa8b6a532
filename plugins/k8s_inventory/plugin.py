"""What Airflow loads as a plugin: the link from a mapped task to its run's report, the notes of runs, and the inventory
page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from k8s_inventory.operators.notes import RunNotes
from k8s_inventory.operators.sync import ReportLink

PREFIX = "k8s_inventory"


class InventoryPage:
    """The page's app, imported when it is first asked for: schedulers and workers load plugins, too."""

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        from k8s_inventory.web.app import app

        await app(scope, receive, send)


class K8sInventoryPlugin(AirflowPlugin):
    name = "k8s_inventory"
    operator_extra_links: ClassVar[list[object]] = [ReportLink()]
    listeners: ClassVar[list[object]] = [RunNotes()]
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [
        {"app": InventoryPage(), "url_prefix": f"/{PREFIX}", "name": "Kubernetes inventory"}
    ]
    # Relative to the page's base, which Airflow sets to its own root: it need not be that of the host.
    external_views: ClassVar[list[dict[str, Any]]] = [
        {
            "name": "Inventory",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": "inventory",
            "icon": f"{PREFIX}/static/icon.svg",
            "icon_dark_mode": f"{PREFIX}/static/icon_dark.svg",
            "nav_top_level": True,
        },
        {
            "name": "Inventory",
            "href": f"{PREFIX}/run?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "inventory_run",
        },
    ]
