"""Contexts: which clusters there are, and a private client for each.

Authentication, TLS, exec plugins and token refresh are the `kubernetes` library's. Never its
module-level default configuration, which threads would share, and never a silent fallback to the
in-cluster configuration, which would read the wrong cluster.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, kube_config
from kubernetes.config.incluster_config import load_incluster_config
from kubernetes.config.kube_config import ConfigNode, KubeConfigLoader

from k8s_inventory.kube.errors import ContextError, Unauthorized
from k8s_inventory.printable import ReportedError

DEFAULT_KUBECONFIG = "~/.kube/config"


class KubeconfigError(ReportedError):
    """A kubeconfig that can not be read at all; the message names the file and what to do."""


@dataclass(frozen=True)
class Context:
    """One cluster by one explicit source: a kubeconfig (paths or content) and a context in it, or the
    service account of the pod this runs in."""

    name: str
    kubeconfig: str | Mapping[str, Any] | None = field(default=None, repr=False)
    context: str | None = None
    in_cluster: bool = False
    verify_tls: bool = True
    problem: str | None = None
    """Why this context can not be used at all; it then fails alone, and not the run."""

    def client(self) -> ApiClient:
        """A new client for this cluster alone.

        Raises `ContextError` for an entry or file that is not there, `Unauthorized` for an exec plugin
        that gives no credentials.
        """
        if self.problem is not None:
            raise ContextError(f"context {self.name}: {self.problem}")
        configuration = Configuration()
        headers: dict[str, str] = {}
        try:
            if self.in_cluster:
                load_incluster_config(client_configuration=configuration)
            else:
                headers = self._load_kubeconfig(configuration)
        except (_Unusable, ConfigException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = str(error) if self.in_cluster else _reason(error, self.kubeconfig)  # there it is of no input
            # Without what raised it: others' texts, and the values in their frames, may hold credentials.
            raise ContextError(f"context {self.name}: its configuration can not be used: {reason}") from None
        if not self.verify_tls:
            configuration.verify_ssl = False
        configuration.retries = False  # retrying is done in one place, `Session`
        client = ApiClient(configuration)
        for name, value in headers.items():
            client.set_default_header(name, value)
        return client

    def _load_kubeconfig(self, configuration: Configuration) -> dict[str, str]:
        config = _merged(self.kubeconfig)
        # With config_base_path=None each entry's files are found beside the kubeconfig that names them.
        loader = KubeConfigLoader(config_dict=config, active_context=self.context, config_base_path=None)
        user, cluster = loader._user, loader._cluster
        _check_flags(cluster, "its cluster", ("insecure-skip-tls-verify", "disable-compression"))
        if user is not None and user.value.get("exec"):
            _check_flags(user["exec"], "exec of its user", ("provideClusterInfo",))
        loader.load_and_set(configuration)
        if not configuration.host or cluster.safe_get("server") is None:
            raise _Unusable("its cluster names no server")
        named = loader._current_context["context"].safe_get("user")
        if named and user is None:
            raise _Unusable(f"its user {named!r} is not among the users of the kubeconfig")
        has_credentials = getattr(loader, "token", None) or getattr(loader, "cert_file", None)
        if user is not None and "exec" in user.value and not has_credentials:
            command = user.value["exec"].get("command", "?")
            raise Unauthorized(
                f"context {self.name}: exec plugin {command!r} gave no credentials; the log lines before this one "
                "hold its message. Run it by hand as the user that runs this."
            )
        # The two settings below are read by kubectl and ignored by the library (36.0.3).
        if cluster.safe_get("proxy-url"):
            configuration.proxy = cluster["proxy-url"]
        return _impersonation(user.value if user is not None else {})


def _check_flags(entry: Any, what: str, names: Sequence[str]) -> None:
    """Refuses a flag that is text, as kubectl does: the library takes any text for true, `"false"`, too."""
    for name in names:
        if not isinstance(entry.safe_get(name), bool | None):
            raise _Unusable(f"`{name}` of {what} must be true or false, without quotes")


def _impersonation(user: Mapping[str, Any]) -> dict[str, str]:
    """https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation"""
    headers = {}
    if user.get("as"):
        headers["Impersonate-User"] = user["as"]
    if user.get("as-uid"):
        headers["Impersonate-Uid"] = user["as-uid"]
    groups = user.get("as-groups") or []
    if len(groups) > 1 or user.get("as-user-extra"):
        raise _Unusable("`as-user-extra` and more than one of `as-groups` are not supported")
    if groups:
        headers["Impersonate-Group"] = groups[0]
    return headers


def kubeconfig_contexts(kubeconfig: str | None = None) -> dict[str, Context]:
    """The contexts of one or several kubeconfigs, by name; of `$KUBECONFIG` or ~/.kube/config by default.

    Raises `KubeconfigError` if none of the files is there, or one is no kubeconfig.
    """
    paths = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    config = _merged(paths)
    names = [str(entry["name"]) for entry in config.value["contexts"]]
    return {name: Context(name=name, kubeconfig=paths, context=name) for name in names}


def remove_credentials() -> None:
    """Removes the files that the library writes of the keys and certificates in a kubeconfig.

    It does so itself at the usual end of a program alone, and not where `os._exit` ends it. No client works after it.
    """
    kube_config._cleanup_temp_files()


_SECTIONS = ("clusters", "contexts", "users")


def _merged(kubeconfig: str | Mapping[str, Any] | None) -> Any:
    """One kubeconfig of several, as kubectl merges them: the first entry of a name wins, the first current context too.

    Each entry remembers its file, beside which the files that it names are. What the library calls an entry in its
    messages, its name, is of our making: by itself it takes the whole of it for its name.
    """
    if not isinstance(kubeconfig, str):
        return ConfigNode("kubeconfig", dict(kubeconfig or {}))
    paths = [Path(path).expanduser() for path in kubeconfig.split(os.pathsep) if path]
    present = [path for path in paths if path.exists()]  # kubectl, too, passes over those that are not
    if not present:
        raise KubeconfigError(
            f"no kubeconfig at {' or '.join(map(str, paths))}: set KUBECONFIG, or configure Airflow connections "
            "of type kubernetes"
        )
    merged: dict[str, Any] = {section: {} for section in _SECTIONS}
    for path in present:
        content = _content(path)
        if content is None and len(present) > 1:  # empty, or all comments
            continue
        _refuse_other(path, content)
        merged.setdefault("current-context", content.get("current-context"))
        for section in _SECTIONS:
            for entry in content.get(section) or []:
                node = ConfigNode(f"{section}[name={entry['name']}]", copy.deepcopy(entry), str(path))
                merged[section].setdefault(entry["name"], node)
    return ConfigNode("kubeconfig", {**merged, **{section: list(merged[section].values()) for section in _SECTIONS}})


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # which of them is known only here
    """libyaml's, ten times as fast. Names such as 2024-01-01 and 1:30 are texts, as they are to kubectl."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, re.compile(r"^[-+]?(0x[0-9a-fA-F]+|0o?[0-7]+|[0-9]+)$") if tag.endswith(":int") else pattern)
        for tag, pattern in resolvers
        if not tag.endswith(":timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _content(path: Path) -> Any:
    """What a file holds; None if that is nothing. Raises `KubeconfigError`."""
    try:
        state = path.stat()
        return _parsed(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise KubeconfigError(f"kubeconfig {path} can not be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise KubeconfigError(f"kubeconfig {path} is not YAML{where}") from None


@lru_cache(16)
def _parsed(path: Path, modified: int, size: int) -> Any:
    """Once, however many contexts are in it; again when the file is another."""
    return yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - it is a safe one


def _refuse_other(path: Path, content: Any) -> None:
    well_formed = isinstance(content, dict) and all(
        isinstance(content.get(section) or [], list)
        and all(
            isinstance(entry, dict) and isinstance(entry.get("name"), str | int | float)
            for entry in content.get(section) or []
        )
        for section in _SECTIONS
    )
    if not well_formed:
        raise KubeconfigError(
            f"kubeconfig {path} is YAML but no kubeconfig: {', '.join(_SECTIONS)} must be lists of named entries"
        )


class _Unusable(ReportedError):
    """What a kubeconfig has wrong, in our own words."""


_LACKING = re.compile(r"Expected key ([\w.-]{1,64}) in ")
_FILE_FIELDS = ("certificate-authority", "client-certificate", "client-key", "tokenFile", "idp-certificate-authority")


def _reason(error: Exception, kubeconfig: str | Mapping[str, Any] | None) -> str:
    """What is wrong with which field. The library prints whole entries, and a file's name may be the key itself."""
    if isinstance(error, _Unusable):
        return str(error)
    said = str(error)
    if lacking := _LACKING.search(said):
        return f"`{lacking[1]}` is lacking in it"
    if isinstance(error, OSError) or said.startswith("File does not exist"):
        why = error.strerror if isinstance(error, OSError) and error.strerror else "No such file or directory"
        return f"{_file_named(str(getattr(error, 'filename', None) or said), kubeconfig)}: {why}"
    if "Expected object with name" in said:
        return "its cluster is not among the clusters of the kubeconfig, or it is not among the contexts"
    return f"a field has a value that it can not have ({type(error).__name__})"


def _file_named(text: str, kubeconfig: str | Mapping[str, Any] | None) -> str:
    """The fields that may name the file that a text speaks of."""
    with suppress(KubeconfigError, ConfigException):
        for field, value in _texts_in(_merged(kubeconfig)):
            if field in _FILE_FIELDS and value and text.endswith(value):
                return f"the file of `{field}`"
    return "a file that it names"


def _texts_in(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a kubeconfig, with the name of its field."""
    value = value.value if isinstance(value, ConfigNode) else value
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts_in(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _texts_in(each, field)
