"""What this Airflow is called in an inventory that others write, too."""

from __future__ import annotations

import logging
from uuid import uuid4

from airflow.sdk import Variable

from k8s_inventory.printable import printable
from k8s_inventory.settings import Settings
from k8s_inventory.tracebacks import without_texts

log = logging.getLogger(__name__)

VARIABLE = "k8s_inventory_source"
"""It is kept by Airflow's own database, so it outlives pods and workers, and no other Airflow has the same."""


def source_name(settings: Settings) -> str | None:
    """The setting, or the Airflow Variable, which is made where there is none; None where none can be had."""
    if settings.source_name:
        return settings.source_name
    try:
        name = str(Variable.get(VARIABLE, default=None) or "").strip()
        if not name:
            name = f"airflow-{uuid4().hex[:12]}"
            Variable.set(VARIABLE, name, description="What this Airflow is called in k8s_clusters.sources")
    except Exception as error:
        log.warning("the Airflow Variable %s can not be had", VARIABLE, exc_info=without_texts(error))
        return None
    return printable(name)[:200]
