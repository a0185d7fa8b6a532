"""What Airflow loads as a plugin: the link from a mapped task to its run's report."""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from k8s_inventory.operators.sync import ReportLink


class K8sInventoryPlugin(AirflowPlugin):
    name = "k8s_inventory"
    operator_extra_links: ClassVar[list[object]] = [ReportLink()]
