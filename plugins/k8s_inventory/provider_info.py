"""What Airflow shows of this package among its providers."""

from __future__ import annotations

from typing import Any

from k8s_inventory import __version__


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata: https://airflow.apache.org/docs/apache-airflow-providers/howto/create-custom-providers.html"""
    return {
        "package-name": "k8s-inventory",
        "name": "k8s-inventory",
        "description": "An exact SQL inventory of Kubernetes clusters in PostgreSQL.",
        "versions": [__version__],
        "extra-links": ["k8s_inventory.operators.sync.ReportLink"],
    }
