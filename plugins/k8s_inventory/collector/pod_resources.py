"""What a pod asks for and may use in all, by the rule that the scheduler counts it with.

The rule: `PodRequests` and `PodLimits` in
https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/component-helpers/resource/helpers.go
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from k8s_inventory.collector.quantities import Numbers, as_json, quantities


class PodResources(NamedTuple):
    """Cores and bytes, and every resource by its name as JSON; None where no container names the resource."""

    cpu_request: Decimal | None
    memory_request: Decimal | None
    cpu_limit: Decimal | None
    memory_limit: Decimal | None
    requests: bytes
    limits: bytes


class _Amounts(NamedTuple):
    """JSON of one container: what its spec says, what it has, and (requests only) what its node has set aside."""

    wanted: bytes
    actual: bytes = b"null"
    allocated: bytes = b"null"
    sidecar: bool = False


def pod_resources(pod: Any) -> PodResources:
    spec, status = pod.spec, pod.status
    containers, init_containers = spec.containers or (), spec.init_containers or ()
    statuses = {each.name: each for each in status.container_statuses or ()}
    init_statuses = {each.name: each for each in status.init_container_statuses or ()}
    sidecars = {each.name for each in init_containers if each.restart_policy == "Always"}
    of_init = {name: each for name, each in init_statuses.items() if name in sidecars}
    infeasible = any(
        each.type == "PodResizePending" and each.reason == "Infeasible" for each in status.conditions or ()
    )
    sums = []
    for part in ("requests", "limits"):
        sums.append(
            _sum(
                tuple(_amounts(each, statuses.get(each.name), part) for each in containers),
                tuple(
                    _amounts(each, of_init.get(each.name), part, sidecar=each.name in sidecars)
                    for each in init_containers
                ),
                bytes(getattr(spec.resources, part)),
                bytes(spec.overhead),
                is_limit=part == "limits",
                infeasible=infeasible,
            )
        )
    (requests, requests_json), (limits, limits_json) = sums
    return PodResources(
        *(requests.get("cpu"), requests.get("memory"), limits.get("cpu"), limits.get("memory")),
        *(requests_json, limits_json),
    )


def _amounts(container: Any, status: Any, part: str, *, sidecar: bool = False) -> _Amounts:
    wanted = bytes(getattr(container.resources, part))
    if status is None or status.resources is None:
        return _Amounts(wanted, sidecar=sidecar)
    allocated = bytes(status.allocated_resources) if part == "requests" else b"null"
    return _Amounts(wanted, bytes(getattr(status.resources, part)), allocated, sidecar)


@lru_cache(4096)
def _sum(
    containers: Sequence[_Amounts],
    init_containers: Sequence[_Amounts],
    of_pod: bytes,
    overhead: bytes,
    *,
    is_limit: bool,
    infeasible: bool,
) -> tuple[Numbers, bytes]:
    """Pods of one template have the same sum, which is worth remembering. Do not change the result."""
    total: Numbers = {}
    for each in containers:
        _add(total, _of_container(each, infeasible))
    sidecars: Numbers = {}
    most: Numbers = {}
    for each in init_containers:
        numbers = _of_container(each, infeasible)
        if each.sidecar:
            _add(total, numbers)
            _add(sidecars, numbers)
            _raise_to(most, sidecars)
        else:
            while_it_runs = dict(sidecars)
            _add(while_it_runs, numbers)
            _raise_to(most, while_it_runs)
    _raise_to(total, most)
    total |= {name: number for name, number in quantities(of_pod).items() if _is_pod_level(name)}
    # A limit that is not there is none, and overhead does not make one.
    _add(total, {name: each for name, each in quantities(overhead).items() if not is_limit or total.get(name)})
    return total, as_json(total)


def _of_container(amounts: _Amounts, infeasible: bool) -> Numbers:
    """While a container is resized, the most of what it has and will have; a resize that can not be done counts not."""
    if amounts.actual == amounts.allocated == b"null":
        return quantities(amounts.wanted)
    most = {} if infeasible else dict(quantities(amounts.wanted))
    _raise_to(most, quantities(amounts.actual))
    _raise_to(most, quantities(amounts.allocated))
    return most


def _is_pod_level(name: str) -> bool:
    return name in ("cpu", "memory") or name.startswith("hugepages-")


def _add(total: Numbers, more: Numbers) -> None:
    for name, number in more.items():
        total[name] = total.get(name, Decimal(0)) + number


def _raise_to(total: Numbers, least: Numbers) -> None:
    for name, number in least.items():
        total[name] = max(total.get(name, number), number)
