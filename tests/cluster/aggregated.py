"""An aggregated API server: one version of an API group, answered for by a process that is not the kube-apiserver."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.cluster.cluster import Cluster, Object, Rejected, free_ports, wait_until

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
PRIORITY = 1000
"""Above that of CRDs: its version of the group is the preferred one."""


class Aggregated:
    """Serves each of `kinds` (plural and kind) of a group's version, with the objects of these names in `default`.

    It can be ended and started again; its APIService stays until `unregister`.
    """

    def __init__(
        self, cluster: Cluster, *, group: str, version: str, kinds: dict[str, str], names: Iterable[str]
    ) -> None:
        self._cluster = cluster
        self._group, self._version, self._kinds, self._names = group, version, kinds, list(names)
        (self._port,) = free_ports(1)
        self._server: ThreadingHTTPServer | None = None
        self._is_registered = False

    @property
    def name(self) -> str:
        """Of its APIService."""
        return f"{self._version}.{self._group}"

    def register(self) -> None:
        service = f"for-{self._version}"
        external = {"type": "ExternalName", "externalName": "127.0.0.1", "ports": [{"port": self._port}]}
        self._cluster.create("/api/v1/namespaces/default/services", {"metadata": {"name": service}, "spec": external})
        spec = {
            "group": self._group,
            "version": self._version,
            "groupPriorityMinimum": PRIORITY,
            "versionPriority": PRIORITY,
            "insecureSkipTLSVerify": True,
            "service": {"name": service, "namespace": "default", "port": self._port},
        }
        self._cluster.create(SERVICES, {"metadata": {"name": self.name}, "spec": spec})
        self._is_registered = True

    def unregister(self) -> None:
        self._cluster.delete(f"{SERVICES}/{self.name}")
        self._is_registered = False

    def start(self) -> None:
        """Until the kube-apiserver has seen that it answers."""
        answers = self._answers()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                found = answers.get(self.path.partition("?")[0])
                body = json.dumps(found or {"kind": "Status", "code": 404}).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._cluster.ca_file, self._cluster.ca_file.with_suffix(".key"))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._until_available(True)

    def end(self) -> None:
        """Until the kube-apiserver has seen that it does not answer."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._is_registered:
            self._until_available(False)

    def _until_available(self, wanted: bool) -> None:
        counter = iter(range(10_000))

        def is_so() -> bool:
            note = {"metadata": {"annotations": {"test/asked": str(next(counter))}}}  # it looks at what changes
            try:
                found = self._cluster.patch(f"{SERVICES}/{self.name}", note)
            except Rejected:
                return False
            conditions = {each["type"]: each["status"] for each in found.get("status", {}).get("conditions", ())}
            if (conditions.get("Available") == "True") is not wanted:
                return False
            return not wanted or self._is_listed()

        wait_until(is_so, f"the APIService {self.name} is {'available' if wanted else 'not available'}")

    def _is_listed(self) -> bool:
        accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        groups = self._cluster.request("GET", "/apis", accept=accept)["items"]
        versions = [
            version for each in groups if each["metadata"]["name"] == self._group for version in each["versions"]
        ]
        return any(each["version"] == self._version and each.get("freshness") == "Current" for each in versions)

    def _answers(self) -> dict[str, Object]:
        group_version = f"{self._group}/{self._version}"
        version = {"groupVersion": group_version, "version": self._version}
        group = {"name": self._group, "versions": [version], "preferredVersion": version}
        resources = [
            {"name": plural, "kind": kind, "namespaced": True, "singularName": kind.lower(), "verbs": ["get", "list"]}
            for plural, kind in self._kinds.items()
        ]
        root = f"/apis/{group_version}"
        answers: dict[str, Object] = {
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]},
            f"/apis/{self._group}": {"kind": "APIGroup", "apiVersion": "v1", **group},
            root: {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": group_version,
                "resources": resources,
            },
        }
        for plural, kind in self._kinds.items():
            items = [
                {
                    "apiVersion": group_version,
                    "kind": kind,
                    "metadata": {
                        "name": name,
                        "namespace": "default",
                        "uid": f"{self._version}-{plural}-{name}",
                        "resourceVersion": "1",
                    },
                }
                for name in self._names
            ]
            answers[f"{root}/{plural}"] = {
                "kind": f"{kind}List",
                "apiVersion": group_version,
                "metadata": {"resourceVersion": "1"},
                "items": items,
            }
        return answers
