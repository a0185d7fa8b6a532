"""The headers of the next request: whose credentials they are, how long they hold, and who is asked for others."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from k8s_inventory.kinds import ApiPath
from k8s_inventory.kube import client as clients
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import ContextError, Unauthorized
from k8s_inventory.kube.session import Session
from tests.conftest import IMPATIENT
from tests.listener import PKCS8, Authority, Listener

VERSION = "client.authentication.k8s.io/v1"


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def listener(tmp_path: Path, authority: Authority) -> Iterator[Listener]:
    with Listener(tmp_path, authority) as made:
        yield made


@pytest.fixture
def context_for(tmp_path: Path, authority: Authority, listener: Listener) -> Callable[..., Context]:
    (tmp_path / "ca.crt").write_bytes(authority.certificate)

    def make(**user: Any) -> Context:
        config = {
            "clusters": [
                {"name": "c", "cluster": {"server": listener.url, "certificate-authority": str(tmp_path / "ca.crt")}}
            ],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        }
        return Context(name="x", kubeconfig=config, context="x")

    return make


Plugin = Callable[..., dict[str, Any]]


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    """An exec plugin that answers with each of some statuses in turn, and the last for ever; it notes its runs."""

    def make(*statuses: dict[str, Any], slow: float = 0.0) -> dict[str, Any]:
        for number, status in enumerate(statuses):
            answer = {"apiVersion": VERSION, "kind": "ExecCredential", "status": status}
            (tmp_path / f"answer-{number}").write_text(json.dumps(answer))
        program = tmp_path / "plugin"
        program.write_text(
            f"#!/bin/sh\nsleep {slow}\necho >> {tmp_path}/runs\nn=$(($(wc -l < {tmp_path}/runs) - 1))\n"
            f"[ $n -lt {len(statuses)} ] || n={len(statuses) - 1}\ncat {tmp_path}/answer-$n\n"
        )
        program.chmod(0o700)
        return {"apiVersion": VERSION, "command": str(program), "interactiveMode": "Never"}

    return make


def runs(tmp_path: Path) -> int:
    path = tmp_path / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


def after(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def bearer(client: clients.Client) -> str:
    return client.headers().get("Authorization", "").removeprefix("Bearer ")


# -- exec plugins -----------------------------------------------------------------------------------------


def test_a_token_is_used_until_it_expires(context_for: Callable[..., Context], plugin: Plugin, tmp_path: Path) -> None:
    """Not until shortly before: a plugin that keeps tokens gives the same one again, for each request."""
    client = context_for(exec=plugin({"token": "t", "expirationTimestamp": after(minutes=4)})).client()
    assert {bearer(client) for _ in range(50)} == {"t"}
    assert runs(tmp_path) == 1


def test_a_token_that_expired_is_taken_anew_once_for_all(
    context_for: Callable[..., Context], plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_SELDOM", 0.2)
    expires = after(seconds=0.3)
    client = context_for(exec=plugin({"token": "old", "expirationTimestamp": expires}, {"token": "new"})).client()
    assert bearer(client) == "old"
    time.sleep(0.4)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: bearer(client), range(32))) == {"new"}
    assert runs(tmp_path) == 2


def test_a_plugin_that_gives_what_has_expired_is_not_run_for_every_request(
    context_for: Callable[..., Context], plugin: Plugin, tmp_path: Path
) -> None:
    client = context_for(exec=plugin({"token": "t", "expirationTimestamp": after(hours=-1)})).client()
    assert {bearer(client) for _ in range(50)} == {"t"}
    assert runs(tmp_path) == 1


def test_a_plugin_that_gives_nothing_is_run_once_a_session(
    context_for: Callable[..., Context], plugin: Plugin, tmp_path: Path
) -> None:
    with Session(context_for(exec=plugin({})), IMPATIENT) as session:
        for _ in range(5):
            with pytest.raises(Unauthorized, match="^context x: "):
                session.get(ApiPath("version"))
        assert session.clients == 0
    assert runs(tmp_path) == 1


def test_a_certificate_of_a_plugin_is_shown_and_a_new_one_after_it(
    context_for: Callable[..., Context],
    plugin: Plugin,
    tmp_path: Path,
    authority: Authority,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "_SELDOM", 0.2)
    statuses = [
        {"clientCertificateData": each.certificate.decode(), "clientKeyData": each.pem(PKCS8).decode()}
        for each in (authority.issue("first"), authority.issue("second"))
    ]
    statuses[0]["expirationTimestamp"] = after(seconds=0.3)
    with Session(context_for(exec=plugin(*statuses)), IMPATIENT) as session:
        for _ in range(3):
            session.get(ApiPath("version"))
        time.sleep(0.4)
        session.get(ApiPath("version"))
    assert listener.asked == [("certificate: first",)] * 3 + [("certificate: second",)]


def test_a_token_of_a_plugin_comes_in_the_place_of_its_certificate(
    context_for: Callable[..., Context],
    plugin: Plugin,
    authority: Authority,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "_SELDOM", 0.2)
    first = authority.issue("first")
    status = {"clientCertificateData": first.certificate.decode(), "clientKeyData": first.pem(PKCS8).decode()}
    status["expirationTimestamp"] = after(seconds=0.3)
    with Session(context_for(exec=plugin(status, {"token": "another"})), IMPATIENT) as session:
        session.get(ApiPath("version"))
        time.sleep(0.4)
        session.get(ApiPath("version"))
    assert listener.asked == [("certificate: first",), ("authorization: Bearer another",)]


def test_keys_of_a_plugin_that_do_not_fit_are_refused(
    context_for: Callable[..., Context], plugin: Plugin, authority: Authority
) -> None:
    certificate, other = authority.issue("a"), authority.issue("b")
    status = {"clientCertificateData": certificate.certificate.decode(), "clientKeyData": other.pem(PKCS8).decode()}
    with pytest.raises(ContextError, match="the key that its exec plugin gave is not the key of the certificate"):
        context_for(exec=plugin(status)).client()


def test_who_does_not_verify_servers_is_not_warned_with_every_request(
    context_for: Callable[..., Context], recwarn: pytest.WarningsRecorder, listener: Listener
) -> None:
    with Session(replace(context_for(token="t"), verify_tls=False), IMPATIENT) as session:
        session.get(ApiPath("version"))
    assert listener.asked == [("authorization: Bearer t",)]
    assert not [each for each in recwarn if "Unverified" in str(each.message)]


def test_who_is_stopped_does_not_wait_for_a_plugin(
    context_for: Callable[..., Context], plugin: Plugin, tmp_path: Path
) -> None:
    stopped = threading.Event()
    threading.Timer(0.2, stopped.set).start()
    start = time.monotonic()
    with pytest.raises(Unauthorized):
        context_for(exec=plugin({"token": "t"}, slow=30)).client(seconds=60, stopped=stopped)
    assert time.monotonic() - start < 20
    assert runs(tmp_path) == 0


# -- files of tokens --------------------------------------------------------------------------------------


def test_the_file_of_a_token_is_read_again_now_and_then(
    context_for: Callable[..., Context], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    client = context_for(tokenFile=str(token)).client()
    token.write_text("second\n")
    assert bearer(client) == "first"
    monkeypatch.setattr(clients, "_AGE_OF_TOKEN", 0.0)
    client._due = 0.0
    assert bearer(client) == "second"
    for broken in ("", "a\nb"):
        token.write_text(broken)
        assert bearer(client) == "second", "what was read before is better than nothing"
    token.unlink()
    assert bearer(client) == "second"


# -- where there is nobody to ask -------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["", "fd00::1", "10.0.0.1"])
def test_the_cluster_around_a_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority, host: str
) -> None:
    from k8s_inventory.kube import contexts

    monkeypatch.setattr(contexts, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    here = Context(name="here", in_cluster=True)
    if not host:
        with pytest.raises(ContextError, match="context here: .*this runs in no pod"):
            here.client()
        return
    for missing in ("ca.crt", "token"):
        with pytest.raises(ContextError, match=f"the pod's service account.*{missing}.*No such file"):
            here.client()
        (tmp_path / missing).write_bytes(authority.certificate if missing == "ca.crt" else b"t")
    client = here.client()
    assert client.url == (f"https://[{host}]:443" if ":" in host else f"https://{host}:443")
    assert (bearer(client), client.ca) == ("t", authority.certificate)


def test_no_key_is_in_a_file_where_there_is_no_memory_for_one(
    context_for: Callable[..., Context],
    tmp_path: Path,
    authority: Authority,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on macOS: the file that OpenSSL is given is gone as soon as it has read it."""
    import tempfile

    written = tmp_path / "written"
    written.mkdir()
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(written))
    issued = authority.issue("someone")
    (tmp_path / "crt").write_bytes(issued.certificate)
    (tmp_path / "key").write_bytes(issued.pem(PKCS8))
    user = {"client-certificate": str(tmp_path / "crt"), "client-key": str(tmp_path / "key")}
    with Session(context_for(**user), IMPATIENT) as session:
        session.get(ApiPath("version"))
    assert listener.asked == [("certificate: someone",)]
    assert not list(written.iterdir())
