"""WHAT: the registry of resource kinds. Each is declared once, as data; see `declaration`."""

from k8s_inventory.kinds import access, admission, cluster, config, devices, networking, storage, workloads
from k8s_inventory.kinds.custom import CUSTOM_OBJECTS
from k8s_inventory.kinds.declaration import Column, Kind, PrinterColumn
from k8s_inventory.kinds.paths import ApiPath

FAMILIES: dict[str, tuple[Kind, ...]] = {
    "workloads": workloads.KINDS,
    "config": config.KINDS,
    "networking": networking.KINDS,
    "storage": storage.KINDS,
    "access": access.KINDS,
    "admission": admission.KINDS,
    "cluster": cluster.KINDS,
    "devices": devices.KINDS,
}

KINDS: dict[str, Kind] = {kind.name: kind for kinds in FAMILIES.values() for kind in kinds}

TABLES: tuple[Kind, ...] = (*KINDS.values(), CUSTOM_OBJECTS)
"""One kind a table: those that are declared, and the one that stands for all others."""

NAMES: dict[str, Kind] = {alias: kind for kind in KINDS.values() for alias in kind.aliases}
"""Every spelling that a user may choose a kind by: `pods`, `pod`, `po`, `deployments.apps` ..."""


def is_declared(kind: Kind) -> bool:
    """Whether its objects are those of a declared kind: they are read by the declaration then, and never without it,
    which would store what the declaration keeps out."""
    return (f"{kind.plural}.{kind.group}" if kind.group else kind.plural) in NAMES


__all__ = [
    "CUSTOM_OBJECTS",
    "FAMILIES",
    "KINDS",
    "NAMES",
    "TABLES",
    "ApiPath",
    "Column",
    "Kind",
    "PrinterColumn",
    "is_declared",
]
