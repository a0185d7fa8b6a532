"""Networking: how workloads are reached."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.values import array_or_empty, object_or_empty, objects, objects_at, texts


def service_external_addresses(service: Any) -> list[str]:
    """The rule of `getServiceExternalIP` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    spec = service.spec
    if spec.type == "ExternalName":
        return [spec.external_name] if spec.external_name else []
    balancers: list[str] = []
    if spec.type == "LoadBalancer":
        balancers = _balancers(service.status.load_balancer.ingress)
    return balancers + (spec.external_ips or [])


def _balancers(ingress: Any) -> list[str]:
    """Addresses of load balancers as kubectl shows them: each once, in order."""
    return sorted({address for each in ingress or () if (address := each.ip or each.hostname)})


MOST_ADDRESSES = 10_000
"""Kubernetes itself keeps no more than 1000 in Endpoints; but who may write them can have as many pairs as he likes."""


def endpoint_addresses(endpoints: Any) -> list[str]:
    found = _endpoint_addresses(objects.decode(endpoints.subsets) or ())
    return list(islice(found, MOST_ADDRESSES))


def _endpoint_addresses(subsets: Any) -> Iterator[str]:
    for subset in subsets:
        addresses = [each["ip"] for each in subset.get("addresses") or ()]
        ports = [each["port"] for each in subset.get("ports") or ()]
        yield from (f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for port in ports for ip in addresses)
        yield from () if ports else addresses


def ingress_services(ingress: Any) -> list[str]:
    routes = [rule.get("http") or {} for rule in objects.decode(ingress.spec.rules) or ()]
    backends = [path["backend"].get("service") or {} for route in routes for path in route.get("paths") or ()]
    names = [ingress.spec.default_backend.service.name, *(each.get("name") for each in backends)]
    return list(dict.fromkeys(name for name in names if name))


_EXTERNAL = (
    "spec.type",
    "spec.externalIPs:text[]",
    "spec.externalName",
    "status.loadBalancer.ingress[].ip",
    "status.loadBalancer.ingress[].hostname",
)

SERVICES = Kind(
    name="services",
    kind="Service",
    plural="services",
    table="k8s_services",
    short_names=("svc",),
    description="Services: stable addresses in front of pods.",
    typed_columns=(
        Column(name="type", path="spec.type", description="ClusterIP, NodePort, LoadBalancer or ExternalName."),
        Column(name="cluster_ip", path="spec.clusterIP", description="Virtual IP address; None for headless services."),
        Column(
            name="cluster_ips",
            type="text[]",
            path="spec.clusterIPs",
            required=True,
            description="Virtual IP addresses, one an IP family.",
        ),
        Column(
            name="external_addresses",
            type="text[]",
            needs=_EXTERNAL,
            compute=service_external_addresses,
            required=True,
            description="kubectl's EXTERNAL-IP as a list; empty for <none> and, on a LoadBalancer, for <pending>.",
        ),
        Column(
            name="ports",
            type="jsonb",
            path="spec.ports",
            compute=array_or_empty,
            required=True,
            description="Ports: name, protocol, port, targetPort, nodePort.",
        ),
        Column(
            name="selector",
            type="jsonb",
            path="spec.selector",
            compute=object_or_empty,
            required=True,
            description="Labels of the pods behind it; an empty object where it selects none.",
        ),
        Column(name="external_name", path="spec.externalName", description="DNS name of an ExternalName service."),
        Column(
            name="external_traffic_policy",
            path="spec.externalTrafficPolicy",
            description="Cluster or Local, for traffic from outside.",
        ),
        Column(
            name="internal_traffic_policy",
            path="spec.internalTrafficPolicy",
            description="Cluster or Local, for traffic from inside.",
        ),
        Column(name="session_affinity", path="spec.sessionAffinity", description="None or ClientIP."),
        Column(
            name="ip_families", type="text[]", path="spec.ipFamilies", required=True, description="IPv4, IPv6 or both."
        ),
        Column(
            name="ip_family_policy",
            path="spec.ipFamilyPolicy",
            description="SingleStack, PreferDualStack or RequireDualStack.",
        ),
        Column(
            name="load_balancer_class",
            path="spec.loadBalancerClass",
            description="Implementation of the load balancer.",
        ),
        Column(
            name="publish_not_ready_addresses",
            type="boolean",
            path="spec.publishNotReadyAddresses",
            default=False,
            description="True if pods are published before they are ready.",
        ),
    ),
)

ENDPOINTS = Kind(
    name="endpoints",
    kind="Endpoints",
    plural="endpoints",
    table="k8s_endpoints",
    short_names=("ep",),
    description="Endpoints: the addresses behind a Service, as old clients read them.",
    noise=(".metadata.annotations['control-plane.alpha.kubernetes.io/leader']",),
    rest=("data",),
    typed_columns=(
        Column(
            name="addresses",
            type="text[]",
            needs=("subsets:jsonb",),
            compute=endpoint_addresses,
            required=True,
            description="Ready addresses, as address:port: kubectl's ENDPOINTS, the first 10,000 of them.",
        ),
    ),
)

ENDPOINTSLICES = Kind(
    name="endpointslices",
    kind="EndpointSlice",
    plural="endpointslices",
    group="discovery.k8s.io",
    table="k8s_endpointslices",
    description="EndpointSlices: the addresses behind a Service.",
    rest=("data",),
    typed_columns=(
        Column(name="address_type", path="addressType", description="IPv4, IPv6 or FQDN."),
        Column(
            name="service_name",
            needs=("metadata.labels:jsonb",),
            compute=lambda endpoint_slice: (texts.decode(endpoint_slice.metadata.labels) or {}).get(
                "kubernetes.io/service-name"
            ),
            description="Service that they belong to, by the label kubernetes.io/service-name.",
        ),
        Column(
            name="ports",
            type="jsonb",
            path="ports",
            compute=array_or_empty,
            required=True,
            description="Ports: name, protocol, port, appProtocol.",
        ),
        Column(
            name="addresses",
            type="text[]",
            needs=("endpoints[].addresses:text[]",),
            compute=lambda endpoint_slice: [
                address for each in endpoint_slice.endpoints or () for address in each.addresses or ()
            ],
            required=True,
            description="Addresses: kubectl's ENDPOINTS, all of them.",
        ),
    ),
)

INGRESSES = Kind(
    name="ingresses",
    kind="Ingress",
    plural="ingresses",
    group="networking.k8s.io",
    table="k8s_ingresses",
    short_names=("ing",),
    description="Ingresses: HTTP routes into the cluster.",
    typed_columns=(
        Column(name="ingress_class_name", path="spec.ingressClassName", description="IngressClass: kubectl's CLASS."),
        Column(
            name="hosts",
            type="text[]",
            needs=("spec.rules:jsonb",),
            compute=objects_at("spec.rules", "host"),
            required=True,
            description="Hosts of its rules; empty where it takes all, kubectl's *.",
        ),
        Column(
            name="addresses",
            type="text[]",
            needs=("status.loadBalancer.ingress[].ip", "status.loadBalancer.ingress[].hostname"),
            compute=lambda ingress: _balancers(ingress.status.load_balancer.ingress),
            version=2,
            required=True,
            description="Where it is reached, in order: kubectl's ADDRESS.",
        ),
        Column(
            name="has_tls",
            type="boolean",
            needs=("spec.tls:jsonb",),
            compute=lambda ingress: bool(objects.decode(ingress.spec.tls)),
            required=True,
            description="True with TLS: port 443 beside 80 in kubectl's PORTS.",
        ),
        Column(
            name="rules",
            type="jsonb",
            path="spec.rules",
            compute=array_or_empty,
            required=True,
            description="Routes: host, and paths with their backends.",
        ),
        Column(
            name="backend_services",
            type="text[]",
            needs=("spec.rules:jsonb", "spec.defaultBackend.service.name"),
            compute=ingress_services,
            required=True,
            description="Services that it routes to, each once.",
        ),
        Column(
            name="tls_secrets",
            type="text[]",
            needs=("spec.tls:jsonb",),
            compute=objects_at("spec.tls", "secretName"),
            required=True,
            description="Secrets with its certificates.",
        ),
    ),
)

INGRESSCLASSES = Kind(
    name="ingressclasses",
    kind="IngressClass",
    plural="ingressclasses",
    group="networking.k8s.io",
    table="k8s_ingressclasses",
    namespaced=False,
    description="IngressClasses: who serves Ingresses.",
    rest=("spec",),
    typed_columns=(
        Column(name="controller", path="spec.controller", description="Controller in charge."),
        Column(
            name="parameters",
            type="jsonb",
            path="spec.parameters",
            description="Its parameters: apiGroup, kind, name, namespace, scope.",
        ),
    ),
)

NETWORKPOLICIES = Kind(
    name="networkpolicies",
    kind="NetworkPolicy",
    plural="networkpolicies",
    group="networking.k8s.io",
    table="k8s_networkpolicies",
    short_names=("netpol",),
    description="NetworkPolicies: which traffic pods may take and send.",
    rest=("spec",),
    typed_columns=(
        Column(
            name="pod_selector",
            type="jsonb",
            path="spec.podSelector",
            compute=object_or_empty,
            required=True,
            description="Label selector of its pods; an empty object takes all of the namespace.",
        ),
        Column(
            name="policy_types",
            type="text[]",
            path="spec.policyTypes",
            required=True,
            description="Ingress, Egress: the traffic that it rules.",
        ),
        Column(
            name="ingress",
            type="jsonb",
            path="spec.ingress",
            compute=array_or_empty,
            required=True,
            description="Allowed in.",
        ),
        Column(
            name="egress",
            type="jsonb",
            path="spec.egress",
            compute=array_or_empty,
            required=True,
            description="Allowed out.",
        ),
    ),
)

SERVICECIDRS = Kind(
    name="servicecidrs",
    kind="ServiceCIDR",
    plural="servicecidrs",
    group="networking.k8s.io",
    versions=("v1", "v1beta1"),
    table="k8s_servicecidrs",
    namespaced=False,
    description="ServiceCIDRs: address ranges of Services.",
    typed_columns=(
        Column(name="cidrs", type="text[]", path="spec.cidrs", required=True, description="Address ranges."),
    ),
)

IPADDRESSES = Kind(
    name="ipaddresses",
    kind="IPAddress",
    plural="ipaddresses",
    group="networking.k8s.io",
    versions=("v1", "v1beta1"),
    table="k8s_ipaddresses",
    namespaced=False,
    short_names=("ip",),
    description="IPAddresses: addresses that Services hold.",
    rest=("spec",),
    typed_columns=(
        Column(name="parent_group", path="spec.parentRef.group", description="API group of the holder."),
        Column(name="parent_resource", path="spec.parentRef.resource", description="Resource of the holder: services."),
        Column(name="parent_namespace", path="spec.parentRef.namespace", description="Namespace of the holder."),
        Column(name="parent_name", path="spec.parentRef.name", description="Name of the holder."),
    ),
)

KINDS = (
    SERVICES,
    ENDPOINTS,
    ENDPOINTSLICES,
    INGRESSES,
    INGRESSCLASSES,
    NETWORKPOLICIES,
    SERVICECIDRS,
    IPADDRESSES,
)
