"""What happens in the cluster of a history: objects, namespaces, CRDs, rights, restarts and restores.

What is chosen depends on the seed and on names alone, so that a seed gives the same history again.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.cluster import Cluster, wait_until
from tests.cluster.cluster import Object, Rejected, User
from tests.cluster.objects import crd, namespace, pod

READER = User("reader")
"""Who syncs; what it may do changes."""

PLANTED = "planted-"
"""Begins every literal that is only stored where the settings say so."""

GROUP = "h.example"
NAMESPACES = ("h-a", "h-b", "h-c", "x-d")
NAMES = ("one", "two", "three", "four")
CUSTOM = {"widgets": "Namespaced", "gears": "Cluster"}
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
BALLAST = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
DECLARED = ("pods", "configmaps", "events", "namespaces")
CHANGING = ("pods", "configmaps", "events", *(f"{plural}.{GROUP}" for plural in CUSTOM))
KINDS = ("namespaces", *CHANGING)
NAMESPACED = ("pods", "configmaps", "events", f"widgets.{GROUP}")

_SYSTEM = ("default", "kube-node-lease", "kube-public", "kube-system")
_RIGHTS = {"pods": "", "configmaps": "", "events": "", "namespaces": "", "widgets": GROUP, "gears": GROUP}
_PER_NAMESPACE = ("pods", "configmaps", "events", "widgets")
_OTHER_RIGHTS = (
    ("customresourcedefinitions", "apiextensions.k8s.io", "list"),
    ("apiservices", "apiregistration.k8s.io", "list"),
    ("namespaces", "", "get"),
)
_ROLE = "history"


@dataclass
class Changes:
    """Changes one cluster; each method that changes something says what it did."""

    cluster: Cluster
    rng: random.Random
    count: int = 0
    rights: dict[str, set[str]] = field(default_factory=dict)
    """By resource, the namespaces in which it may be listed; `*` is everywhere."""
    other_rights: set[str] = field(default_factory=set)

    # -- where they are ----------------------------------------------------------------------------

    def path(self, kind: str, where: str = "") -> str:
        """Of a list; of a custom kind in a version that is served now."""
        inside = f"/namespaces/{where}" if where else ""
        plural, _, group = kind.partition(".")
        if not group:
            return f"/api/v1{inside}/{plural}"
        crd = self.crds().get(kind)
        return f"/apis/{group}/{served_versions(crd)[0] if crd else 'v1'}{inside}/{plural}"

    def crds(self) -> dict[str, Object]:
        return {each["metadata"]["name"]: each["spec"] for each in self._list(CRDS)}

    def _list(self, path: str) -> list[Object]:
        """The objects there are, in the order of their names; none where nothing is served."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return self.cluster.list(path)
            except Rejected as error:
                if error.status == 404:
                    return []
                if error.status != 429 or time.monotonic() > deadline:  # just started, or the CRD has just changed
                    raise
                time.sleep(0.05)

    def objects(self, kind: str, where: str = "", **query: str) -> list[Object]:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return self._list(f"{self.path(kind, where)}?{asked}")

    def namespaces(self) -> list[str]:
        """The living ones of the history."""
        return [
            name for name in (each["metadata"]["name"] for each in self.objects("namespaces")) if name in NAMESPACES
        ]

    # -- from the start ----------------------------------------------------------------------------

    def reset(self) -> None:
        """The same cluster for every history, whatever the one before left."""
        for kind in CHANGING:
            for each in self.objects(kind):
                if each["metadata"].get("namespace") not in _SYSTEM:
                    self._delete(kind, each)
        for name in self.namespaces():
            if name not in NAMESPACES[:2]:
                self._end_namespace(name)
        for name in NAMESPACES[:2]:
            self._ignoring_conflicts(partial(self.cluster.create, "/api/v1/namespaces", namespace(name)))
        for plural in CUSTOM:
            self._make_crd(plural)
        self._make_roles("", *NAMESPACES[:2])
        self.rights = {resource: {"*"} for resource in _RIGHTS}
        self.other_rights = {f"{verb} {resource}" for resource, _, verb in _OTHER_RIGHTS}
        self._apply_rights()
        for _ in range(8):
            self.create()

    def _ignoring_conflicts(self, change: Callable[[], Any]) -> bool:
        try:
            change()
        except Rejected as error:
            if error.status not in (404, 409):
                raise
            return False
        return True

    # -- objects -----------------------------------------------------------------------------------

    def some(self) -> str:
        """One change of objects, as a cluster has them all the time."""
        changes = [self.create] * 4 + [self.update] * 4 + [self.delete] * 3 + [self.replace]
        changes += [self.make_namespace, self.delete_namespace]
        return self.rng.choice(changes)()

    def _object(self, kind: str) -> Object | None:
        of_system = (*_SYSTEM, None) if kind in NAMESPACED else _SYSTEM
        found = [each for each in self.objects(kind) if each["metadata"].get("namespace") not in of_system]
        return self.rng.choice(found) if found else None

    def create(self) -> str:
        kind = self.rng.choice(("pods", *CHANGING))
        name, where = self.rng.choice(NAMES), self.rng.choice(self.namespaces() or ["default"])
        if kind not in NAMESPACED:
            where = ""
        self.count += 1
        made = self._ignoring_conflicts(
            lambda: self.cluster.create(self.path(kind, where), self._new(kind, name, where))
        )
        return f"create {kind} {where}/{name}{'' if made else ' (not possible)'}"

    def _new(self, kind: str, name: str, where: str) -> Object:
        number = self.count
        if kind == "pods":
            made = pod(name)
            made["spec"]["containers"][0]["env"] = [{"name": "TOKEN", "value": f"{PLANTED}{number}"}]
        elif kind == "configmaps":
            made = {"metadata": {"name": name}, "data": {"token": f"{PLANTED}{number}"}}
        elif kind == "events":
            made = {"metadata": {"name": name}, "involvedObject": {"name": "one", "namespace": where}, "count": number}
        else:
            plural = kind.partition(".")[0]
            made = {
                "apiVersion": "/".join(self.path(kind).split("/")[2:4]),
                "kind": plural.rstrip("s").capitalize(),
                "metadata": {"name": name},
                "spec": {"size": number, "other": f"other-{number}"},
            }
        made["metadata"]["labels"] = {"tier": self.rng.choice(("web", "db")), "n": str(number)}
        return made

    def update(self) -> str:
        kind = self.rng.choice(("pods", *CHANGING))
        found = self._object(kind)
        return self.touch(kind, found) if found else f"no {kind} to update"

    def touch(self, kind: str, item: Object) -> str:
        """A new version of an object: another label, and other content."""
        self.count += 1
        change: Object = {"metadata": {"labels": {"n": str(self.count)}}}
        if self.rng.random() < 0.4:
            change["metadata"]["labels"]["tier"] = self.rng.choice(("web", "db"))
        if kind == "pods":
            change["metadata"]["annotations"] = {"note": f"café über 🚀 {self.count}"}
        elif kind == "configmaps":
            change["data"] = {"token": f"{PLANTED}{self.count}"}
        elif kind == "events":
            change["count"] = self.count
        else:
            change["spec"] = {"size": self.count}
        done = self._ignoring_conflicts(lambda: self.cluster.patch(self._path_of(kind, item), change))
        return f"update {_said(kind, item)}{'' if done else ' (not possible)'}"

    def delete(self) -> str:
        kind = self.rng.choice(("pods", *CHANGING))
        found = self._object(kind)
        if not found:
            return f"no {kind} to delete"
        self._delete(kind, found)
        return f"delete {_said(kind, found)}"

    def replace(self) -> str:
        """The same name, another object."""
        found = self._object("pods")
        if not found:
            return "no pod to replace"
        self._delete("pods", found)
        self.count += 1
        where, name = found["metadata"]["namespace"], found["metadata"]["name"]
        self._ignoring_conflicts(lambda: self.cluster.create(self.path("pods", where), self._new("pods", name, where)))
        return f"replace {_said('pods', found)}"

    def _path_of(self, kind: str, item: Object) -> str:
        return f"{self.path(kind, item['metadata'].get('namespace', ''))}/{item['metadata']['name']}"

    def _delete(self, kind: str, item: Object) -> None:
        self._ignoring_conflicts(lambda: self.cluster.delete(self._path_of(kind, item)))

    # -- namespaces --------------------------------------------------------------------------------

    def make_namespace(self) -> str:
        name = self.rng.choice(NAMESPACES)
        made = self._ignoring_conflicts(lambda: self.cluster.create("/api/v1/namespaces", namespace(name)))
        if made:
            self._make_roles(name)
            self._apply_rights(name)
        return f"make namespace {name}{'' if made else ' (is there)'}"

    def delete_namespace(self) -> str:
        """With its objects; or by force, which leaves them."""
        found = self.namespaces()
        if len(found) < 2:
            return "no namespace to delete"
        name, by_force = self.rng.choice(found), self.rng.random() < 0.4
        if not by_force:
            for kind in NAMESPACED:
                for each in self.objects(kind, name):
                    self._delete(kind, each)
        self._end_namespace(name)
        return f"delete namespace {name}{' by force' if by_force else ''}"

    def _end_namespace(self, name: str) -> None:
        """Does what the controller of namespaces does in the end."""
        self.cluster.delete(f"/api/v1/namespaces/{name}")
        left = self.cluster.request("GET", f"/api/v1/namespaces/{name}")
        left["spec"]["finalizers"] = []
        self.cluster.request("PUT", f"/api/v1/namespaces/{name}/finalize", left)

    # -- CRDs --------------------------------------------------------------------------------------

    def change_crds(self) -> str:
        plural = self.rng.choice(sorted(CUSTOM))
        name, crds = f"{plural}.{GROUP}", self.crds()
        if name not in crds:
            self._make_crd(plural)
            return f"make CRD {name}"
        what = self.rng.choice(("delete", "delete", "columns", "versions"))
        if what == "delete":
            self.cluster.delete(f"{CRDS}/{name}")
            self.cluster.until_gone(f"{CRDS}/{name}")
            self._until(f"/apis/{GROUP}/v1/{plural}", served=False)
            return f"delete CRD {name}"
        spec = crds[name]
        if what == "columns":
            self.count += 1
            title = f"Size{self.count % 3}"
            for each in spec["versions"]:
                each["additionalPrinterColumns"] = [{"name": title, "type": "integer", "jsonPath": ".spec.size"}]
            said = f"printer column {title} of {name}"
        else:
            second = spec["versions"][1]
            second["served"] = not second["served"]
            said = f"v2 of {name} is {'served' if second['served'] else 'served no more'}"
        self.cluster.patch(f"{CRDS}/{name}", {"spec": {"versions": spec["versions"]}})
        if what == "versions":
            self._until(f"/apis/{GROUP}/v2/{plural}", served=bool(second["served"]))
        return said

    def _make_crd(self, plural: str) -> None:
        made = crd(plural, GROUP, scope=CUSTOM[plural])
        (first,) = made["spec"]["versions"]
        made["spec"]["versions"] = [first, {**first, "name": "v2", "storage": False, "served": False}]
        name = f"{plural}.{GROUP}"
        there = self.crds().get(name)
        if there is None:
            self.cluster.create(CRDS, made)
        elif served_versions(there) == ["v1"] and not printer_columns(there):
            return
        else:
            self.cluster.patch(f"{CRDS}/{name}", {"spec": {"versions": made["spec"]["versions"]}})
            self._until(f"/apis/{GROUP}/v2/{plural}", served=False)
        self._until(f"/apis/{GROUP}/v1/{plural}", served=True)

    def _until(self, path: str, *, served: bool) -> None:
        """Waits until the list and discovery say so."""
        *_, group, version, plural = path.split("/")

        def is_so() -> bool:
            try:
                self.cluster.list(path)
                lists = True
            except Rejected:
                lists = False
            try:
                resources = self.cluster.request("GET", f"/apis/{group}/{version}")["resources"]
            except Rejected:
                resources = []
            return lists == served == any(each["name"] == plural for each in resources)

        wait_until(is_so, f"{path} is {'' if served else 'not '}served")

    # -- rights ------------------------------------------------------------------------------------

    def change_rights(self) -> str:
        if self.rng.random() < 0.25:
            word = self.rng.choice([f"{verb} {resource}" for resource, _, verb in _OTHER_RIGHTS])
            self.other_rights ^= {word}
            self._apply_rights()
            return f"the reader may {'' if word in self.other_rights else 'not '}{word}"
        resource = self.rng.choice(sorted(_RIGHTS))
        some = set(self.rng.sample(NAMESPACES, self.rng.randint(1, 3)))
        per_namespace = [some, some] if f"{resource}" in _PER_NAMESPACE else []
        self.rights[resource] = self.rng.choice([{"*"}, {"*"}, set(), *per_namespace])
        self._apply_rights()
        return f"the reader may list {resource} in {sorted(self.rights[resource]) or 'no namespace'}"

    def give_all_rights(self) -> str:
        self.rights = {resource: {"*"} for resource in _RIGHTS}
        self.other_rights = {f"{verb} {resource}" for resource, _, verb in _OTHER_RIGHTS}
        self._apply_rights()
        return "the reader has every right"

    def _make_roles(self, *places: str) -> None:
        """A binding in each of these namespaces, or one for all (""); what they give is in roles."""
        for where in places:
            kind = "Role" if where else "ClusterRole"
            inside = f"/namespaces/{where}" if where else ""
            meta = {"metadata": {"name": _ROLE}}
            ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": _ROLE}
            subjects = [{"kind": "User", "name": READER.name, "apiGroup": "rbac.authorization.k8s.io"}]
            plural = kind.lower()
            for path, body in ((f"{plural}s", {"rules": []}), (f"{plural}bindings", {"roleRef": ref})):
                made = {**meta, **body, **({"subjects": subjects} if "roleRef" in body else {})}
                self._ignoring_conflicts(partial(self.cluster.create, f"{RBAC}{inside}/{path}", made))

    def _apply_rights(self, *places: str) -> None:
        meta = {"metadata": {"name": _ROLE}}

        def rules(where: str) -> list[Object]:
            return [
                {"apiGroups": [group], "resources": [resource], "verbs": ["list", "get"]}
                for resource, group in _RIGHTS.items()
                if where in self.rights[resource] and resource != "namespaces"
            ]

        everywhere = rules("*")
        if "*" in self.rights["namespaces"]:
            everywhere.append({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]})
        for resource, group, verb in _OTHER_RIGHTS:
            if f"{verb} {resource}" in self.other_rights:
                everywhere.append({"apiGroups": [group], "resources": [resource], "verbs": [verb]})
        if not places:
            self.cluster.request("PUT", f"{RBAC}/clusterroles/{_ROLE}", {**meta, "rules": everywhere})
        for where in places or self.namespaces():
            body = {**meta, "rules": rules(where)}
            self.cluster.request("PUT", f"{RBAC}/namespaces/{where}/roles/{_ROLE}", body)
        wait_until(self._rights_hold, "the reader's rights hold", seconds=20)

    def _rights_hold(self) -> bool:
        if any(self._may_list(resource, "") != ("*" in self.rights[resource]) for resource in _RIGHTS):
            return False
        for resource, _, verb in _OTHER_RIGHTS:
            if verb == "list" and self._may_list(resource, "") != (f"list {resource}" in self.other_rights):
                return False
        living = self.namespaces()
        return all(
            self._may_list(resource, where) == bool({"*", where} & self.rights[resource])
            for resource in _PER_NAMESPACE
            for where in living
        )

    def _may_list(self, resource: str, where: str) -> bool:
        groups = {**_RIGHTS, **{name: group for name, group, verb in _OTHER_RIGHTS if verb == "list"}}
        asked = {"namespace": where, "verb": "list", "group": groups[resource], "resource": resource}
        body = {"spec": {"resourceAttributes": asked}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool(self.cluster.request("POST", path, body, user=READER)["status"]["allowed"])

    # -- the control plane -------------------------------------------------------------------------

    def restart(self) -> str:
        self.cluster.upgrade(self.cluster.version)
        return "restart the API server"

    def back_up(self) -> str:
        """Copies what etcd holds, while it is down."""
        self.cluster.stop()
        shutil.rmtree(self._backup, ignore_errors=True)
        shutil.copytree(self.cluster.directory / "etcd", self._backup)
        self.start()
        return "back up etcd"

    def forget_backup(self) -> None:
        shutil.rmtree(self._backup, ignore_errors=True)

    @property
    def _backup(self) -> Any:
        return self.cluster.directory / "backup"

    @property
    def has_backup(self) -> bool:
        return bool(self._backup.exists())

    def start(self) -> None:
        self.cluster.upgrade(self.cluster.version)

    def restore(self, stored: dict[str, int]) -> str:
        """Puts the backup in the place of what etcd holds. `stored`: by uid, the versions that a database has of pods.

        Then, mostly, the cluster lives on until its revisions have passed those that were listed; and, where that can
        be, one object gets again a version that it had before the restore, with other content.
        """
        self.cluster.stop()
        shutil.rmtree(self.cluster.directory / "etcd")
        shutil.copytree(self._backup, self.cluster.directory / "etcd")
        self.start()
        self._make_roles(*self.namespaces())
        self._apply_rights()
        said = "restore etcd"
        again = [each for each in self.objects("pods") if stored.get(each["metadata"]["uid"], 0) > self.revision() + 1]
        if again and self.rng.random() < 0.8:
            chosen = self.rng.choice(again)
            wanted = stored[chosen["metadata"]["uid"]]
            self._live_on(wanted - 1)
            self.touch("pods", chosen)
            said += f", {_said('pods', chosen)} gets its old version {wanted} anew"
        if stored and self.rng.random() < 0.8:
            self._live_on(max(stored.values()) + 40)
            said += ", revisions pass those that were stored"
        return said

    def revision(self) -> int:
        answer = self.cluster.request("GET", f"{BALLAST}?limit=1")
        return int(answer["metadata"]["resourceVersion"])

    def _live_on(self, revision: int) -> None:
        """Writes something of no matter until the cluster is at this revision."""
        self._ignoring_conflicts(lambda: self.cluster.create(BALLAST, {"metadata": {"name": "ballast"}}))
        while self.revision() < revision:
            self.count += 1
            self.cluster.patch(f"{BALLAST}/ballast", {"metadata": {"labels": {"n": str(self.count)}}})


def _said(kind: str, item: Object) -> str:
    return f"{kind} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def served_versions(crd: Object) -> list[str]:
    return [each["name"] for each in crd["versions"] if each["served"]]


def printer_columns(crd: Object) -> list[str]:
    """Their titles, in the version that discovery prefers; all of them show the size."""
    newest = next(each for each in reversed(crd["versions"]) if each["served"])
    return [each["name"] for each in newest.get("additionalPrinterColumns", [])]
