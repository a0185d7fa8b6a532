"""What `privacy=strict` leaves of an object: a list of what is kept, and not of what may be secret.

People put secrets into any field that takes free text, and there are more of these with every version of Kubernetes and
every operator. So each text becomes `REDACTED`, unless it stands in a field of the lists below or is short and plain.
What is kept is searched for credentials all the same. Names of fields, numbers and booleans stay.

In a list a word is a field's name, with the name of its holder before it where it alone means too little. `*` stands
for the rest of a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import Any

from k8s_inventory.collector.jsonpath import Place
from k8s_inventory.credentials import REDACTED, names_a_secret, without_credentials
from k8s_inventory.kinds import Kind

OF_ANY_KIND = """
    apiGroup apiVersion conditions.status conditions.type image kind labels.* limits.* matchExpressions.key
    matchExpressions.operator matchExpressions.values matchLabels.* name *Name namespace *Namespace nodeSelector.*
    requests.*
"""
"""Which object is meant, and what custom kinds have from Kubernetes itself."""

OF_DECLARED_KINDS = """
    accessModes add address addresses addressType admissionReviewVersions allocatable.* allocatedResources.*
    allocatedResourceStatuses.* allocationMode apiGroups apiVersions appProtocol architecture attacher audience
    averageValue cachingMode capacity capacity.* categories cidr cidrs claims.request clusterIP clusterIPs
    completedIndexes completionMode component concurrencyPolicy conditionType config.requests config.source
    configMapKeyRef.key constraints.requests container containerRuntimeVersion containers controller
    conversionReviewVersions current.value currentRevision device dnsPolicy driver drop effect except externalIPs
    externalTrafficPolicy failedIndexes failurePolicy fieldPath finalizers format fsGroupChangePolicy fsGroupPolicy
    fsType group handler hard.* health host hostIP hostname hostnameOverride hostnames hostPath.path hosts imageID
    imagePullPolicy imageRef internalTrafficPolicy ip ipFamilies ipFamilyPolicy ipMode ips items.key kernelVersion
    keyType kubeletVersion kubeProxyVersion listKind loadBalancerClass loadBalancerIP loadBalancerSourceRanges managedBy
    matchFields.key matchFields.values matchLabelExpressions.key matchLabelExpressions.values matchLabelKeys matchPolicy
    maximumVolumeSize maxSurge maxUnavailable medium minAvailable mismatchLabelKeys mountPath
    mountPropagation names nameservers namespaces nodeAffinityPolicy nodeTaintsPolicy nonResourceURLs operatingSystem
    operations operator osImage overhead.* parameterNotFoundAction patchType pathType persistentVolumeReclaimPolicy
    phase plural podCIDR podCIDRs podFixed.* podIP podManagementPolicy podReplacementPolicy policyTypes pool port
    preemptionPolicy procMount protocol providerID provisioner pullPolicy qosClass reclaimPolicy recursiveReadOnly
    reference reinvocationPolicy reportingComponent reportingInstance resize resource resourceNames resources
    restartPolicy results.request schedule scheme scope scopes searches secretKeyRef.key selector.* selectPolicy
    serviceAccount sessionAffinity shortNames sideEffects singular sizeLimit status stopSignal storedVersions strategy
    subdomain subresource supplementalGroupsPolicy taints.key taints.value target.value targetPort
    terminationMessagePath terminationMessagePolicy timeZone tolerations.key tolerations.value topologyKey topologyKeys
    trafficDistribution type uid unhealthyPodEvictionPolicy updateRevision usages used.* username validationActions
    verbs version volumeBindingMode volumeLifecycleModes volumeMode whenDeleted whenScaled whenUnsatisfiable zone
"""
"""What the API server holds to a form, or writes itself: enumerations, names, addresses, quantities, selectors."""

OF_KIND = {
    "limitranges": "default.* defaultRequest.* max.* maxLimitRequestRatio.* min.*",
    "persistentvolumes": "annotations.volume.beta.kubernetes.io/storage-class",
    "persistentvolumeclaims": "annotations.volume.beta.kubernetes.io/storage-class",
}

_WORDS = ("action", "reason")
"""Fields that take free text, and by convention hold a word: kept where they do."""

_WORD = re.compile(r"[A-Z][A-Za-z]{0,63}")
_PLAIN = re.compile(r"|true|false|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_SHORT = re.compile(r"[+-]?\d{1,5}(?:\.\d{1,5})?(?:[eE][+-]?\d\d?|[numkMGTPE]i?|%|ms|s|h|d)?")
"""Numbers, quantities and durations that are too short for a secret, where their name does not make them one."""

_LONGEST = 1024
"""Characters of a kept text: no name is longer. It also bounds the memory and the time that a text takes."""


def kept_fields(kind: Kind) -> tuple[str, ...]:
    """The fields whose texts stay in objects of this kind."""
    lists = [OF_ANY_KIND, "" if kind.shared_by else OF_DECLARED_KINDS, OF_KIND.get(kind.name, "")]
    return tuple(" ".join(lists).split())


class Keeper:
    """Redacts all of an object but its kept `fields`.

    `keeps_env` says of the name of an environment variable whether its value is kept, too. The object's own fields that
    are `passed_over` stay as they are.
    """

    def __init__(
        self, fields: Iterable[str], *, keeps_env: Callable[[Any], bool], passed_over: Collection[str] = ()
    ) -> None:
        self._names = {each for each in fields if not set(each) & set(".*")}
        self._endings = tuple(each[1:] for each in fields if each.startswith("*"))
        self._held = {each for each in fields if "." in each}
        self._keeps_env = keeps_env
        self._passed_over = passed_over
        self._keeps = lru_cache(8192)(self._keeps_field)

    def __call__(self, value: dict[str, Any]) -> list[Place]:
        """Redacts in place. Returns where, each place with the names of the fields that lead to it."""
        found: list[Place] = []
        left: list[tuple[Any, str, str, tuple[str, ...]]] = [(value, "", "", ())]
        while left:  # not recursive: an object may be nested deeper than Python's stack
            container, parent, name, path = left.pop()
            is_map = isinstance(container, dict)
            if is_map:
                _rename_keys(container)
            entries: Iterable[tuple[Any, Any]] = container.items() if is_map else enumerate(container)
            for key, each in entries:
                holder, field = (name, key) if is_map else (parent, name)
                if isinstance(each, str):
                    kept = self._keeps(holder, field) or self._keeps_value(holder, field, container)
                    redacted: Any = _without_credentials(each) if kept else _unkept(holder, field, each)
                elif isinstance(each, (dict, list)):
                    if container is not value or key not in self._passed_over:
                        left.append((each, holder, field, (*path, key) if is_map else path))
                    continue
                else:
                    redacted = REDACTED if _is_number(each) and names_a_secret(field) else each
                if redacted != each:
                    container[key] = redacted
                    found.append((container, key, (*path, key) if is_map else path))
        return found

    def _keeps_value(self, holder: str, field: str, variable: Any) -> bool:
        is_value = holder == "env" and field == "value" and isinstance(variable, dict)
        return is_value and self._keeps_env(variable.get("name"))

    def _keeps_field(self, holder: str, field: str) -> bool:
        if field in self._names or field.endswith(self._endings):
            return True
        return f"{holder}.*" in self._held or f"{holder}.{field}" in self._held


def _unkept(holder: str, field: str, text: str) -> str:
    """What becomes of a text that no list keeps: it stays if it is none that could be secret."""
    if holder == "env":
        return REDACTED
    if _PLAIN.fullmatch(text) or (_SHORT.fullmatch(text) and not names_a_secret(field)):
        return text
    return text if field in _WORDS and _WORD.fullmatch(text) else REDACTED


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rename_keys(fields: dict[str, Any]) -> None:
    """Keys of maps are texts, too. Two that become the same are one."""
    together = "\n".join(fields)
    if len(together) <= _LONGEST and _remembered(together) == together:
        return
    for key in list(fields):
        fields[_without_credentials(key)] = fields.pop(key)


def _without_credentials(text: str) -> str:
    return _remembered(text) if len(text) <= _LONGEST else REDACTED


_remembered = lru_cache(8192)(without_credentials)
"""Fields, and names of containers and images, are mostly those of the object before."""
