"""Networking: how workloads are reached."""

from k8s_inventory.kinds.declaration import Column, Kind

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
            convert="service_external_addresses",
            required=True,
            description="kubectl's EXTERNAL-IP as a list; empty for <none> and, on a LoadBalancer, for <pending>.",
        ),
        Column(
            name="ports",
            type="jsonb",
            path="spec.ports",
            convert="array",
            required=True,
            description="Ports: name, protocol, port, targetPort, nodePort.",
        ),
        Column(
            name="selector",
            type="jsonb",
            path="spec.selector",
            convert="object",
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
            description="True if pods are published before they are ready.",
        ),
    ),
)

KINDS = (SERVICES,)
