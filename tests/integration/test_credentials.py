"""Credentials that change in the middle of a listing, and where they come from."""

from __future__ import annotations

import base64
import json
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from k8s_inventory.kinds import ApiPath
from k8s_inventory.kube import contexts
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import Forbidden, KubeError, Unauthorized
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN
from tests.conftest import IMPATIENT
from tests.equality import assert_table_equals_cluster
from tests.listener import PKCS1, PKCS8, Authority
from tests.proxy import Answer, Proxy

Sync = Callable[..., Result]


def kubeconfig_for(server: str, user: dict[str, object], **cluster: object) -> dict[str, object]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }


@pytest.fixture
def encrypted(cluster: Cluster) -> Iterator[Proxy]:
    """Over http no token is sent."""
    with Proxy(cluster, encrypted=True) as made:
        yield made


def test_a_token_file_that_is_renewed_in_the_middle_of_a_listing(
    cluster: Cluster, encrypted: Proxy, store: Store, sync: Sync, tmp_path: Path
) -> None:
    """A projected token expires; the file holds a new one."""
    token, proxy = tmp_path / "token", encrypted
    token.write_text(ADMIN.token)
    user, ca = {"tokenFile": str(token)}, {"certificate-authority": str(cluster.ca_file)}
    context = Context(name="test", kubeconfig=kubeconfig_for(proxy.url, user, **ca), context="c")
    valid = {ADMIN.token}
    lists = iter(range(1, 100))

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" in path and next(lists) == 3:
            valid.clear()
            valid.add("renewed-token")
            token.write_text("renewed-token")
        sent = proxy.headers[-1].get("authorization") or proxy.headers[-1].get("Authorization") or ""
        if sent.removeprefix("Bearer ") not in valid:
            return Answer(401, json.dumps({"kind": "Status", "code": 401, "message": "Unauthorized"}).encode())
        if sent.endswith("renewed-token"):  # the real server knows only the admin's: ask it again as the admin
            return Answer(200, json.dumps(cluster.request("GET", path)).encode())
        return None

    proxy.spoil = spoil
    result = sync(context, "pods", page_size=1)
    assert result.attempt.outcome == "complete"
    assert_table_equals_cluster(store, cluster, "pods")


def test_a_token_that_expires_for_good_in_the_middle_is_unauthorized_and_keeps_rows(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync
) -> None:
    sync(proxy.context, "pods")
    before = store.connection.execute("SELECT count(*) FROM k8s_pods").fetchone()
    lists = iter(range(1, 100))

    def spoil(path: str, real: Answer) -> Answer | None:
        return Answer(401, b"{}") if "/pods?" in path and next(lists) >= 3 else None

    proxy.spoil = spoil
    result = sync(proxy.context, "pods", page_size=1)
    assert result.attempt.outcome == "unauthorized"
    assert store.connection.execute("SELECT count(*) FROM k8s_pods").fetchone() == before


def test_an_exec_plugin_is_asked_again_when_its_token_is_refused(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, tmp_path: Path
) -> None:
    plugin = tmp_path / "plugin"
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "@"}}
    first, later = (json.dumps(answer).replace("@", token) for token in ("stale", ADMIN.token))
    plugin.write_text(
        f"#!/bin/sh\nif [ -e {tmp_path}/asked ]; then echo '{later}'; else touch {tmp_path}/asked; echo '{first}'; fi\n"
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    user = {"exec": {"apiVersion": answer["apiVersion"], "command": str(plugin), "interactiveMode": "Never"}}
    ca = {"certificate-authority": str(cluster.ca_file)}
    context = Context(name="test", kubeconfig=kubeconfig_for(cluster.server, user, **ca), context="c")
    assert sync(context, "pods").attempt.outcome == "complete"
    assert_table_equals_cluster(store, cluster, "pods")


def test_a_proxy_of_the_kubeconfig_is_used(cluster: Cluster, sync: Sync) -> None:
    """Nothing listens at the proxy's address: had it been passed over, the sync would be complete."""
    user = {"token": ADMIN.token}
    cluster_entry = {"certificate-authority": str(cluster.ca_file), "proxy-url": "http://127.0.0.1:1"}
    context = Context(name="test", kubeconfig=kubeconfig_for(cluster.server, user, **cluster_entry), context="c")
    result = sync(context, "pods")
    assert result.attempt.outcome == "unreachable"
    assert "proxy" in str(result.attempt.error).lower()


def test_the_cluster_that_this_runs_in_by_its_service_account(
    cluster: Cluster, store: Store, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a pod: address from the environment, token and CA from the mounted files."""
    token = tmp_path / "token"
    token.write_text(ADMIN.token)
    (tmp_path / "ca.crt").write_bytes(cluster.ca_file.read_bytes())
    monkeypatch.setattr(contexts, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(cluster.port))
    assert sync(Context(name="test", in_cluster=True), "pods").attempt.outcome == "complete"
    assert_table_equals_cluster(store, cluster, "pods")


def test_client_certificates_before_a_real_api_server(
    start_cluster: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every kind of key, and no file is left of them; one that has expired the server refuses, as kubectl's."""
    authority = Authority()
    (tmp_path / "ca").write_bytes(authority.certificate)
    cluster = start_cluster(arguments=[f"--client-ca-file={tmp_path / 'ca'}"])
    written = tmp_path / "tmp"
    written.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(written))
    ca = {"certificate-authority": str(cluster.ca_file)}
    of_ec, of_rsa = authority.issue("admin"), authority.issue("admin", rsa_key=True)
    for issued, form in ((of_ec, PKCS8), (of_ec, PKCS1), (of_rsa, PKCS8), (of_rsa, PKCS1)):
        data = {"client-certificate-data": issued.certificate, "client-key-data": issued.pem(form)}
        user: dict[str, object] = {name: base64.b64encode(content).decode() for name, content in data.items()}
        context = Context(name="test", kubeconfig=kubeconfig_for(cluster.server, user, **ca), context="c")
        with Session(context, IMPATIENT) as session, pytest.raises(Forbidden, match='User "admin"'):
            session.get(ApiPath("api", "v1", "pods"))
        assert not list(written.iterdir())
    expired = authority.issue("admin", days=-1)
    (tmp_path / "crt").write_bytes(expired.certificate)
    (tmp_path / "key").write_bytes(expired.pem())
    user = {"client-certificate": str(tmp_path / "crt"), "client-key": str(tmp_path / "key")}
    context = Context(name="test", kubeconfig=kubeconfig_for(cluster.server, user, **ca), context="c")
    with Session(context, IMPATIENT) as session, pytest.raises(Unauthorized, match="expired"):
        session.get(ApiPath("version"))


def test_impersonation_reaches_the_server(cluster: Cluster, sync: Sync) -> None:
    user = {"token": ADMIN.token, "as": "reader"}
    ca = {"certificate-authority": str(cluster.ca_file)}
    context = Context(name="test", kubeconfig=kubeconfig_for(cluster.server, user, **ca), context="c")
    assert sync(context, "pods").attempt.outcome == "complete"
    refused = sync(context, "services")
    assert refused.attempt.outcome == "forbidden"
    assert "reader" in str(refused.attempt.error)


def test_each_session_keeps_its_pace_and_its_requests_in_flight(cluster: Cluster, proxy: Proxy) -> None:
    import threading
    import time

    at_once, most = 0, 0
    lock = threading.Lock()

    def spoil(path: str, real: Answer) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        with lock:
            at_once -= 1

    proxy.spoil = spoil  # type: ignore[assignment]
    with Session(proxy.context, Limits(requests_in_flight=2, requests_per_second=1000)) as session:
        threads = [threading.Thread(target=session.get, args=(ApiPath("version"),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 1 <= most <= 2
    with Session(proxy.context, Limits(requests_per_second=50)) as session:
        start = time.monotonic()
        for _ in range(30):  # twenty at once, the others at 50 a second
            session._pace(1)
        assert time.monotonic() - start >= 9 / 50


@pytest.mark.parametrize("scheme", ["http://", "HTTP://", ""])
def test_who_speaks_http_is_told_that_no_credentials_were_sent(cluster: Cluster, proxy: Proxy, scheme: str) -> None:
    """By the API server itself, and by who wants to know who asks."""
    for address in (f"127.0.0.1:{cluster.port}", proxy.url.removeprefix("http://")):
        proxy.spoil = lambda path, real: Answer(401, b"{}")
        proxy.headers.clear()
        config = kubeconfig_for(f"{scheme}{address}", {"token": ADMIN.token, "username": None})
        with Session(Context(name="test", kubeconfig=config, context="c"), IMPATIENT) as session:
            with pytest.raises(KubeError, match="does not begin with https://, so no credentials were sent"):
                session.get(ApiPath("version"))
        assert not any("authorization" in {name.lower() for name in each} for each in proxy.headers)
