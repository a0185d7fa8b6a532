"""What a pod asks for and may use in all, by the rule that the scheduler counts it with.

The rule: `PodRequests` and `PodLimits` in
https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/component-helpers/resource/helpers.go
with what a cluster of that version has by default: containers, and pods as a whole, are resized in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_inventory.kinds.quantities import Numbers, as_json, exact_sum, quantities

POD_RESOURCES = (
    *(
        f"spec.{containers}[].{each}"
        for containers in ("containers", "initContainers")
        for each in ("name", "resources:jsonb")
    ),
    "spec.initContainers[].restartPolicy",
    "spec.resources:jsonb",
    "status.resources:jsonb",
    "status.allocatedResources:jsonb",
    "spec.overhead:jsonb",
    *(
        f"status.{statuses}[].{each}"
        for statuses in ("containerStatuses", "initContainerStatuses")
        for each in ("name", "resources:jsonb", "allocatedResources:jsonb")
    ),
    "status.conditions[].type",
    "status.conditions[].reason",
)
"""What `pod_resources` needs of a pod."""


class PodResources(NamedTuple):
    """Cores and bytes, and every resource by its name as JSON; None where no container names the resource."""

    cpu_request: Decimal | None
    memory_request: Decimal | None
    cpu_limit: Decimal | None
    memory_limit: Decimal | None
    requests: bytes
    limits: bytes


_State = tuple[bytes, bytes, bytes]
"""JSON of what a container, or a pod, wants by its spec, has by its status, and is allocated by its node."""

_Container = tuple[bytes, bytes, bytes, bool]
"""Its state, and whether it is a sidecar."""


class _Resources(msgspec.Struct, frozen=True, gc=False):
    requests: msgspec.Raw = msgspec.Raw(b"null")
    limits: msgspec.Raw = msgspec.Raw(b"null")


_decoder = msgspec.json.Decoder(_Resources | None)


def pod_resources(pod: Any) -> PodResources:
    spec, status = pod.spec, pod.status
    pending = next((each.reason for each in status.conditions or () if each.type == "PodResizePending"), None)
    containers, size = _containers(spec.containers, status.container_statuses)
    init_containers: tuple[_Container, ...] = ()
    size_of_init = 0
    if spec.init_containers:
        init_containers, size_of_init = _containers(spec.init_containers, status.init_container_statuses, is_init=True)
    of_pod = (bytes(spec.resources), bytes(status.resources), bytes(status.allocated_resources))
    overhead = bytes(spec.overhead)
    size += size_of_init + len(overhead) + sum(map(len, of_pod))
    count = _remembered if size <= _LONGEST_REMEMBERED else _pod_resources
    return count(containers, init_containers, of_pod, overhead, pending == "Infeasible")


def _containers(containers: Any, statuses: Any, *, is_init: bool = False) -> tuple[tuple[_Container, ...], int]:
    """With the bytes of them all. Only a container that goes on running, which an init container does as a sidecar,
    counts by its status, too."""
    by_name = {each.name: each for each in statuses or ()}
    found: list[_Container] = []
    size = 0
    for each in containers or ():
        is_sidecar = is_init and each.restart_policy == "Always"
        of_spec, of_status, of_node = bytes(each.resources), b"null", b"null"
        if (is_sidecar or not is_init) and (status := by_name.get(each.name)):
            of_status, of_node = bytes(status.resources), bytes(status.allocated_resources)
        size += len(of_spec) + len(of_status) + len(of_node)
        found.append((of_spec, of_status, of_node, is_sidecar))
    return tuple(found), size


def _pod_resources(
    containers: Sequence[_Container],
    init_containers: Sequence[_Container],
    of_pod: _State,
    overhead: bytes,
    infeasible: bool,
) -> PodResources:
    requests, limits = (
        _sum(
            [_effective(each[:3], part, infeasible) for each in containers],
            [(each[3], _effective(each[:3], part, infeasible)) for each in init_containers],
            _of_pod(of_pod, part, infeasible),
            quantities(overhead),
            is_limit=part == "limits",
        )
        for part in ("requests", "limits")
    )
    return PodResources(
        *(requests.get("cpu"), requests.get("memory"), limits.get("cpu"), limits.get("memory")),
        *(as_json(requests), as_json(limits)),
    )


_remembered = lru_cache(4096)(_pod_resources)
"""Pods of one template have the same sums, which are worth remembering."""

_LONGEST_REMEMBERED = 16_384


def _numbers(resources: bytes, part: str) -> Numbers:
    return quantities(bytes(getattr(_decoder.decode(resources), part, b"null")))


def _effective(state: _State, part: str, infeasible: bool) -> Numbers:
    """While it is resized, the most of what it has and will have; a resize that can not be done counts not."""
    of_spec, of_status, of_node = state
    wanted = _numbers(of_spec, part)
    if of_status == b"null":
        return wanted
    most = {} if infeasible else dict(wanted)
    _raise_to(most, _numbers(of_status, part))
    if part == "requests":
        _raise_to(most, quantities(of_node))
    return most


def _of_pod(state: _State, part: str, infeasible: bool) -> Numbers:
    """What counts in the place of the containers' sums: of the resources that the pod itself names."""
    wanted = _numbers(state[0], part)
    named = [name for name in wanted if name in ("cpu", "memory") or name.startswith("hugepages-")]
    numbers = _effective(state, part, infeasible) if named else {}
    if part == "limits":  # a status without any says nothing of them
        numbers = numbers or wanted
    return {name: numbers.get(name, Decimal(0)) for name in named}


def _sum(
    containers: Sequence[Numbers],
    init_containers: Sequence[tuple[bool, Numbers]],
    of_pod: Numbers,
    overhead: Numbers,
    *,
    is_limit: bool,
) -> Numbers:
    total: Numbers = {}
    for numbers in containers:
        _add(total, numbers)
    sidecars: Numbers = {}
    most: Numbers = {}
    for is_sidecar, numbers in init_containers:
        if is_sidecar:
            _add(total, numbers)
            _add(sidecars, numbers)
            _raise_to(most, {name: sidecars[name] for name in numbers})
        else:  # of what it does not name, `most` has the sidecars' already
            beside = dict(numbers)
            _add(beside, {name: sidecars[name] for name in numbers if name in sidecars})
            _raise_to(most, beside)
    _raise_to(total, most)
    total |= of_pod
    # A limit that is not there is none, and overhead does not make one.
    _add(total, {name: each for name, each in overhead.items() if not is_limit or total.get(name)})
    return total


def _add(total: Numbers, more: Numbers) -> None:
    for name, number in more.items():
        total[name] = exact_sum(total.get(name, Decimal(0)), number)


def _raise_to(total: Numbers, least: Numbers) -> None:
    for name, number in least.items():
        total[name] = max(total.get(name, number), number)
