"""Kubeconfigs of every make, as kubectl reads them: what it can read we can, and whoever asks shows the same.

Where that is not so the table says it, and what our message is. kubectl is asked where it is installed.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s_inventory.kinds import ApiPath
from k8s_inventory.kube.contexts import Context, kubeconfig_contexts
from k8s_inventory.kube.errors import KubeconfigError, KubeError
from k8s_inventory.kube.session import Session
from tests.conftest import IMPATIENT
from tests.kubectl import KUBECTL
from tests.listener import PKCS1, Authority, Listener

SECRET = "SeCrEt"
"""Is in every value that must not be told."""
TOKEN = f"{SECRET}-token"


@dataclass(frozen=True)
class Place:
    """What kubeconfigs lead to, and files beside them."""

    folder: Path
    authority: Authority
    listener: Listener
    plain: Listener
    six: Listener

    @property
    def asked(self) -> list[tuple[str, ...]]:
        found = [asked for each in (self.listener, self.plain, self.six) for asked in each.asked]
        for each in (self.listener, self.plain, self.six):
            each.asked.clear()
        return found


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("kubeconfigs")
    authority = Authority()
    admin, other = authority.issue("admin"), authority.issue("other")
    of_rsa = authority.issue("admin", rsa_key=True)
    files = {
        "ca.crt": authority.certificate,
        "admin.crt": admin.certificate,
        "admin.key": admin.pem(),
        "rsa.crt": of_rsa.certificate,
        "rsa.key": of_rsa.pem(),
        "rsa1.key": of_rsa.pem(PKCS1),
        "admin1.key": admin.pem(PKCS1),
        "encrypted.key": admin.pem(password=SECRET),
        "encrypted1.key": admin.pem(PKCS1, password=SECRET),
        "other.key": other.pem(),
        "empty": b"",
        "token": f"{SECRET}-file\n".encode(),
        "token-inner": f"{SECRET}\nfile".encode(),
        "token-bytes": b"\xff\xfe" + SECRET.encode(),
        "bundle.crt": b"# of us\n" + Authority().certificate + authority.certificate,
        "garbage.crt": b"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    os.mkfifo(folder / "pipe")
    with (
        Listener(folder, authority) as listener,
        Listener(folder, authority, encrypted=False) as plain,
        Listener(folder, authority, address="::1") as six,
    ):
        yield Place(folder, authority, listener, plain, six)


# -- one context ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """`cluster` is beside a server and its CA, or in their place; `said` is in our message where we can not read it.

    `differs` says why where kubectl has it otherwise.
    """

    cluster: dict[str, Any] = field(default_factory=dict)
    user: Any = field(default_factory=lambda: {"token": TOKEN})
    said: str | None = None
    differs: str | None = None


def server(text: str, said: str | None = None, differs: str | None = None, **more: Any) -> Case:
    return Case({"server": text, **more}, {"token": TOKEN}, said, differs)


def user(said: str | None = None, differs: str | None = None, **fields: Any) -> Case:
    return Case({}, {name.replace("_", "-"): value for name, value in fields.items()}, said, differs)


def ca(said: str | None = None, differs: str | None = None, **fields: Any) -> Case:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return Case({"certificate-authority-data": None, **named}, {"token": TOKEN}, said, differs)


CERTIFICATE = {"client_certificate": "admin.crt", "client_key": "admin.key"}
OURS_TOO = "we read more"
PROMPTS = "kubectl asks for a name and password at the terminal"

USERS = {
    "token": user(token=TOKEN),
    "token with a line break": user(token=f"{TOKEN}\n", differs=OURS_TOO),
    "token with blanks around it": user(token=f" {TOKEN} ", differs="kubectl sends the blank before it"),
    "token with a tab in it": user(token=f"{TOKEN}\t1"),
    "token in other letters": user(token=f"{TOKEN}-“ł”"),
    "token with a line break in it": user('user "u": token has characters', token=f"{TOKEN}\n1"),
    "token of zero": user('user "u": token has characters', token=f"{TOKEN}\0"),
    "tokenFile": user(tokenFile="token"),
    "tokenFile before token": user(tokenFile="token", token="stale"),
    "tokenFile that is missing, and a token": user(tokenFile="nowhere", token=TOKEN),
    "tokenFile that is empty, and a token": user(tokenFile="empty", token=TOKEN),
    "tokenFile that is empty": user('the file of user "u": tokenFile is empty', tokenFile="empty"),
    "tokenFile that is missing": user('the file of user "u": tokenFile can not be read: No such', tokenFile="nowhere"),
    "tokenFile that is a folder": user("tokenFile can not be read: it is no regular file", tokenFile="."),
    "tokenFile that is the token": user("tokenFile can not be read", tokenFile=f"{TOKEN}" * 100),
    "tokenFile of zero": user("tokenFile can not be read", tokenFile=f"{TOKEN}\0"),
    "tokenFile with a line break in it": user("tokenFile has characters in it that no header", tokenFile="token-inner"),
    "tokenFile that is no text": user("tokenFile holds no text", tokenFile="token-bytes", differs="kubectl sends it"),
    "empty token beside a tokenFile": user(token="", tokenFile="token"),
    "nulls beside a token": user(
        token=TOKEN, tokenFile=None, username=None, password=None, exec=None, auth_provider=None
    ),
    "empties beside a token": user(token=TOKEN, tokenFile="", username="", password="", **{"as": "", "as_uid": ""}),
    "null groups": user(token=TOKEN, as_groups=None, as_user_extra=None),
    "password": user(username="łukasz", password=f"{SECRET}-pä™s:w"),
    "password and token": user('user "u" has a token and a password', token=TOKEN, username="a", password=SECRET),
    "password and tokenFile": user("a token and a password", tokenFile="token", username="a", password=SECRET),
    "number for a token": user('user "u": token must be text: put it into quotes', token=5),
    "list for a token": user('user "u": token must be text', token=[TOKEN]),
    "mapping for a token": user('user "u": token must be text', token={TOKEN: TOKEN}),
    "true for a password": user('user "u": password must be text', username="a", password=True),
    "a list for a user": Case(user=[TOKEN], said='user "u": what stands beside its name must be a mapping'),
    "a text for a user": Case(user=TOKEN, said='user "u": what stands beside its name must be a mapping'),
    "null for a user": Case(user=None, said="credentials are missing", differs=PROMPTS),
    "nothing in a user": Case(user={}, said="credentials are missing", differs=PROMPTS),
    "as somebody": user(token=TOKEN, **{"as": "łukasz"}),
    "as somebody with all": user(
        token=TOKEN,
        as_uid="7",
        as_groups=["a", "b", "gruppe-ü"],
        as_user_extra={"Scopes/%x": ["v1", "v2"], "é b": ["ł"]},
        **{"as": "jane"},
    ),
    "as a line break": user('user "u": as has characters', token=TOKEN, **{"as": "a\nb"}),
    "groups of nobody": user('user "u": as must be set', token=TOKEN, as_groups=["a"]),
    "extra of nobody": user('user "u": as must be set', token=TOKEN, as_user_extra={"a": ["b"]}),
    "uid of nobody": user('user "u": as must be set', token=TOKEN, as_uid="7"),
    "a number for a group": user("as-groups must be a list of texts", token=TOKEN, as_groups=[5], **{"as": "a"}),
    "a text for groups": user("as-groups must be a list of texts", token=TOKEN, as_groups="a", **{"as": "a"}),
    "a text for extra": user("as-user-extra must be a mapping", token=TOKEN, as_user_extra="a", **{"as": "a"}),
    "certificate": user(**CERTIFICATE),
    "certificate beside nulls": user(token=None, client_certificate_data=None, client_key_data=None, **CERTIFICATE),
    "certificate beside empties": user(token="", client_certificate_data="", client_key_data="", **CERTIFICATE),
    "certificate of EC in its own form": user(client_certificate="admin.crt", client_key="admin1.key"),
    "certificate of RSA": user(client_certificate="rsa.crt", client_key="rsa.key"),
    "certificate of RSA in PKCS 1": user(client_certificate="rsa.crt", client_key="rsa1.key"),
    "certificate and token": user(token=TOKEN, **CERTIFICATE),
    "key that is encrypted": user(
        "client-key is encrypted", client_certificate="admin.crt", client_key="encrypted.key"
    ),
    "key that is encrypted as in PKCS 1": user(
        "client-key is encrypted", client_certificate="admin.crt", client_key="encrypted1.key"
    ),
    "key of another": user(
        'user "u": client-key is not the key of user "u": client-certificate',
        client_certificate="admin.crt",
        client_key="other.key",
    ),
    "key of another algorithm": user(
        'user "u": client-key is not the key of user "u": client-certificate',
        client_certificate="admin.crt",
        client_key="rsa.key",
    ),
    "certificate without a key": user('user "u": client-certificate is of no use', client_certificate="admin.crt"),
    "key without a certificate": user('user "u": client-key is of no use', client_key="admin.key"),
    "key beside a token": user(token=TOKEN, client_key="nowhere"),
    "certificate that is missing": user(
        "client-certificate can not be read: No such", client_certificate="nowhere", client_key="admin.key"
    ),
    "certificate for a key": user(
        "client-key holds no private key", client_certificate="admin.crt", client_key="admin.crt"
    ),
    "key for a certificate": user(
        "client-certificate holds no certificate in PEM: it is a private key",
        client_certificate="admin.key",
        client_key="admin.key",
    ),
    "certificate that is none": user(
        "client-certificate holds no certificate", client_certificate="garbage.crt", client_key="admin.key"
    ),
    "empty key": user(
        "client-key holds no private key in PEM: it is empty", client_certificate="admin.crt", client_key="empty"
    ),
    "garbage for a key": user(
        "client-key-data holds no private key", client_certificate="admin.crt", client_key_data="QUJD"
    ),
    "no base64 for a key": user(
        "client-key-data is not base64", client_certificate="admin.crt", client_key_data=f"{SECRET}%"
    ),
    "a folder for a key": user(
        "client-key can not be read: it is no regular file", client_certificate="admin.crt", client_key="."
    ),
    "a device for a key": user(
        "client-key can not be read: it is no regular file",
        client_certificate="admin.crt",
        client_key="/dev/zero",
        differs="kubectl does not end",
    ),
    "a pipe for a key": user(
        "client-key can not be read: it is no regular file",
        client_certificate="admin.crt",
        client_key="pipe",
        differs="kubectl does not end",
    ),
    "exec beside a token": user(
        token=TOKEN,
        exec={"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"},
    ),
    "empty exec beside a token": user(token=TOKEN, exec={}, differs="what is of no use is not looked at"),
    "exec and auth-provider": user("has exec and auth-provider", exec={"command": "a"}, auth_provider={"name": "oidc"}),
    "a list for exec": user("exec must be a mapping", exec=[TOKEN]),
    "exec beside a certificate": user(
        exec={"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"},
        **CERTIFICATE,
    ),
    "oidc beside a token": user(
        token=TOKEN,
        auth_provider={"name": "oidc", "config": {"idp-issuer-url": "https://127.0.0.1:1", "client-id": "a"}},
    ),
    "a provider that is gone": user('user "u": auth-provider.name must be oidc', auth_provider={"name": "gcp"}),
    "a provider without a name": user("auth-provider.name must be oidc", auth_provider={}),
}

TLS_NAME = {"tls-server-name": "kube.test"}
SERVERS = {
    "as it should be": server("{url}"),
    "in capitals": server("{URL}"),
    "a slash at its end": server("{url}/"),
    "slashes at its end": server("{url}///"),
    "a path": server("{url}/pre/fix"),
    "a path with a slash at its end": server("{url}/pre/fix/"),
    "a path with escapes": server("{url}/pre%20fix"),
    "a query": server(f"{{url}}/?token={SECRET}"),
    "a path and a query": server(f"{{url}}/a?token={SECRET}#{SECRET}"),
    "a fragment": server(f"{{url}}/#{SECRET}"),
    "a blank before": server(" {url}", 'cluster "c": server has a space'),
    "a line break after": server("{url}\n", 'cluster "c": server has a space or line break'),
    "no scheme": server("{plain}"),
    "no scheme, and TLS": server("{address}", "answer"),
    "no scheme, with a name": server("localhost:{plain_port}"),
    "no scheme, and a path": server("{plain}/a", 'cluster "c": server has a path, and no scheme'),
    "http": server("http://{plain}"),
    "http with userinfo": server(f"http://a:{SECRET}@{{plain}}", differs="kubectl sends the password in the clear"),
    "userinfo": server(f"https://a:{SECRET}@{{address}}", differs="kubectl sends that, and not the token"),
    "userinfo that is none": server("https://a\u00a0b@{address}", "must be percent-encoded"),
    "userinfo alone": Case({"server": f"https://a%3A:{SECRET}%40@{{address}}"}, {}, differs=PROMPTS),
    "another name for TLS": server("{url}", **TLS_NAME),
    "a wrong name for TLS": server("{url}", "see `tls-server-name`", **{"tls-server-name": "other.test"}),
    "no name for TLS": server("{url}", 'cluster "c": tls-server-name is not', **{"tls-server-name": "a b"}),
    "an address of version 6": server("{six}"),
    "an address of version 6 and a name": server("{six}", **TLS_NAME),
    "an address of version 6 without brackets": server("https://::1:{six_port}"),
    "an address of version 6 without brackets and port": server("https://fd00::1", "server names no host"),
    "an address that is none": server("https://[::1:{six_port}", 'cluster "c": server '),
    "nothing": server("", 'cluster "c": server is not set'),
    "null": Case({"server": None}, said='cluster "c": server is not set'),
    "a number": Case({"server": 443}, said='cluster "c": server must be text'),
    "another scheme": server("ftp://127.0.0.1:1", "server has another scheme"),
    "a scheme twice": server("https://{url}", 'cluster "c": server '),
    "one slash": server("https:/{address}", 'cluster "c": server '),
    "a port that is text": server("https://127.0.0.1:port", "server has a port that is no number"),
    "a port that is too large": server("https://127.0.0.1:99999", "server has a port that is no number"),
    "a port of zero": server("https://127.0.0.1:0", "server has a port that is no number"),
    "no host": server("https://", "server names no host"),
    "no host, but a port": server("https://:6443", "server names no host"),
    "a host in other letters": server("https://kübe.invalid:6443", "resolve"),
    "a long host": server("https://" + "a" * 70 + ".invalid:6443", "server names no host that there can be"),
    "a host of dots": server("https://a..invalid:6443", "server names no host that there can be"),
    "a host with a blank": server("https://a b:6443", "server has a space"),
    "verification left out": Case({"certificate-authority-data": None, "insecure-skip-tls-verify": True}),
    "verification left out with a CA": Case(
        {"insecure-skip-tls-verify": True}, said="insecure-skip-tls-verify is true and"
    ),
    "no in quotes": Case({"insecure-skip-tls-verify": "false"}, said="insecure-skip-tls-verify must be true or false"),
    "one for yes": Case({"disable-compression": 1}, said="disable-compression must be true or false"),
    "nulls": Case(
        {
            "insecure-skip-tls-verify": None,
            "disable-compression": None,
            "proxy-url": None,
            "tls-server-name": None,
            "extensions": None,
        }
    ),
    "empties": Case({"proxy-url": "", "tls-server-name": "", "extensions": []}),
    "no compression": Case({"disable-compression": True}),
    "a number for a proxy": Case({"proxy-url": 5}, said='cluster "c": proxy-url must be text'),
    "exec info": Case({"extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"a": [1]}}]}),
    "a list for extensions": Case({"extensions": [[SECRET]]}, said='cluster "c": extensions must be a mapping'),
}

CAS = {
    "a file": ca(certificate_authority="ca.crt"),
    "a file beside empty data": ca(certificate_authority="ca.crt", certificate_authority_data=""),
    "a file beside data": Case({"certificate-authority": "ca.crt"}, differs=OURS_TOO),
    "data in lines": ca(certificate_authority_data="{lines}"),
    "several, with comments": ca(certificate_authority="bundle.crt"),
    "data without its padding": ca(
        'cluster "c": certificate-authority-data is not base64', certificate_authority_data="QUI"
    ),
    "no base64": ca("certificate-authority-data is not base64", certificate_authority_data="%%%not base64%%%"),
    "no PEM": ca("certificate-authority-data holds no CA certificate", certificate_authority_data="QUJD"),
    "base64 twice": ca("base64 once more than it should be", certificate_authority_data="{twice}"),
    "PEM for data": ca("certificate-authority-data is not base64", certificate_authority_data="{pem}"),
    "a file that is missing": ca("certificate-authority can not be read: No such", certificate_authority="/nowhere/ca"),
    "a file that is empty": ca(
        "certificate-authority holds no CA certificate in PEM: it is empty", certificate_authority="empty"
    ),
    "a file that is none": ca("certificate-authority holds no CA certificate", certificate_authority="garbage.crt"),
    "a key": ca("holds no CA certificate in PEM: it is a private key", certificate_authority="admin.key"),
    "a pipe": ca("it is no regular file", certificate_authority="pipe", differs="kubectl does not end"),
    "a number": ca("certificate-authority must be text", certificate_authority=5),
    "none, for a server of nobody's": ca("certificate"),
}


def filled(value: Any, place: Place) -> Any:
    if isinstance(value, str):
        pem = place.authority.certificate
        values = {
            "url": place.listener.url,
            "URL": place.listener.url.upper(),
            "address": place.listener.url.removeprefix("https://"),
            "plain": place.plain.url.removeprefix("http://"),
            "plain_port": place.plain.port,
            "six": place.six.url,
            "six_port": place.six.port,
            "pem": pem.decode(),
            "twice": b64(b64(pem).encode()),
            "lines": re.sub("(.{76})", r"\1\n", b64(pem)),
        }
        return value.format(**values) if "{" in value else value
    return {name: filled(each, place) for name, each in value.items()} if isinstance(value, dict) else value


def kubectl_reads(path: str, context: str, folder: Path) -> bool:
    assert KUBECTL
    command = [KUBECTL, f"--context={context}", "--request-timeout=2s", "get", "--raw", "/version"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": path}
    ran = subprocess.run(command, env=environ, capture_output=True, stdin=subprocess.DEVNULL)
    print(ran.stderr.decode())  # for whoever reads why a test failed
    return ran.returncode == 0


def message(context: Context) -> str | None:
    """Why it can not be read; None if it can."""
    try:
        with Session(context, IMPATIENT) as session:
            assert b"gitVersion" in session.get(ApiPath("version"))
    except KubeError as error:
        return f"{error.outcome}: {error}"
    return None


TABLE = {
    f"{what}: {name}": case
    for what, cases in {"user": USERS, "server": SERVERS, "ca": CAS}.items()
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", TABLE)
def test_what_kubectl_reads_we_read(place: Place, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    case = TABLE[name]
    good = {"server": place.listener.url, "certificate-authority-data": b64(place.authority.certificate)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": filled({**good, **case.cluster}, place)}],
        "users": [{"name": "u", "user": case.user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    path = place.folder / "config"
    path.write_text(yaml.safe_dump(config, allow_unicode=True))
    assert not place.asked

    said = message(kubeconfig_contexts(str(path))["x"])
    ours = (said is None, set(place.asked))
    assert SECRET not in f"{said}{capfd.readouterr()}"
    if case.said is None:
        assert said is None
    else:
        assert re.search(case.said, said or "")
    if KUBECTL and not (case.differs or "").endswith("does not end"):
        theirs = (kubectl_reads(str(path), "x", place.folder), set(place.asked))
        assert (ours == theirs) is (case.differs is None), (ours, theirs)


@pytest.mark.parametrize("end", ["/pre/fix", "/pre/fix/", "/pre/fix//?a=b", "/pre/fix#a"])
def test_a_path_of_the_server_is_before_all_others(place: Place, end: str) -> None:
    cluster = {"server": place.plain.url + end}
    config = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "x", "context": {"cluster": "c"}}],
    }
    place.plain.paths.clear()
    assert message(Context(name="x", kubeconfig=config, context="x")) is None
    assert place.plain.paths == ["/pre/fix/version"]
    assert place.asked


# -- files ------------------------------------------------------------------------------------------------


def entries(place: Place, *names: str, token: str = TOKEN) -> dict[str, Any]:
    cluster = {"server": place.listener.url, "certificate-authority-data": b64(place.authority.certificate)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster} for name in names],
        "users": [{"name": name, "user": {"token": token}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
    }


def text(place: Place, *names: str) -> str:
    return yaml.safe_dump(entries(place, *names), allow_unicode=True)


def named(place: Place, name: str) -> str:
    """With the name as it stands in YAML, without quotes."""
    return text(place, "NAME").replace("NAME", name)


def anchored(place: Place) -> str:
    config = entries(place, "x")
    cluster, user = (json.dumps(config[each][0][each[:-1]]) for each in ("clusters", "users"))
    return (
        f"a: &a {cluster}\nb: &b {{tls-server-name: other.test}}\n"
        f"clusters: [{{name: x, cluster: {{<<: [*a, *b], tls-server-name: localhost}}}}]\n"
        f"users: [{{name: x, user: {user}}}]\n"
        "contexts: [{name: x, context: {cluster: x, user: x}}]\n"
    )


def split(place: Place) -> str:
    """A cluster and a user of other files in other folders, each with files beside them."""
    config = entries(place, "x")
    of_cluster, of_user = place.folder / "clusters", place.folder / "users"
    for folder, files in ((of_cluster, ["ca.crt"]), (of_user, ["admin.crt", "admin.key"])):
        folder.mkdir()
        for name in files:
            shutil.copy(place.folder / name, folder / name)
    cluster = {"server": place.listener.url, "certificate-authority": "ca.crt"}
    user = {"client-certificate": "admin.crt", "client-key": "./admin.key"}
    one = {"clusters": [{"name": "x", "cluster": cluster}], "contexts": config["contexts"]}
    (of_cluster / "config").write_text(yaml.safe_dump(one))
    (of_user / "config").write_text(yaml.safe_dump({"users": [{"name": "x", "user": user}]}))
    return f"{of_cluster}/config:{of_user}/config"


def twice(place: Place, section: str) -> str:
    config = entries(place, "x")
    config[section] = [*config[section], *entries(place, "x", token="other")[section]]
    return yaml.safe_dump(config)


REFUSES_ALL = "kubectl refuses the whole file"
LAST_WINS = "kubectl takes the last"

FILES: dict[str, tuple[Callable[[Place], str | bytes], str, str | None, str | None]] = {
    "YAML": (lambda place: text(place, "x"), "x", None, None),
    "JSON": (lambda place: json.dumps(entries(place, "x")), "x", None, None),
    "JSON with tabs": (lambda place: json.dumps(entries(place, "x"), indent="\t"), "x", None, None),
    "UTF-16": (lambda place: text(place, "ł").encode("utf-16"), "ł", None, None),
    "UTF-8 with a mark": (lambda place: text(place, "ł").encode("utf-8-sig"), "ł", None, None),
    "UTF-32": (lambda place: text(place, "x").encode("utf-32"), "x", "is not YAML", None),
    "line ends of Windows": (lambda place: text(place, "x").replace("\n", "\r\n"), "x", None, None),
    "two documents": (lambda place: f"{text(place, 'x')}---\n{text(place, 'z')}", "x", None, None),
    "the second document": (lambda place: f"{text(place, 'x')}---\n{text(place, 'z')}", "z", "no context z", None),
    "anchors": (anchored, "x", None, None),
    "no kind": (lambda place: text(place, "x").replace("kind: Config\n", ""), "x", None, None),
    "another kind": (lambda place: text(place, "x").replace("Config", "List"), "x", "its `kind` is not Config", None),
    "a list of kubeconfigs": (
        lambda place: yaml.safe_dump({"kind": "List", "items": [entries(place, "x")]}),
        "x",
        "its `kind` is not Config",
        None,
    ),
    "capitals": (
        lambda place: text(place, "x").replace("contexts:", "Contexts:"),
        "x",
        "`Contexts` must be written `contexts`",
        None,
    ),
    "a list": (lambda place: "- 1", "x", "no kubeconfig", None),
    "contexts that are no list": (lambda place: "contexts: {}", "x", "`contexts` must be a list", None),
    "users that are no list": (lambda place: f"users: {{token: {TOKEN}}}", "x", "`users` must be a list", None),
    "contexts twice": (
        lambda place: f"contexts: []\n{text(place, 'x')}",
        "x",
        "`contexts` is there more than",
        LAST_WINS,
    ),
    "a token twice": (
        lambda place: text(place, "x").replace("token:", f"token: {SECRET}\n    token:"),
        "x",
        'user "x": token is there more than once',
        LAST_WINS,
    ),
    "a context twice": (lambda place: twice(place, "contexts"), "x", 'context "x" is more than once in one file', None),
    "a cluster twice": (lambda place: twice(place, "clusters"), "x", 'cluster "x" is more than once in one file', None),
    "a user twice": (lambda place: twice(place, "users"), "x", 'user "x" is more than once in one file', None),
    "another context twice": (
        lambda place: text(place, "x", "z", "z"),
        "x",
        None,
        REFUSES_ALL,
    ),
    "a user without a name": (
        lambda place: text(place, "x").replace("users:", f"users:\n- user: {{token: {SECRET}}}\n- 5\n- name:"),
        "x",
        None,
        REFUSES_ALL,
    ),
    "a user that is not there": (
        lambda place: text(place, "x").replace("user: x", "user: y"),
        "x",
        'context "x": its user is not among the users',
        None,
    ),
    "a cluster that is not there": (
        lambda place: text(place, "x").replace("cluster: x", "cluster: y"),
        "x",
        'context "x": its cluster is not among the clusters',
        None,
    ),
    "no cluster": (
        lambda place: text(place, "x").replace("cluster: x", "cluster: null"),
        "x",
        'context "x": cluster is not set',
        None,
    ),
    "a context that is a text": (
        lambda place: f"contexts: [{{name: x, context: {SECRET}}}]",
        "x",
        "cluster must be the name of a cluster",
        None,
    ),
    "exec info that is twice": (
        lambda place: text(place, "x").replace(
            "    server:",
            "    extensions: [{name: client.authentication.k8s.io/exec, extension: {a: 1, a: 2}}]\n    server:",
        ),
        "x",
        'cluster "x": extensions.extension holds a key twice',
        LAST_WINS,
    ),
    "a name that is a number": (lambda place: named(place, "5"), "5", "must have a name that is text", None),
    "a name that is true": (lambda place: named(place, "true"), "true", "must have a name that is text", None),
    "a name that is null": (lambda place: named(place, "null"), "null", "must have a name that is text", None),
    "a name that is a date": (lambda place: named(place, "2024-01-01"), "2024-01-01", None, None),
    "a name that is a time": (lambda place: named(place, "1:30"), "1:30", None, None),
    "a name with all": (lambda place: text(place, " a,b@[x]/: "), " a,b@[x]/: ", None, None),
    "a name of version 6": (lambda place: text(place, "[fd00--1]:6443/admin"), "[fd00--1]:6443/admin", None, None),
    "a long name": (lambda place: text(place, "n" * 300), "n" * 300, None, None),
    "what is written by a hand that slips": (
        lambda place: text(place, "x").replace("    token:", f"  token: {SECRET}\n    token:"),
        "x",
        "is not YAML",
        None,
    ),
    "a token beside user": (
        lambda place: text(place, "x").replace("  user:\n    token:", "  token:"),
        "x",
        "credentials are missing",
        PROMPTS,
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_what_files_kubectl_reads_we_read(place: Place, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    make, context, said, differs = FILES[name]
    content = make(place)
    path = place.folder / "config"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    compare(place, str(path), context, said, differs, capfd)


def compare(
    place: Place, paths: str, context: str, said: str | None, differs: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not place.asked
    try:
        found = kubeconfig_contexts(paths)
        why = message(found[context]) if context in found else f"no context {context}"
    except KubeconfigError as error:
        why = str(error)
    ours = (why is None, set(place.asked))
    assert SECRET not in f"{why}{capfd.readouterr()}"
    assert why is None if said is None else re.search(said, why or "")
    if KUBECTL:
        theirs = (kubectl_reads(paths, context, place.folder), set(place.asked))
        assert (ours == theirs) is (differs is None), (ours, theirs)


@pytest.mark.parametrize("other", ["", "# nothing yet\n", "---\n", "{}", None])
def test_files_of_nothing_among_several(place: Place, other: str | None, capfd: pytest.CaptureFixture[str]) -> None:
    one, two = place.folder / "one", place.folder / "two"
    one.write_text(text(place, "x"))
    two.unlink(missing_ok=True)
    if other is not None:
        two.write_text(other)
    compare(place, f"{two}:{one}", "x", None, None, capfd)


def test_what_the_first_of_several_says_wins(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    one, two = place.folder / "one", place.folder / "two"
    one.write_text(text(place, "x"))
    two.write_text(yaml.safe_dump(entries(place, "x", "z", token="other")))
    for context in ("x", "z"):
        compare(place, f"{one}:{two}", context, None, None, capfd)


def test_files_are_beside_the_file_that_names_them(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    compare(place, split(place), "x", None, None, capfd)
