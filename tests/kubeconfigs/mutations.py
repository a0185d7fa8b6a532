"""Kubeconfigs of every kind of credential, and what goes wrong with such files."""

from __future__ import annotations

import base64
import copy
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from tests.listener import Authority, Listener

PLUGIN = """#!/bin/sh
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "'$1'"}}'
"""
FAILING_PLUGIN = """#!/bin/sh
echo "login with $* failed for $CLIENT_SECRET in $AREA" >&2
exit 3
"""


@dataclass(frozen=True)
class Place:
    """What kubeconfigs lead to, and the files beside them."""

    folder: Path
    authority: Authority
    listener: Listener
    plain: Listener
    certificate: bytes
    key: bytes

    @classmethod
    def make(cls, folder: Path, authority: Authority, listener: Listener, plain: Listener) -> Place:
        issued = authority.issue("admin")
        made = cls(folder, authority, listener, plain, issued.certificate, issued.pem())
        (folder / "ca.crt").write_bytes(authority.certificate)
        (folder / "admin.crt").write_bytes(made.certificate)
        (folder / "admin.key").write_bytes(made.key)
        (folder / "token").write_text("pl4nted-of-file-1\n")
        for name, text in (("plugin", PLUGIN), ("failing-plugin", FAILING_PLUGIN)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        return made


@dataclass
class Made:
    """A kubeconfig as bytes. `secrets` are to be found nowhere, but those that are now in an entry's name, or stand in
    the place of a host; `mutations` says what was done to it."""

    content: bytes = b""
    secrets: list[str] = field(default_factory=list)
    mutations: list[str] = field(default_factory=list)


def make(seed: int, place: Place) -> Made:
    """The kubeconfig of a seed; one in twenty has no fault."""
    return _Maker(random.Random(seed), place).make()


Config = dict[str, Any]


class _Maker:
    def __init__(self, rng: random.Random, place: Place) -> None:
        self._rng = rng
        self._place = place
        self._made = Made()

    def make(self) -> Made:
        kinds = self._rng.sample(sorted(_USERS), self._rng.randint(1, 3))
        config = self._config(kinds)
        if self._rng.random() < 0.95:
            if self._rng.random() < 0.8:
                for _ in range(self._rng.choice((1, 1, 1, 2, 3))):
                    self._change(config)
                content = self._written(config)
            else:
                content = self._spoiled(yaml.safe_dump(config, sort_keys=False))
        else:
            content = self._written(config)
        self._made.content = content
        shown = "\n".join(_shown(config))
        self._made.secrets = [each for each in self._made.secrets if each not in shown]
        return self._made

    def secret(self, what: str) -> str:
        made = f"pl4nted-{what}-{self._rng.randrange(10**6):06}"
        self._made.secrets.append(made)
        return made

    # -- well-formed ---------------------------------------------------------------------------------

    def _config(self, kinds: Sequence[str]) -> Config:
        names = [f"{kind}-{number}" for number, kind in enumerate(kinds)]
        self._made.mutations.append(" ".join(kinds))
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": names[0],
            "preferences": {},
            "clusters": [{"name": f"cluster-{name}", "cluster": self._cluster()} for name in names],
            "users": [
                {"name": f"user-{name}", "user": _USERS[kind](self)} for name, kind in zip(names, kinds, strict=True)
            ],
            "contexts": [
                {"name": name, "context": {"cluster": f"cluster-{name}", "user": f"user-{name}", "namespace": "shop"}}
                for name in names
            ],
        }

    def _cluster(self) -> Config:
        made: Config = {"server": self._place.listener.url}
        if self._rng.random() < 0.7:
            made["certificate-authority-data"] = _base64(self._place.authority.certificate)
        else:
            made["certificate-authority"] = self._rng.choice(("ca.crt", str(self._place.folder / "ca.crt")))
        if self._rng.random() < 0.15:
            made["server"] = made["server"].replace("://", f"://u:{self.secret('userinfo')}@")
        if self._rng.random() < 0.1:
            made["proxy-url"] = f"{self._rng.choice(('http', 'socks5'))}://u:{self.secret('proxy')}@127.0.0.1:1"
        return made

    def token(self) -> Config:
        return {"token": self.secret("token")}

    def token_file(self) -> Config:
        self._made.secrets.append("pl4nted-of-file-1")
        return {"tokenFile": "token"}

    def basic(self) -> Config:
        return {"username": "admin", "password": self.secret("password")}

    def certificate_data(self) -> Config:
        self._key_is_secret()
        return {
            "client-certificate-data": _base64(self._place.certificate),
            "client-key-data": _base64(self._place.key),
        }

    def certificate_files(self) -> Config:
        self._key_is_secret()
        return {"client-certificate": "admin.crt", "client-key": "admin.key"}

    def _key_is_secret(self) -> None:
        lines = self._place.key.decode().splitlines()[1:-1]
        self._made.secrets += [lines[0][:40], _base64(self._place.key)[60:100]]

    def exec_plugin(self) -> Config:
        return self._exec("plugin")

    def failing_plugin(self) -> Config:
        return self._exec("failing-plugin")

    def _exec(self, program: str) -> Config:
        secret = self.secret("argument")
        return {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": f"./{program}",
                "args": [secret] if program == "plugin" else ["get-token", "--client-secret", secret],
                "env": [
                    {"name": "CLIENT_SECRET", "value": self.secret("env")},
                    {"name": "AREA", "value": self.secret("area")},
                ],
                "installHint": "install it",
                "interactiveMode": "Never",
                "provideClusterInfo": self._rng.random() < 0.5,
            }
        }

    def oidc(self) -> Config:
        claims = {"iss": "https://127.0.0.1:1", "exp": int(time.time()) + self._rng.choice((3600, -3600))}
        token = f"{_json64({'alg': 'none'})}.{_json64(claims)}.{_base64(self.secret('signature').encode()).rstrip('=')}"
        self._made.secrets.append(token)
        return {
            "auth-provider": {
                "name": "oidc",
                "config": {
                    "idp-issuer-url": "https://127.0.0.1:1",
                    "client-id": "inventory",
                    "client-secret": self.secret("client-secret"),
                    "id-token": token,
                    "refresh-token": self.secret("refresh"),
                },
            }
        }

    def impersonating(self) -> Config:
        return {**self.token(), "as": "someone", "as-groups": ["a", "b"], "as-user-extra": {"reason": ["because"]}}

    # -- faults of the structure ---------------------------------------------------------------------

    def _change(self, config: Config) -> None:
        places = list(_places(config))
        if not places:
            return
        parent, key = self._rng.choice(places)
        names = "drop rename null retype empty duplicate move swap garble garble odd_url odd_name shout"
        name = self._rng.choice(names.split())
        self._made.mutations.append(f"{name} {key}")
        getattr(self, f"_{name}")(config, parent, key)

    def _drop(self, config: Config, parent: Any, key: Any) -> None:
        del parent[key]

    def _rename(self, config: Config, parent: Any, key: Any) -> None:
        if isinstance(parent, dict):
            how: list[Callable[[str], str]] = [
                str.upper,
                str.title,
                lambda name: name.replace("-", "_"),
                lambda name: f"{name} ",
            ]
            parent[self._rng.choice([*(each(key) for each in how), "", "~", "<<", self.secret("key")])] = parent.pop(
                key
            )

    def _null(self, config: Config, parent: Any, key: Any) -> None:
        parent[key] = None

    def _retype(self, config: Config, parent: Any, key: Any) -> None:
        value = parent[key]
        parent[key] = self._rng.choice(
            [[value], {"value": value}, str(value), 17, 1.5, True, False, [], {}, [[value]], "true"]
        )

    def _empty(self, config: Config, parent: Any, key: Any) -> None:
        parent[key] = type(parent[key])() if parent[key] is not None else ""

    def _duplicate(self, config: Config, parent: Any, key: Any) -> None:
        if isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        else:
            parent[key] = [parent[key], copy.deepcopy(parent[key])]

    def _move(self, config: Config, parent: Any, key: Any) -> None:
        value = parent[key]
        target, _ = self._rng.choice(list(_places(config)))
        del parent[key]
        if isinstance(target, dict):
            target[str(key)] = value
        else:
            target.append(value)

    def _swap(self, config: Config, parent: Any, key: Any) -> None:
        other, beside = self._rng.choice(list(_places(config)))
        value = copy.deepcopy(other[beside])
        other[beside], parent[key] = copy.deepcopy(parent[key]), value

    def _garble(self, config: Config, parent: Any, key: Any) -> None:
        value = str(parent[key])
        at = self._rng.randint(0, len(value))
        odd = self._rng.choice(["\n", "\0", "é", "\U0001f4a5", "\x1b[31m", "%", "\u202e", " ", "=", "/", "@", "#"])
        parent[key] = self._rng.choice(
            [
                *(
                    f"{value}\n",
                    f" {value} ",
                    f"\t{value}",
                    value[:at],
                    value[at:],
                    value * 3,
                    value.upper(),
                    value[::-1],
                ),
                *(f'"{value}"', f"${{{value}}}", f"~/{value}", f"-----BEGIN {value}", f"/{value}", f"file://{value}"),
                *[value[:at] + odd + value[at:]] * 4,
                *[_base64(value.encode())] * 2,
            ]
        )

    def _shout(self, config: Config, parent: Any, key: Any) -> None:
        value = parent[key]
        if isinstance(value, str):
            parent[key] = value.replace("https", "HTTPS") if "https" in value else value.swapcase()

    def _odd_url(self, config: Config, parent: Any, key: Any) -> None:
        clusters = [each["cluster"] for each in _entries(config, "clusters") if isinstance(each.get("cluster"), dict)]
        if not clusters:
            return
        secret = self.secret("url")
        changed = self._rng.choice(clusters)
        changed[self._rng.choice(("server", "server", "proxy-url"))] = (
            self._rng.choice(_URLS)
            .replace("HERE", f"127.0.0.1:{self._place.listener.port}")
            .replace("PLAIN", f"127.0.0.1:{self._place.plain.port}")
            .replace("SECRET", secret)
        )

    def _odd_name(self, config: Config, parent: Any, key: Any) -> None:
        contexts = _entries(config, "contexts")
        if contexts:
            self._rng.choice(contexts)["name"] = self._rng.choice(_NAMES)

    # -- faults of the text --------------------------------------------------------------------------

    def _written(self, config: Config) -> bytes:
        rng = self._rng
        forms: list[Callable[[], str]] = [
            lambda: yaml.safe_dump(config, sort_keys=False),
            lambda: yaml.safe_dump(config, sort_keys=False),
            lambda: yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
            lambda: yaml.safe_dump(config, default_flow_style=True, width=rng.choice((20, 1000))),
            lambda: yaml.safe_dump(config, default_style=rng.choice(('"', "'", "|"))),
            lambda: json.dumps(config),
            lambda: json.dumps(config, indent="\t", ensure_ascii=False),
        ]
        return rng.choice(forms)().encode(errors="surrogatepass")

    def _spoiled(self, text: str) -> bytes:
        """What an editor, a terminal or a copy does to it."""
        rng = self._rng
        lines = text.splitlines()
        at = rng.randrange(len(lines))
        point = rng.randrange(len(text))
        name = rng.choice(_TEXT_FAULTS)
        self._made.mutations.append(f"text {name} at {at if name not in ('cut', 'insert') else point}")
        if name == "indent":
            lines[at] = rng.choice(("  ", " ", "\t", "    ", "- ")) + lines[at]
        elif name == "outdent":
            lines[at] = lines[at].lstrip()
        elif name == "cut":
            return text[:point].encode()
        elif name == "twice":
            lines.insert(at, lines[at])
        elif name == "swapped":
            lines[at], lines[at - 1] = lines[at - 1], lines[at]
        elif name == "without":
            del lines[at]
        elif name == "insert":
            odd = [
                "\t",
                ":",
                " #",
                '"',
                "'",
                "&a ",
                "*a",
                "!!python/object:os.system ",
                "<<: *a",
                "{",
                "[",
                "|\n",
                ">\n",
                "\0",
            ]
            odd += [
                "\x1b",
                "\ufeff",
                "---\n",
                "...\n",
                "? ",
                "- ",
                "%",
                "@",
                "`",
                "\n",
                "\r",
                "\u2028",
                ",",
                "!!binary ",
                "~",
            ]
            return (text[:point] + rng.choice(odd) + text[point:]).encode()
        else:
            made = "\n".join(lines)
            how = rng.choice(("utf-16", "utf-32", "utf-8-sig", "cp1252", "crlf", "cr", "bytes", "gzip", "base64"))
            self._made.mutations.append(how)
            if how == "crlf":
                return made.replace("\n", "\r\n").encode()
            if how == "cr":
                return made.replace("\n", "\r").encode()
            if how == "bytes":
                return made.encode()[:point] + bytes([rng.randrange(128, 256)]) + made.encode()[point:]
            if how == "gzip":
                return b"\x1f\x8b\x08" + made.encode()
            return base64.b64encode(made.encode()) if how == "base64" else made.encode(how, errors="replace")
        return "\n".join(lines).encode()


_NAMES = [
    *(
        "a,b",
        " a ",
        "[x]",
        "[fd00--1]:6443/admin",
        "2024-01-01",
        "1:30",
        "yes",
        "~",
        "null",
        "0x1f",
        "1e3",
        "a\nb",
        "é",
    ),
    *("\x1b[31mred", "a" * 300, "arn:aws:eks:eu:1:cluster/a", "u@h", "-x", "--help", "%s", "{}", "\u202eabc", "a\0b"),
]
_URLS = [
    *(
        "HERE",
        "http://HERE",
        "http://PLAIN",
        "PLAIN",
        "HTTPS://HERE/",
        "https://HERE/a/../",
        "https://HERE//",
        "https://",
    ),
    *(
        "https://https://HERE",
        "https:// HERE",
        "https:/HERE",
        "https://HEREx",
        "https://127.0.0.1:99999",
        "https://HERE\n",
    ),
    *("https://127.0.0.1:-1", "https://127.0.0.1:", "https://u:SECRET@HERE", "https://SECRET@HERE", "u:SECRET@HERE"),
    *("https://u:SECRET/x@HERE", "https://u:SECRET#x@HERE", "https://u:SECRET@@HERE", "https://u:SECRET@[::1"),
    *(
        "https://u:SECRET%zz@HERE",
        "https://HERE/?token=SECRET",
        "https://HERE/#SECRET",
        "https://[::1]:1",
        "//u:SECRET@HERE",
    ),
    *("ftp://u:SECRET@HERE", "https://ex ample", "https://[fe80::1%25lo]:1", "socks5://u:SECRET@127.0.0.1:1"),
    *(
        "https://münchen.invalid",
        "https://a..b",
        "https://" + "a" * 64 + ".invalid",
        "https://127.0.0.1:1",
        "https://\U0001f4a5",
    ),
    *(
        "socks5h://u:SECRET@127.0.0.1:1",
        "https://u:SECRET@127.0.0.1:1",
        "u:SECRET@127.0.0.1:1",
        "http://u:SECRET@127.0.0.1:x",
    ),
]
_TEXT_FAULTS = [
    *("indent", "indent", "outdent", "cut", "cut", "twice", "swapped", "without"),
    *("insert", "insert", "insert", "insert", "encoded", "encoded"),
]

_USERS: dict[str, Callable[[_Maker], Config]] = {
    "token": _Maker.token,
    "token-file": _Maker.token_file,
    "basic": _Maker.basic,
    "certificate-data": _Maker.certificate_data,
    "certificate-files": _Maker.certificate_files,
    "exec": _Maker.exec_plugin,
    "failing-exec": _Maker.failing_plugin,
    "oidc": _Maker.oidc,
    "impersonating": _Maker.impersonating,
}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _json64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every parent with a key in it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _entries(config: Config, section: str) -> list[Config]:
    entries = config.get(section)
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def _shown(config: Config) -> Iterator[str]:
    """What is now a name, or stands for a host: messages may say it."""
    for section in ("clusters", "users", "contexts"):
        for each in _entries(config, section):
            yield str(each.get("name"))
    # An argument is known to be a secret by the one before it.
    for parent, key in _places(config):
        if key == "args" and isinstance(parent, dict) and isinstance(parent[key], list):
            yield from (
                str(each)
                for before, each in pairwise(["", *parent[key]])
                if before not in ("--client-secret", "--CLIENT-SECRET")
            )
    for each in _entries(config, "clusters"):
        cluster = each.get("cluster")
        for name in ("server", "proxy-url"):
            if isinstance(cluster, dict) and "@" not in str(cluster.get(name)) and "?" not in str(cluster.get(name)):
                yield str(cluster.get(name)).partition("#")[0]
