"""What a pod asks for and may use in all, by the rule that the scheduler counts it with.

The rule: `PodRequests` and `PodLimits` in
https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/component-helpers/resource/helpers.go
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_inventory.kinds.quantities import Numbers, as_json, quantities

POD_RESOURCES = (
    *(
        f"spec.{containers}[].{each}"
        for containers in ("containers", "initContainers")
        for each in ("name", "resources:jsonb")
    ),
    "spec.initContainers[].restartPolicy",
    "spec.resources:jsonb",
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


_Container = tuple[bool, bytes, bytes, bytes]
"""Whether it is a sidecar, and JSON of what it wants by its spec, has by its status, and is allocated by its node."""


class _Resources(msgspec.Struct, frozen=True, gc=False):
    requests: msgspec.Raw = msgspec.Raw(b"null")
    limits: msgspec.Raw = msgspec.Raw(b"null")


_decoder = msgspec.json.Decoder(_Resources | None)


def pod_resources(pod: Any) -> PodResources:
    spec, status = pod.spec, pod.status
    pending = [each.type for each in status.conditions or () if each.reason == "Infeasible"]
    containers = _containers(spec.containers, status.container_statuses)
    init_containers = _containers(spec.init_containers, status.init_container_statuses, is_init=True)
    of_pod, overhead = bytes(spec.resources), bytes(spec.overhead)
    size = sum(map(len, (of_pod, overhead, *(part for each in (*containers, *init_containers) for part in each[1:]))))
    count = _remembered if size <= _LONGEST_REMEMBERED else _pod_resources
    return count(containers, init_containers, of_pod, overhead, "PodResizePending" in pending)


def _containers(containers: Any, statuses: Any, *, is_init: bool = False) -> tuple[_Container, ...]:
    """Only a container that goes on running, which an init container does as a sidecar, counts by its status, too."""
    by_name = {each.name: each for each in statuses or ()}
    found: list[_Container] = []
    for each in containers or ():
        is_sidecar = is_init and each.restart_policy == "Always"
        status = by_name.get(each.name) if is_sidecar or not is_init else None
        of_status = (bytes(status.resources), bytes(status.allocated_resources)) if status else (b"null", b"null")
        found.append((is_sidecar, bytes(each.resources), *of_status))
    return tuple(found)


def _pod_resources(
    containers: Sequence[_Container],
    init_containers: Sequence[_Container],
    of_pod: bytes,
    overhead: bytes,
    infeasible: bool,
) -> PodResources:
    requests, limits = (
        _sum(
            [_of_container(each, part, infeasible) for each in containers],
            [(each[0], _of_container(each, part, infeasible)) for each in init_containers],
            _numbers(of_pod, part),
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


def _of_container(container: _Container, part: str, infeasible: bool) -> Numbers:
    """While a container is resized, the most of what it has and will have; a resize that can not be done counts not."""
    _, of_spec, of_status, of_node = container
    wanted = _numbers(of_spec, part)
    if of_status == b"null":
        return wanted
    actual = _numbers(of_status, part)
    allocated = quantities(of_node) if part == "requests" else {}
    if not actual and not allocated:
        return wanted
    most = {} if infeasible else dict(wanted)
    _raise_to(most, actual)
    _raise_to(most, allocated)
    return most


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
            _raise_to(most, {name: sidecars.get(name, Decimal(0)) + number for name, number in numbers.items()})
    _raise_to(total, most)
    total |= {name: number for name, number in of_pod.items() if _is_pod_level(name)}
    # A limit that is not there is none, and overhead does not make one.
    _add(total, {name: each for name, each in overhead.items() if not is_limit or total.get(name)})
    return total


def _is_pod_level(name: str) -> bool:
    return name in ("cpu", "memory") or name.startswith("hugepages-")


def _add(total: Numbers, more: Numbers) -> None:
    for name, number in more.items():
        total[name] = total.get(name, Decimal(0)) + number


def _raise_to(total: Numbers, least: Numbers) -> None:
    for name, number in least.items():
        total[name] = max(total.get(name, number), number)
