"""The cells of kubectl's tables, composed from our columns, for every declared kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
Cell = Callable[[Row], object]

SHORT = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
"""In the order of kubectl, which shows each once, and no others."""


def days_since(moment: datetime | None, *, unknown: str = "<unknown>") -> str:
    return f"{(datetime.now(UTC) - moment).days}d" if moment else unknown


def joined(values: list[str] | None, *, empty: str = "<none>", by: str = ",") -> str:
    return by.join(values or []) or empty


def text(column: str, empty: str = "<none>") -> Cell:
    return lambda row: row[column] if row[column] not in (None, "") else empty


def number(column: str) -> Cell:
    return lambda row: row[column]


def boolean(column: str, empty: str = "<unset>") -> Cell:
    return lambda row: empty if row[column] is None else str(row[column]).lower()


def _amounts(row: Row, of_limits: bool) -> str:
    names = sorted(name for name in row["hard"] if name.startswith("limits.") is of_limits)
    return ", ".join(f"{name}: {row['used'].get(name, '0')}/{row['hard'][name]}" for name in names)


def _modes(row: Row) -> str:
    return ",".join(short for mode, short in SHORT.items() if mode in row["access_modes"])


def _of_bound(cell: Cell) -> Cell:
    return lambda row: cell(row) if row["volume_name"] else ""


def _pair(first: str, second: str, *, empty: str = "<unset>", by: str = "/") -> Cell:
    return lambda row: f"{row[first]}{by}{row[second]}" if row[second] else empty


def _after(sign: str, value: str | None) -> str:
    return sign + value if value else ""


def _kernel(row: Row) -> str:
    kernel = row["kernel_version"] or "<unknown>"
    return f"{kernel} ({row['architecture']})" if row["architecture"] else kernel


def labels(values: Row) -> str:
    return joined([f"{key}={value}" for key, value in sorted(values.items())])


def _first_three(values: list[str], empty: str) -> str:
    more = f" + {len(values) - 3} more..." if len(values) > 3 else ""
    return joined(values[:3], empty=empty) + more


def _controller(row: Row) -> str:
    if row["controller_name"] is None:
        return "<none>"
    kind = ".".join(filter(None, (row["controller_kind"].lower(), row["controller_group"])))
    return f"{kind}/{row['controller_name']}"


def _targets(row: Row) -> str:
    """For metrics of the utilization of a resource; kubectl goes by their places in the two lists."""
    parts = []
    for index, metric in enumerate(each["resource"] for each in row["metrics"]):
        current = row["current_metrics"][index].get("resource", {}) if index < len(row["current_metrics"]) else {}
        now = current.get("current", {}).get("averageUtilization")
        shown = "<unknown>" if now is None else f"{now}%"
        parts.append(f"{metric['name']}: {shown}/{metric['target']['averageUtilization']}%")
    return ", ".join(parts)


def _parameters(row: Row) -> str:
    found = row["parameters"]
    kind = ".".join(filter(None, (found["kind"], found.get("apiGroup")))) if found else ""
    return f"{kind}/{found['name']}" if found else "<none>"


def _parent(row: Row) -> str:
    named = ".".join(filter(None, (row["parent_resource"], row["parent_group"])))
    resource = "".join(each.lower()[0] for each in named)  # as Go does: each letter is one
    return "/".join(filter(None, (resource, row["parent_namespace"], row["parent_name"])))


NAME: dict[str, Cell] = {"Name": number("name")}
_BINDING: dict[str, Cell] = {
    **NAME,
    "Role": _pair("role_kind", "role_name"),
    "Users": lambda row: joined(row["users"], empty="", by=", "),
    "Groups": lambda row: joined(row["groups"], empty="", by=", "),
    "ServiceAccounts": lambda row: joined(row["service_accounts"], empty="", by=", "),
}
_PARAM_KIND = _pair("param_api_version", "param_kind")
_POLICY_BINDING: dict[str, Cell] = {
    **NAME,
    "PolicyName": number("policy_name"),
    "ParamRef": lambda row: (
        f"{row['param_ref_namespace'] or '*'}/{row['param_ref_name']}" if row["param_ref_name"] else "<unset>"
    ),
}
_WEBHOOKS: dict[str, Cell] = {**NAME, "Webhooks": number("webhook_count")}

CELLS: dict[str, dict[str, Cell]] = {
    "configmaps": {**NAME, "Data": number("key_count")},
    "secrets": {**NAME, "Type": number("type"), "Data": number("key_count")},
    "replicationcontrollers": {
        **NAME,
        "Desired": number("replicas"),
        "Current": number("current_replicas"),
        "Ready": number("ready_replicas"),
        "Containers": lambda row: joined(row["container_names"]),
        "Images": lambda row: joined(row["images"]),
        "Selector": lambda row: labels(row["selector"]),
    },
    "podtemplates": {
        **NAME,
        "Containers": lambda row: joined(row["container_names"]),
        "Images": lambda row: joined(row["images"]),
        "Pod Labels": lambda row: labels(row["pod_labels"]),
    },
    "controllerrevisions": {**NAME, "Controller": _controller, "Revision": number("revision")},
    "horizontalpodautoscalers": {
        **NAME,
        "Reference": _pair("target_kind", "target_name"),
        "Targets": _targets,
        "MinPods": lambda row: "<unset>" if row["min_replicas"] is None else str(row["min_replicas"]),
        "MaxPods": number("max_replicas"),
        "Replicas": number("current_replicas"),
    },
    "poddisruptionbudgets": {
        **NAME,
        "Min Available": text("min_available", "N/A"),
        "Max Unavailable": text("max_unavailable", "N/A"),
        "Allowed Disruptions": number("disruptions_allowed"),
    },
    "endpoints": {**NAME, "Endpoints": lambda row: _first_three(row["addresses"], "<none>")},
    "endpointslices": {
        **NAME,
        "AddressType": number("address_type"),
        "Ports": lambda row: _first_three(
            [str(port.get("port", port.get("name", "*"))) for port in row["ports"]], "<unset>"
        ),
        "Endpoints": lambda row: _first_three(row["addresses"], "<unset>"),
    },
    "ingresses": {
        **NAME,
        "Class": text("ingress_class_name"),
        "Hosts": lambda row: joined(row["hosts"], empty="*"),
        "Address": lambda row: joined(row["addresses"], empty=""),
        "Ports": lambda row: "80, 443" if row["has_tls"] else "80",
    },
    "ingressclasses": {**NAME, "Controller": number("controller"), "Parameters": _parameters},
    "networkpolicies": {
        **NAME,
        "Pod-Selector": lambda row: labels(row["pod_selector"].get("matchLabels", {})),
    },
    "servicecidrs": {**NAME, "CIDRs": lambda row: joined(row["cidrs"])},
    "ipaddresses": {**NAME, "ParentRef": _parent},
    "resourcequotas": {
        **NAME,
        "Request": lambda row: _amounts(row, of_limits=False),
        "Limit": lambda row: _amounts(row, of_limits=True),
    },
    "limitranges": NAME,
    "priorityclasses": {
        **NAME,
        "Value": number("value"),
        "Global-Default": number("global_default"),
        "PreemptionPolicy": text("preemption_policy"),
    },
    "leases": {**NAME, "Holder": text("holder_identity", "")},
    "serviceaccounts": NAME,
    "roles": NAME,
    "clusterroles": NAME,
    "rolebindings": _BINDING,
    "clusterrolebindings": _BINDING,
    "certificatesigningrequests": {
        **NAME,
        "SignerName": text("signer_name"),
        "Requestor": number("username"),
        "RequestedDuration": text("expiration_seconds"),
        "Condition": number("display_condition"),
    },
    "persistentvolumes": {
        **NAME,
        "Capacity": number("capacity"),
        "Access Modes": _modes,
        "Reclaim Policy": number("reclaim_policy"),
        "Status": number("display_status"),
        "Claim": lambda row: (
            f"{row['claim_namespace'] or ''}/{row['claim_name'] or ''}" if "claimRef" in row["spec"] else ""
        ),
        "StorageClass": text("storage_class_name", ""),
        "VolumeAttributesClass": text("volume_attributes_class_name", "<unset>"),
        "Reason": text("reason", ""),
        "VolumeMode": text("volume_mode", "<unset>"),
    },
    "persistentvolumeclaims": {
        **NAME,
        "Status": number("display_status"),
        "Volume": text("volume_name", ""),
        "Capacity": _of_bound(lambda row: row["capacity"] or "0"),
        "Access Modes": _of_bound(_modes),
        "StorageClass": text("storage_class_name", ""),
        "VolumeAttributesClass": text("volume_attributes_class_name", "<unset>"),
        "VolumeMode": text("volume_mode", "<unset>"),
    },
    "storageclasses": {
        "Name": lambda row: f"{row['name']} (default)" if row["is_default"] else row["name"],
        "Provisioner": number("provisioner"),
        "ReclaimPolicy": number("reclaim_policy"),
        "VolumeBindingMode": number("volume_binding_mode"),
        "AllowVolumeExpansion": number("allow_volume_expansion"),
    },
    "volumeattributesclasses": {**NAME, "DriverName": number("driver_name")},
    "volumeattachments": {
        **NAME,
        "Attacher": number("attacher"),
        "PV": text("persistent_volume_name", ""),
        "Node": number("node_name"),
        "Attached": number("attached"),
    },
    "csidrivers": {
        **NAME,
        "AttachRequired": number("attach_required"),
        "PodInfoOnMount": number("pod_info_on_mount"),
        "StorageCapacity": number("storage_capacity"),
        "TokenRequests": lambda row: ",".join(row["token_audiences"]) if row["token_audiences"] else "<unset>",
        "RequiresRepublish": number("requires_republish"),
        "Modes": lambda row: joined(row["volume_lifecycle_modes"]),
    },
    "csinodes": {**NAME, "Drivers": number("driver_count")},
    "csistoragecapacities": NAME,
    "validatingwebhookconfigurations": _WEBHOOKS,
    "mutatingwebhookconfigurations": _WEBHOOKS,
    "validatingadmissionpolicies": {**NAME, "Validations": number("validation_count"), "ParamKind": _PARAM_KIND},
    "validatingadmissionpolicybindings": _POLICY_BINDING,
    "mutatingadmissionpolicies": {**NAME, "Mutations": number("mutation_count"), "ParamKind": _PARAM_KIND},
    "mutatingadmissionpolicybindings": _POLICY_BINDING,
    "nodes": {
        **NAME,
        "Status": number("display_status"),
        "Roles": lambda row: joined(row["roles"]),
        "Version": number("kubelet_version"),
        "Internal-IP": lambda row: "<none>" if row["internal_ip"] is None else row["internal_ip"],
        "External-IP": lambda row: "<none>" if row["external_ip"] is None else row["external_ip"],
        "OS-Image": text("os_image", "<unknown>"),
        "Kernel-Version": _kernel,
        "Container-Runtime": text("container_runtime_version", "<unknown>"),
    },
    "events": {
        **NAME,
        "Last Seen": lambda row: days_since(row["last_seen_at"]),
        "Type": text("type", ""),
        "Reason": text("reason", ""),
        "Object": lambda row: (row["involved_kind"] or "").lower() + _after("/", row["involved_name"]),
        "Subobject": text("involved_field_path", ""),
        "Source": lambda row: (row["source_component"] or "") + _after(", ", row["source_host"]),
        "Message": lambda row: (row["message"] or "").strip(),
        "First Seen": lambda row: days_since(row["first_seen_at"]),
        "Count": number("count"),
    },
    "apiservices": {
        **NAME,
        "Service": _pair("service_namespace", "service_name", empty="Local"),
        "Available": lambda row: (
            "True" if row["available"] == "True" else f"{row['available']} ({row['available_reason']})"
        ),
    },
    "runtimeclasses": {**NAME, "Handler": number("handler")},
    "flowschemas": {
        **NAME,
        "PriorityLevel": number("priority_level_name"),
        "MatchingPrecedence": number("matching_precedence"),
        "DistinguisherMethod": text("distinguisher_method"),
        "MissingPL": text("dangling", "?"),
    },
    "prioritylevelconfigurations": {
        **NAME,
        "Type": number("type"),
        "NominalConcurrencyShares": lambda row: (
            "<none>" if row["type"] == "Exempt" else row["nominal_concurrency_shares"]
        ),
        "Queues": text("queues"),
        "HandSize": text("hand_size"),
        "QueueLengthLimit": text("queue_length_limit"),
    },
    "resourceclaims": {**NAME, "State": number("display_state")},
    "resourceclaimtemplates": NAME,
    "resourceslices": {
        **NAME,
        "Node": text("node_name"),
        "Driver": number("driver"),
        "Pool": number("pool_name"),
    },
    "deviceclasses": NAME,
}


def label_selector(selector: Row) -> str:
    """As `labels.Selector.String()` writes it."""
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or []:
        key, values = each["key"], ",".join(sorted(each.get("values") or []))
        forms = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        parts.append((key, forms[each["operator"]]))
    return ",".join(text for _, text in sorted(parts))


def ports(row: Row) -> str:
    def one(port: Row) -> str:
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        return f"{port['port']}{node_port}/{port['protocol']}"

    return joined([one(port) for port in row["ports"]])


def external(row: Row) -> str:
    return joined(row["external_addresses"], empty="<pending>" if row["type"] == "LoadBalancer" else "<none>")


def gates(row: Row) -> str:
    total = row["readiness_gates_total"]
    return f"{row['readiness_gates_ready']}/{total}" if total else "<none>"


def completions(row: Row) -> str:
    if row["completions"] is not None:
        return f"{row['succeeded']}/{row['completions']}"
    return f"{row['succeeded']}/1 of {row['parallelism']}" if row["parallelism"] > 1 else f"{row['succeeded']}/1"


def duration(row: Row) -> str:
    if row["start_time"] is None:
        return ""
    if row["completion_time"] is None:
        return days_since(row["start_time"])
    return f"{(row['completion_time'] - row['start_time']).seconds // 60}m"


COMPOSED: dict[str, dict[str, Callable[[Row], object]]] = {
    "namespaces": {"Name": lambda row: row["name"], "Status": lambda row: row["phase"]},
    "pods": {
        "Name": lambda row: row["name"],
        "Ready": lambda row: f"{row['ready_containers']}/{row['total_containers']}",
        "Status": lambda row: row["display_status"] or "",
        "Restarts": lambda row: str(row["restarts"]),
        "IP": lambda row: (row["pod_ips"] or [row["pod_ip"]])[0] or "<none>",
        "Node": lambda row: row["node_name"] or "<none>",
        "Nominated Node": lambda row: row["nominated_node_name"] or "<none>",
        "Readiness Gates": gates,
    },
    "deployments": {
        "Name": lambda row: row["name"],
        "Ready": lambda row: f"{row['ready_replicas']}/{row['replicas']}",
        "Up-to-date": lambda row: row["updated_replicas"],
        "Available": lambda row: row["available_replicas"],
        "Containers": lambda row: joined(row["container_names"]),
        "Images": lambda row: joined(row["images"]),
        "Selector": lambda row: label_selector(row["selector"]),
    },
    "replicasets": {
        "Name": lambda row: row["name"],
        "Desired": lambda row: row["replicas"],
        "Current": lambda row: row["current_replicas"],
        "Ready": lambda row: row["ready_replicas"],
        "Containers": lambda row: joined(row["container_names"]),
        "Images": lambda row: joined(row["images"]),
        "Selector": lambda row: label_selector(row["selector"]),
    },
    "statefulsets": {
        "Name": lambda row: row["name"],
        "Ready": lambda row: f"{row['ready_replicas']}/{row['replicas']}",
        "Containers": lambda row: joined(row["container_names"]),
        "Images": lambda row: joined(row["images"]),
    },
    "daemonsets": {
        "Name": lambda row: row["name"],
        "Desired": lambda row: row["desired_number_scheduled"],
        "Current": lambda row: row["current_number_scheduled"],
        "Ready": lambda row: row["number_ready"],
        "Up-to-date": lambda row: row["updated_number_scheduled"],
        "Available": lambda row: row["number_available"],
        "Node Selector": lambda row: labels(row["node_selector"]),
        "Containers": lambda row: joined(row["container_names"]),
        "Images": lambda row: joined(row["images"]),
        "Selector": lambda row: label_selector(row["selector"]),
    },
    "jobs": {
        "Name": lambda row: row["name"],
        "Status": lambda row: row["display_status"],
        "Completions": completions,
        "Duration": duration,
        "Containers": lambda row: joined(row["container_names"]),
        "Images": lambda row: joined(row["images"]),
        "Selector": lambda row: label_selector(row["selector"]),
    },
    "cronjobs": {
        "Name": lambda row: row["name"],
        "Schedule": lambda row: row["schedule"],
        "Timezone": lambda row: row["time_zone"] or "<none>",
        "Suspend": lambda row: str(row["suspend"]),
        "Active": lambda row: row["active_jobs"],
        "Last Schedule": lambda row: days_since(row["last_schedule_time"]) if row["last_schedule_time"] else "<none>",
        "Containers": lambda row: joined(row["container_names"]),
        "Images": lambda row: joined(row["images"]),
        "Selector": lambda row: label_selector(row["selector"]) if row["selector"] else "<none>",
    },
    "services": {
        "Name": lambda row: row["name"],
        "Type": lambda row: row["type"],
        "Cluster-IP": lambda row: row["cluster_ip"] or "<none>",
        "External-IP": external,
        "Port(s)": ports,
        "Selector": lambda row: labels(row["selector"]),
    },
    "crds": {"Name": lambda row: row["name"]},
    **CELLS,
}
TIMES = {"Age": "created_at", "Created At": "created_at"}
