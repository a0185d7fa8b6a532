"""What a kubelet would say of pods where there is none: they run, crash again and again, or wait for their image.

The fields are those of https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

Object = dict[str, Any]
RESTARTS = 12
"""Of a container that crashes: enough for the longest pause between two."""


def running(pod: Object) -> Object:
    """The status of a pod all of whose containers run."""
    return _status(pod, "Running", {"state": {"running": {"startedAt": _now()}}, "ready": True, "started": True})


def crashing(pod: Object) -> Object:
    """The status of a pod whose containers end with an error, whenever they are started."""
    meta = pod["metadata"]
    whose = f"pod={meta['name']}_{meta['namespace']}({meta['uid']})"
    waiting = {
        "reason": "CrashLoopBackOff",
        "message": f"back-off 5m0s restarting failed container={_names(pod)[0]} {whose}",
    }
    ended = {"exitCode": 1, "reason": "Error", "startedAt": _now(), "finishedAt": _now()}
    failed = {"state": {"waiting": waiting}, "lastState": {"terminated": ended}, "restartCount": RESTARTS}
    return _status(pod, "Running", failed)


def waiting_for_image(pod: Object) -> Object:
    """The status of a pod whose images are not there."""
    image = pod["spec"]["containers"][0]["image"]
    waiting = {
        "reason": "ImagePullBackOff",
        "message": f'Back-off pulling image "{image}": ErrImagePull: failed to resolve reference "{image}": not found',
    }
    return _status(pod, "Pending", {"state": {"waiting": waiting}, "imageID": ""})


def _status(pod: Object, phase: str, of_container: Object) -> Object:
    """`of_container` is what its containers have in common."""
    now, uid = _now(), pod["metadata"]["uid"]
    address = f"10.1.{int(uid[:2], 16)}.{int(uid[2:4], 16)}"
    is_ready = of_container.get("ready", False)
    unready: Object = {
        "status": "False",
        "reason": "ContainersNotReady",
        "message": f"containers with unready status: [{' '.join(_names(pod))}]",
    }
    true: Object = {"status": "True"}
    ready = true if is_ready else unready
    states = {"PodReadyToStartContainers": true, "Initialized": true, "Ready": ready, "ContainersReady": ready}
    conditions = [{"type": name, **state, "lastTransitionTime": now} for name, state in states.items()]
    others = [each for each in pod["status"].get("conditions", []) if each["type"] not in states]
    return {
        **pod["status"],
        "phase": phase,
        "conditions": [*conditions, *others],
        "hostIP": "192.0.2.1",
        "hostIPs": [{"ip": "192.0.2.1"}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "containerStatuses": [_container(each, uid, of_container) for each in pod["spec"]["containers"]],
    }


def _container(container: Object, uid: str, of_container: Object) -> Object:
    image = container["image"]
    made = {
        "name": container["name"],
        "image": image,
        "imageID": f"{image.rpartition(':')[0]}@sha256:{_digest(image)}",
        "ready": False,
        "started": False,
        "restartCount": 0,
        "lastState": {},
        **of_container,
    }
    if not made["imageID"]:
        return made
    number = f"containerd://{_digest(uid, container['name'])}"
    if "terminated" in made["lastState"]:
        made["lastState"] = {"terminated": {**made["lastState"]["terminated"], "containerID": number}}
    return {**made, "containerID": number}


def _names(pod: Object) -> list[str]:
    return [each["name"] for each in pod["spec"]["containers"]]


def _digest(*of: str) -> str:
    return hashlib.sha256(" ".join(of).encode()).hexdigest()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
