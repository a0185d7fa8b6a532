"""What the cluster and the user of a context say, each field checked. Messages name fields, and never hold a value.

As in client-go's `tools/clientcmd`, null and empty are the same as not there, and data counts before a file.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from k8s_inventory.credentials import REDACTED
from k8s_inventory.kube.errors import Unusable
from k8s_inventory.kube.kubeconfig.certificates import Identity, Pem
from k8s_inventory.kube.kubeconfig.exec_plugin import ExecPlugin
from k8s_inventory.kube.kubeconfig.files import TWICE, Entry, Unreadable, read_bounded
from k8s_inventory.kube.kubeconfig.oidc import OidcProvider

MOST_OF_PEM = 1 << 20
MOST_OF_TOKEN = 1 << 16
"""Bytes of a file. No server takes headers that long."""

_EXEC_CONFIG = "client.authentication.k8s.io/exec"


class _Fields:
    """The fields of a mapping. `where` is what messages call it."""

    def __init__(self, value: Any, where: str, folder: Path, prefix: str = "") -> None:
        if not isinstance(value, dict | None):
            raise Unusable(f"{where}: {prefix.rstrip('.') or 'what stands beside its name'} must be a mapping")
        self._value = value or {}
        self._where = where
        self._folder = folder
        self._prefix = prefix

    def named(self, name: str) -> str:
        """How messages speak of a field."""
        return f"{self._where}: {self._prefix}{name}"

    def _get(self, name: str) -> Any:
        value = self._value.get(name)
        if value is TWICE:
            raise Unusable(f"{self.named(name)} is there more than once")
        return value

    def text(self, name: str) -> str:
        """Empty where there is none."""
        value = self._get(name)
        if not isinstance(value, str | None):
            raise Unusable(f"{self.named(name)} must be text{_quotes(value)}")
        return value or ""

    def flag(self, name: str) -> bool:
        value = self._get(name)
        if not isinstance(value, bool | None):
            raise Unusable(f"{self.named(name)} must be true or false, without quotes")
        return bool(value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._get(name) or []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Unusable(f"{self.named(name)} must be a list of texts")
        return tuple(value)

    def mapping(self, name: str) -> _Fields | None:
        value = self._get(name)
        return None if value is None else _Fields(value, self._where, self._folder, f"{self._prefix}{name}.")

    def mappings(self, name: str) -> Iterator[_Fields]:
        value = self._get(name) or []
        if not isinstance(value, list):
            raise Unusable(f"{self.named(name)} must be a list")
        return (_Fields(each, self._where, self._folder, f"{self._prefix}{name}.") for each in value)

    def names(self) -> list[str]:
        return [str(name) for name in self._value]

    def json(self, name: str) -> Any:
        """Anything that JSON can hold."""
        value = self._get(name)
        try:
            json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            raise Unusable(f"{self.named(name)} holds a key twice, or more than JSON can") from None
        return value

    def data(self, name: str) -> bytes:
        """Of base64, which may be broken into lines."""
        try:
            return base64.b64decode(re.sub(r"[\r\n]", "", self.text(name)), validate=True)
        except (binascii.Error, ValueError):
            raise Unusable(f"{self.named(name)} is not base64") from None

    def path(self, name: str) -> Path | None:
        """Of a file, which is beside the kubeconfig unless its path is absolute."""
        text = self.text(name)
        return self._folder / text if text else None

    def pem(self, name: str) -> Pem | None:
        """What is in `name-data`, or else in the file of `name`."""
        if content := self.data(f"{name}-data"):
            return Pem(content, self.named(f"{name}-data"))
        path = self.path(name)
        return Pem(read_file(path, MOST_OF_PEM, self.named(name)), self.named(name)) if path else None


def read_file(path: Path, most: int, field: str) -> bytes:
    """The bytes of the file that a field names. Raises `Unusable`."""
    try:
        return read_bounded(path, most)
    except Unreadable as error:
        raise Unusable(f"the file of {field} can not be read: {error}") from None


def header_value(text: str, field: str) -> str:
    """A text as the value of a header: what Go sends, in UTF-8, is for `http.client` Latin-1. Raises `Unusable`."""
    try:
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text):
            raise ValueError
        return text.encode().decode("latin-1")
    except ValueError:
        raise Unusable(f"{field} has characters in it that no header can hold") from None


def _quotes(value: Any) -> str:
    return "" if isinstance(value, list | dict) else ": put it into quotes"


@dataclass(frozen=True, repr=False)
class Server:
    """`url` is where requests go: without a slash at its end, and without userinfo."""

    url: str
    userinfo: tuple[str, str] | None = None

    @property
    def shown(self) -> str:
        """As it may be shown."""
        return self.url.replace("://", f"://{REDACTED}@", 1) if self.userinfo else self.url

    @property
    def is_encrypted(self) -> bool:
        return self.url.startswith("https:")


_SERVER = re.compile(
    r"""(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?
        (?:(?P<userinfo>[^/?#]*)@)?
        (?P<host>\[[^\[\]/?#@]*\]|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?=:)|[^:/?#\[\]@]*)
        (?::(?P<port>[^/?#]*))?
        (?P<path>(?:/[^?#]*)?)
        (?:[?#].*)?""",
    re.VERBOSE,
)


_PIECE = r"(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
"""https://www.rfc-editor.org/rfc/rfc3986#section-3.3"""


def parse_server(text: str, field: str) -> Server:
    """The server of a cluster entry. Raises `Unusable`.

    As client-go has it, it is reached over http where no scheme stands before it, and what follows a `?` or `#` is
    left out.
    """

    def refused(why: str) -> Unusable:
        return Unusable(f"{field} {why}: it must be https://host:port")

    if not text:
        raise Unusable(f"{field} is not set")
    if re.search(r"[\x00-\x20\x7f]", text):
        raise refused("has a space or line break in it")
    parts = _SERVER.fullmatch(text)
    if parts is None:
        raise refused("is no URL")
    scheme = (parts["scheme"] or "http").lower()
    if scheme not in ("http", "https"):
        raise refused("has another scheme than https or http")
    port, path = parts["port"] or "", parts["path"].rstrip("/")
    if not re.fullmatch(r"[0-9]{0,5}", port) or int(port or 1) not in range(1, 1 << 16):
        raise refused("has a port that is no number from 1 to 65535")
    if path and not parts["scheme"]:
        raise refused("has a path, and no scheme before the host")
    if not re.fullmatch(rf"(?:/{_PIECE}+)*", path, re.ASCII):
        raise refused("has a path that no URL has, such as one with // in it")
    if not re.fullmatch(rf"{_PIECE}*", parts["userinfo"] or "", re.ASCII):
        raise refused("has characters before an @ that must be percent-encoded")
    host = _host(parts["host"])
    if host is None:
        raise refused("names no host that there can be")
    user, _, password = (parts["userinfo"] or "").partition(":")
    userinfo = (unquote_to_bytes(user).decode(errors="replace"), unquote_to_bytes(password).decode(errors="replace"))
    return Server(f"{scheme}://{host}{f':{port}' if port else ''}{path}", userinfo if parts["userinfo"] else None)


def _host(text: str) -> str | None:
    """A host as it is asked for, in ASCII; None if there can be none of that name."""
    if ":" in text:
        address = text.removeprefix("[").removesuffix("]")
        try:
            ipaddress.IPv6Address(address.replace("%25", "%", 1))
        except ValueError:
            return None
        return f"[{address}]"
    try:
        host = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    labels = host.removesuffix(".").split(".")
    is_name = all(re.fullmatch(r"[\w~!$&'()*+,;=-]{1,63}", label, re.ASCII) for label in labels)
    return host if is_name and len(host) <= 253 else None


@dataclass(frozen=True, repr=False)
class ClusterEntry:
    """How the API server is reached. `exec_info` is what an exec plugin is told of it, if it wants to be."""

    server: Server
    ca: Pem | None
    insecure: bool
    tls_server_name: str
    proxy_url: str
    disable_compression: bool
    exec_info: Mapping[str, Any]


def read_cluster(entry: Entry) -> ClusterEntry:
    """Raises `Unusable`."""
    fields = _Fields(entry.value, str(entry), entry.folder)
    ca, insecure = fields.pem("certificate-authority"), fields.flag("insecure-skip-tls-verify")
    if ca is not None and insecure:
        raise Unusable(
            f"{fields.named('insecure-skip-tls-verify')} is true and there is a certificate-authority, too, which "
            "kubectl refuses: leave out one of the two"
        )
    server = parse_server(fields.text("server"), fields.named("server"))
    tls_server_name = fields.text("tls-server-name")
    if tls_server_name and _host(tls_server_name) is None:
        raise Unusable(f"{fields.named('tls-server-name')} is not the name of a host")
    proxy_url, disable_compression = fields.text("proxy-url"), fields.flag("disable-compression")
    configs = [each.json("extension") for each in fields.mappings("extensions") if each.text("name") == _EXEC_CONFIG]
    told = {
        "server": server.url,
        "tls-server-name": tls_server_name,
        "insecure-skip-tls-verify": insecure,
        "certificate-authority-data": base64.b64encode(ca.content).decode() if ca else "",
        "proxy-url": proxy_url,
        "disable-compression": disable_compression,
        "config": next(iter(configs), None),
    }
    return ClusterEntry(
        server=server,
        ca=ca,
        insecure=insecure,
        tls_server_name=tls_server_name,
        proxy_url=proxy_url,
        disable_compression=disable_compression,
        exec_info={name: value for name, value in told.items() if value},
    )


@dataclass(frozen=True, repr=False)
class UserEntry:
    """Who asks. `token` is sent as it is, that of `token_file` before it; `basic` are a name and a password.

    `provider` gives credentials where there are no others.
    """

    where: str
    token: str
    token_file: Path | None
    basic: tuple[str, str] | None
    identity: Identity | None
    impersonation: tuple[tuple[str, str], ...]
    provider: ExecPlugin | OidcProvider | None


NOBODY = UserEntry("", "", None, None, None, (), None)


def read_user(entry: Entry, exec_info: Mapping[str, Any]) -> UserEntry:
    """Raises `Unusable`."""
    fields = _Fields(entry.value, str(entry), entry.folder)
    token = header_value(fields.text("token").strip(), fields.named("token"))
    token_file = fields.path("tokenFile")
    username, password = fields.text("username"), fields.text("password")
    basic = (username, password) if username or password else None
    if basic and (token or token_file):
        raise Unusable(f"{entry} has a token and a password: kubectl refuses that; leave out one of the two")
    exec_plugin, auth_provider = fields.mapping("exec"), fields.mapping("auth-provider")
    if exec_plugin and auth_provider:
        raise Unusable(f"{entry} has exec and auth-provider: kubectl refuses that; leave out one of the two")
    identity = _identity(fields, has_other=bool(token or token_file or basic or exec_plugin or auth_provider))
    # Neither is asked where a token or password is there, and no plugin is run where a certificate is.
    provider: ExecPlugin | OidcProvider | None = _oidc(auth_provider) if auth_provider else None
    if exec_plugin and not identity:
        provider = _exec_plugin(exec_plugin, entry.folder, exec_info)
    if token or token_file or basic:
        provider = None
    return UserEntry(
        where=str(entry),
        token=token,
        token_file=token_file,
        basic=basic,
        identity=identity,
        impersonation=tuple(_impersonation(fields)),
        provider=provider,
    )


def _identity(fields: _Fields, *, has_other: bool) -> Identity | None:
    certificate = fields.pem("client-certificate")
    if certificate is None and has_other:
        return None  # kubectl does not look at the key
    key = fields.pem("client-key")
    if certificate is not None and key is not None:
        return Identity(certificate, key)
    if certificate is not None:
        raise Unusable(f"{certificate.field} is of no use without client-key or client-key-data")
    if key is not None:
        raise Unusable(f"{key.field} is of no use without client-certificate or client-certificate-data")
    return None


def _impersonation(fields: _Fields) -> Iterator[tuple[str, str]]:
    """Headers: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation"""
    user, uid, groups = fields.text("as"), fields.text("as-uid"), fields.texts("as-groups")
    extra = fields.mapping("as-user-extra")
    extras = {name: extra.texts(name) for name in extra.names()} if extra else {}
    if not user:
        if uid or groups or extras:
            raise Unusable(f"{fields.named('as')} must be set where as-uid, as-groups or as-user-extra are")
        return
    yield "Impersonate-User", header_value(user, fields.named("as"))
    if uid:
        yield "Impersonate-Uid", header_value(uid, fields.named("as-uid"))
    for group in groups:
        yield "Impersonate-Group", header_value(group, fields.named("as-groups"))
    for name, values in extras.items():
        for value in values:
            # What may be in the name of a header, but for %: https://www.rfc-editor.org/rfc/rfc9110#name-tokens
            escaped = quote(name.lower().encode(errors="replace"), safe="!#$&'*+^`|")
            yield f"Impersonate-Extra-{escaped}", header_value(value, fields.named("as-user-extra"))


def _exec_plugin(fields: _Fields, folder: Path, exec_info: Mapping[str, Any]) -> ExecPlugin:
    command = fields.text("command")
    if "/" in command:  # else it is looked for in $PATH
        command = str(folder / command)
    env = [(each.text("name"), each.text("value")) for each in fields.mappings("env")]
    return ExecPlugin(
        api_version=fields.text("apiVersion"),
        command=command,
        args=fields.texts("args"),
        env=tuple(env),
        install_hint=fields.text("installHint"),
        interactive_mode=fields.text("interactiveMode"),
        cluster=exec_info if fields.flag("provideClusterInfo") else None,
    )


def _oidc(fields: _Fields) -> OidcProvider:
    if fields.text("name") != "oidc":
        raise Unusable(
            f"{fields.named('name')} must be oidc: kubectl dropped the other providers; have your cloud's command "
            "line write an exec plugin into the kubeconfig"
        )
    config = fields.mapping("config") or _Fields(None, "", Path())
    ca = config.pem("idp-certificate-authority")
    return OidcProvider(
        issuer_url=config.text("idp-issuer-url"),
        client_id=config.text("client-id"),
        client_secret=config.text("client-secret"),
        id_token=config.text("id-token"),
        refresh_token=config.text("refresh-token"),
        ca=ca.content if ca else None,
    )
