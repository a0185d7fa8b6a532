"""What a column's value is computed from, where it is no plain field of the object.

Each function takes the decoded object (or, for a column with a path, the value there) and returns
the column's value. Names are those that the declarations in `kinds` use.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from k8s_inventory.collector.display_status import (
    condition,
    csr_display_condition,
    holds,
    job_display_status,
    node_display_status,
    pod_summary,
    volume_display_status,
)
from k8s_inventory.collector.pod_resources import pod_resources
from k8s_inventory.collector.quantities import as_json, quantities, quantity
from k8s_inventory.collector.redaction import drop_last_applied

Conversion = Callable[[Any], Any]


def service_external_addresses(service: Any) -> list[str]:
    """The rule of `getServiceExternalIP` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    spec = service.spec
    if spec.type == "ExternalName":
        return [spec.external_name] if spec.external_name else []
    balancers: set[str] = set()
    if spec.type == "LoadBalancer":
        balancers = {each.ip or each.hostname for each in service.status.load_balancer.ingress or ()} - {None, ""}
    return sorted(balancers) + (spec.external_ips or [])


class ConfigMapKeys(NamedTuple):
    number: int
    names: list[str]
    sizes: bytes


_objects = msgspec.json.Decoder(list[dict[str, Any]] | None)
_texts = msgspec.json.Decoder(dict[str, str] | None)


def config_map_keys(config_map: Any) -> ConfigMapKeys:
    sizes = {name: len(value.encode()) for name, value in (_texts.decode(config_map.data) or {}).items()}
    for name, value in (_texts.decode(config_map.binary_data) or {}).items():
        sizes[name] = len(value) * 3 // 4 - value.count("=")
    names = sorted(sizes)
    return ConfigMapKeys(len(names), names, msgspec.json.encode({name: sizes[name] for name in names}))


def config_map_digests(key: bytes | None, config_map: Any) -> bytes:
    """HMAC-SHA256 of each key's value, hexadecimal; an empty object without a key to make them with."""
    if key is None:
        return b"{}"
    values = {name: value.encode() for name, value in (_texts.decode(config_map.data) or {}).items()}
    values |= {name: b64decode(value) for name, value in (_texts.decode(config_map.binary_data) or {}).items()}
    return msgspec.json.encode(
        {name: hmac.digest(key, value, "sha256").hex() for name, value in sorted(values.items())}
    )


class Subjects(NamedTuple):
    users: list[str]
    groups: list[str]
    service_accounts: list[str]


def subjects(binding: Any) -> Subjects:
    of_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for each in _objects.decode(binding.subjects) or ():
        kind, name = each["kind"], each["name"]
        of_kind.setdefault(kind, []).append(f"{each['namespace']}/{name}" if kind == "ServiceAccount" else name)
    return Subjects(of_kind["User"], of_kind["Group"], of_kind["ServiceAccount"])


def storage_class_name(volume: Any) -> Any:
    """The annotation of Kubernetes before 1.6 wins, as it does for the API server's own printer."""
    annotations = _texts.decode(volume.metadata.annotations) or {}
    return annotations.get("volume.beta.kubernetes.io/storage-class", volume.spec.storage_class_name)


def is_default_class(storage_class: Any) -> bool:
    annotations = _texts.decode(storage_class.metadata.annotations) or {}
    keys = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
    return any(annotations.get(key) == "true" for key in keys)


def resource_claim_state(claim: Any) -> str:
    """The rule of `resourceClaimState` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    states = {
        "deleted": claim.metadata.deletion_timestamp is not None,
        "allocated": claim.status.allocation is not None,
        "reserved": bool(_objects.decode(claim.status.reserved_for)),
    }
    return ",".join(state for state, holds in states.items() if holds) or "pending"


def node_roles(node: Any) -> list[str]:
    """The rule of `findNodeRoles` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    prefix = "node-role.kubernetes.io/"
    labels = _texts.decode(node.metadata.labels) or {}
    roles = {name.removeprefix(prefix) for name in labels if name.startswith(prefix)}
    return sorted((roles | {labels.get("kubernetes.io/role", "")}) - {""})


def _node_address(node: Any, of_type: str) -> str | None:
    return next((each.address for each in node.status.addresses or () if each.type == of_type), None)


class Controller(NamedTuple):
    kind: str | None
    group: str | None
    name: str | None


def controller(item: Any) -> Controller:
    for owner in _objects.decode(item.metadata.owner_references) or ():
        if owner.get("controller"):
            return Controller(owner["kind"], owner["apiVersion"].rpartition("/")[0], owner["name"])
    return Controller(None, None, None)


MOST_ADDRESSES = 10_000
"""Kubernetes itself keeps no more than 1000 in Endpoints; but who may write them can have as many pairs as he likes."""


def endpoint_addresses(endpoints: Any) -> list[str]:
    found = _endpoint_addresses(_objects.decode(endpoints.subsets) or ())
    return list(islice(found, MOST_ADDRESSES))


def _endpoint_addresses(subsets: Any) -> Iterator[str]:
    for subset in subsets:
        addresses = [each["ip"] for each in subset.get("addresses") or ()]
        ports = [each["port"] for each in subset.get("ports") or ()]
        yield from (f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for port in ports for ip in addresses)
        yield from () if ports else addresses


def ingress_services(ingress: Any) -> list[str]:
    routes = [rule.get("http") or {} for rule in _objects.decode(ingress.spec.rules) or ()]
    backends = [path["backend"].get("service") or {} for route in routes for path in route.get("paths") or ()]
    names = [ingress.spec.default_backend.service.name, *(each.get("name") for each in backends)]
    return list(dict.fromkeys(name for name in names if name))


def _objects_at(path: str, field: str) -> Conversion:
    """The values of one field in a list of objects, those that have one, each once."""
    get = attrgetter(path)
    return lambda item: list(dict.fromkeys(each[field] for each in _objects.decode(get(item)) or () if each.get(field)))


def _int_or_string(path: str) -> Conversion:
    """IntOrString of k8s.io/apimachinery, as text."""
    get = attrgetter(path)

    def text(item: Any) -> str | None:
        value = msgspec.json.decode(get(item))
        return None if value is None else str(value)

    return text


class NodeAmounts(NamedTuple):
    cpu: Decimal | None
    memory: Decimal | None
    ephemeral_storage: Decimal | None
    pods: Decimal | None


def _node_amounts(raw: msgspec.Raw) -> NodeAmounts:
    numbers = quantities(bytes(raw))
    return NodeAmounts(*map(numbers.get, ("cpu", "memory", "ephemeral-storage", "pods")))


class EventTimes(NamedTuple):
    first_seen: datetime | None
    last_seen: datetime | None
    times: int


def event_times(event: Any) -> EventTimes:
    """The rule of `printEvent` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    first = event.first_timestamp or event.event_time
    if event.series is not None:
        return EventTimes(first, event.series.last_observed_time, event.series.count or 0)
    return EventTimes(first, event.last_timestamp or first, event.count or 1)


def webhook_services(configuration: Any) -> list[str]:
    services = (each.client_config.service for each in configuration.webhooks or ())
    return list(dict.fromkeys(f"{each.namespace}/{each.name}" for each in services if each.name))


def priority_level_shares(level: Any) -> int | None:
    limited, exempt = level.spec.limited, level.spec.exempt
    shares = (limited.nominal_concurrency_shares, limited.assured_concurrency_shares, exempt.nominal_concurrency_shares)
    return next((each for each in shares if each is not None), None)


def _condition_part(of_type: str, part: str) -> Conversion:
    return lambda item: getattr(condition(item, of_type), part, None)


_LONGEST_NAME = 500
"""Characters: names of RBAC have no bound, and an index of PostgreSQL takes 2,704 bytes."""


def name(text: str | None) -> str:
    """A name, as it is stored. One that is not stored whole ends in U+FFFD, and is never asked for."""
    if text is None or len(text) <= _LONGEST_NAME:
        return text or ""
    return f"{text[:_LONGEST_NAME]}\ufffd"


def object_or_empty(raw: msgspec.Raw) -> bytes:
    value = bytes(raw)
    return b"{}" if value == b"null" else value


def array_or_empty(raw: msgspec.Raw) -> bytes:
    value = bytes(raw)
    return b"[]" if value == b"null" else value


def _names(containers: Any) -> list[str]:
    return [each.name or "" for each in containers or ()]


def _images(containers: Any) -> list[str]:
    return [each.image or "" for each in containers or ()]


CONVERSIONS: dict[str, Conversion] = {
    "account_secrets": lambda account: _names(account.secrets),
    "api_service_available": _condition_part("Available", "status"),
    "api_service_reason": _condition_part("Available", "reason"),
    "annotations": lambda raw: drop_last_applied(object_or_empty(raw)),
    "array": array_or_empty,
    "config_map_keys": config_map_keys,
    "container_count": lambda pod: len(pod.spec.containers or ()),
    "container_names": lambda pod: _names(pod.spec.containers),
    "count": lambda value: value or 0,
    "crd_established": lambda crd: holds(crd, "Established"),
    "crd_served_versions": lambda crd: [each.name for each in crd.spec.versions or () if each.served],
    "crd_storage_version": lambda crd: next((each.name for each in crd.spec.versions or () if each.storage), None),
    "controller": controller,
    "cron_job_active": lambda cron_job: len(cron_job.status.active or ()),
    "cron_job_container_names": lambda cron_job: _names(cron_job.spec.job_template.spec.template.spec.containers),
    "cron_job_images": lambda cron_job: _images(cron_job.spec.job_template.spec.template.spec.containers),
    "csi_node_driver_count": lambda node: len(node.spec.drivers or ()),
    "csi_node_driver_names": lambda node: _names(node.spec.drivers),
    "csr_display_condition": csr_display_condition,
    "device_names": lambda device_slice: _names(device_slice.spec.devices),
    "device_request_names": lambda claim: _names(claim.spec.devices.requests),
    "endpoint_addresses": endpoint_addresses,
    "event_component": lambda event: event.source.component or event.reporting_component or None,
    "event_host": lambda event: event.source.host or (None if event.source.component else event.reporting_instance),
    "event_times": event_times,
    "flag": lambda value: bool(value),
    "flow_schema_dangling": _condition_part("Dangling", "status"),
    "image_pull_secrets": lambda account: _names(account.image_pull_secrets),
    "images": lambda pod: _images(pod.spec.containers),
    "ingress_addresses": lambda ingress: [
        address for each in ingress.status.load_balancer.ingress or () if (address := each.ip or each.hostname)
    ],
    "ingress_has_tls": lambda ingress: bool(_objects.decode(ingress.spec.tls)),
    "ingress_hosts": _objects_at("spec.rules", "host"),
    "ingress_secrets": _objects_at("spec.tls", "secretName"),
    "ingress_services": ingress_services,
    "init_images": lambda pod: _images(pod.spec.init_containers),
    "is_default_class": is_default_class,
    "job_display_status": job_display_status,
    "limit_types": lambda limit_range: [each["type"] for each in _objects.decode(limit_range.spec.limits) or ()],
    "max_unavailable": _int_or_string("spec.max_unavailable"),
    "min_available": _int_or_string("spec.min_available"),
    "mutation_count": lambda policy: len(policy.spec.mutations or ()),
    "name": name,
    "node_allocatable": lambda node: _node_amounts(node.status.allocatable),
    "node_capacity": lambda node: _node_amounts(node.status.capacity),
    "node_display_status": node_display_status,
    "node_external_ip": lambda node: _node_address(node, "ExternalIP"),
    "node_internal_ip": lambda node: _node_address(node, "InternalIP"),
    "node_roles": node_roles,
    "object": object_or_empty,
    "pod_ips": lambda pod: [each.ip for each in pod.status.pod_ips or () if each.ip],
    "pod_resources": pod_resources,
    "pod_template_container_names": lambda template: _names(template.template.spec.containers),
    "pod_template_images": lambda template: _images(template.template.spec.containers),
    "pod_summary": pod_summary,
    "priority_level_shares": priority_level_shares,
    "quantities": lambda raw: as_json(quantities(bytes(raw))),
    "quantity": lambda text: None if text is None else quantity(text),
    "resource_claim_state": resource_claim_state,
    "service_external_addresses": service_external_addresses,
    "slice_addresses": lambda endpoint_slice: [
        address for each in endpoint_slice.endpoints or () for address in each.addresses or ()
    ],
    "slice_service_name": lambda endpoint_slice: (_texts.decode(endpoint_slice.metadata.labels) or {}).get(
        "kubernetes.io/service-name"
    ),
    "storage_class_name": storage_class_name,
    "subjects": subjects,
    "template_container_names": lambda workload: _names(workload.spec.template.spec.containers),
    "template_images": lambda workload: _images(workload.spec.template.spec.containers),
    "token_audiences": lambda driver: [each.audience or "" for each in driver.spec.token_requests or ()],
    "validation_count": lambda policy: len(policy.spec.validations or ()),
    "volume_display_status": volume_display_status,
    "webhook_count": lambda configuration: len(configuration.webhooks or ()),
    "webhook_failure_policies": lambda configuration: [
        each.failure_policy or "" for each in configuration.webhooks or ()
    ],
    "webhook_names": lambda configuration: _names(configuration.webhooks),
    "webhook_services": webhook_services,
}
