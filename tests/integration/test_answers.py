"""What each answer means, for its own kind alone: answers as proxies, login pages and broken servers give them."""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from k8s_inventory.kinds import ApiPath
from k8s_inventory.kinds.custom import custom_kind
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.discovery import Discovery, discover
from k8s_inventory.kube.errors import KubeError, Unreachable
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Result, Run, sync_target
from tests.cluster import Cluster
from tests.conftest import IMPATIENT
from tests.equality import assert_table_equals_cluster, rows_of
from tests.proxies import LoopbackProxy, Serve
from tests.proxy import Answer, Proxy, Spoil, dripping, streamed

Sync = Callable[..., Result]
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in</body></html>"
HTML = {"Content-Type": "text/html"}
STATUS = b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"slow down","code":429}'
PATIENCE = {"request_timeout": 1, "listing_timeout": 1.5, "read_timeout": 0.7}
TYPE_NAME = re.compile(r"[A-Z][A-Za-z]+(?:Error|Exception|Disconnected|Read|StatusLine|TooLong)\b|0x[0-9a-f]{6}")
"""What is of Python and not for the person who reads it."""


def on(pattern: str, answer: Callable[[Answer], Answer]) -> Spoil:
    return lambda path, real: answer(real) if re.search(pattern, path) else None


def always(status: int, body: bytes, headers: dict[str, str] = HTML) -> Callable[[Answer], Answer]:
    return lambda real: Answer(status, body, dict(headers))


def fields(**values: object) -> Callable[[Answer], Answer]:
    """With other values in the place of these of its JSON."""
    return lambda real: real.with_json(real.json | values)


# -- the version ---------------------------------------------------------------------------------------

VERSIONS: dict[str, Callable[[Answer], Answer]] = {
    "HTML with 200": always(200, PAGE),
    "HTML with 403": always(403, PAGE),
    "HTML with 401": always(401, PAGE),
    "text with 404": always(404, b"404 page not found\n", {}),
    "501": always(501, b"not implemented", {}),
    "503": always(503, b"upstream connect error", {}),
    "a redirect": always(302, b"", {"Location": "https://sso.example/"}),
    "empty object": always(200, b"{}"),
    "nothing": always(200, b""),
    "null": fields(gitVersion=None),
    "an empty text": fields(gitVersion=""),
    "a number": fields(gitVersion=1),
    "too long": fields(gitVersion="v" * 3_000_000),
    "U+0000": fields(gitVersion="v1\0"),
    "nested": always(200, b"[" * 100_000),
    "cut short": lambda real: Answer(200, real.body, real.headers, cut=10),
    "closed": lambda real: Answer(200, b"", stream=[]),
    "silent": lambda real: streamed(dripping(b"{" * 1000, seconds=0.2)),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_version_kinds_are_read(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, version: str
) -> None:
    proxy.spoil = on("^/version$", VERSIONS[version])
    result = sync(proxy.context, "pods", **PATIENCE)
    assert result.attempt.outcome == "complete", result.attempt.error
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")
    assert version_of(store) is None


def version_of(store: Store) -> object:
    found = store.connection.execute("SELECT version FROM k8s_sync_contexts").fetchone()
    assert found is not None
    return found[0]


def test_a_version_that_is_not_known_proves_nothing(proxy: Proxy, store: Store, sync: Sync) -> None:
    """What another API server serves may differ without another resourceVersion."""
    served = {"policy": "Never"}

    def spoil(path: str, real: Answer) -> Answer | None:
        if path == "/version":
            return Answer(404, b"404 page not found\n", {})
        if "/pods?" in path:
            list_ = real.json
            for each in list_["items"]:
                each["spec"]["restartPolicy"] = served["policy"]
            return real.with_json(list_)
        return None

    proxy.spoil = spoil
    assert sync(proxy.context, "pods").attempt.changed == 5
    assert sync(proxy.context, "pods").attempt.changed == 0
    served["policy"] = "OnFailure"
    assert sync(proxy.context, "pods").attempt.changed == 5


def test_a_version_that_comes_and_goes_is_asked_for_once_a_session(proxy: Proxy, sync: Sync, store: Store) -> None:
    assert sync(proxy.context, "pods").attempt.outcome == "complete"
    known = version_of(store)
    proxy.spoil = on("^/version$", always(404, b""))
    proxy.requests.clear()
    assert sync(proxy.context, "pods").attempt.outcome == "complete"
    assert proxy.requests.count("/version") == 1
    assert version_of(store) == known
    proxy.spoil = lambda path, real: None
    result = sync(proxy.context, "pods").attempt
    assert (result.outcome, result.changed) == ("complete", 0)


def test_a_cluster_that_ends_before_its_version_is_unreachable(proxy: Proxy, sync: Sync) -> None:
    proxy.spoil = on(".", lambda real: Answer(200, b"", stream=[]))
    assert sync(proxy.context, "pods").attempt.outcome == "unreachable"


# -- one bad kind --------------------------------------------------------------------------------------

BAD_KINDS: dict[str, tuple[Callable[[Answer], Answer], str]] = {
    "cut short": (lambda real: Answer(200, real.body[:200], real.headers, cut=50), "cut short after 200 bytes"),
    "cut in chunks": (
        lambda real: streamed([b"c8\r\n" + real.body[:200] + b"\r\n"], Transfer_Encoding="chunked"),
        "cut short after 200 bytes",
    ),
    "closed": (lambda real: Answer(200, b"", stream=[]), "closed without an answer"),
    "silent": (
        lambda real: Answer(200, b"", stream=dripping(b"", seconds=0.3)),
        "not speak HTTP|timed out|no complete",
    ),
    "slow": (lambda real: slowly(real, 1.2), "timed out|no complete answer"),
    "drips": (lambda real: streamed(dripping(real.body)), "no complete answer"),
    "no HTTP": (lambda real: Answer(200, b"", stream=[b"SSH-2.0-OpenSSH_9\r\n\r\n"]), "does not speak HTTP"),
    "HTML with 200": (always(200, PAGE), "HTML page"),
    "HTML with 403": (always(403, PAGE), "403 with an HTML page"),
    "HTML with 404": (always(404, PAGE), "404 with an HTML page"),
    "HTML with 503": (always(503, PAGE), "503 with an HTML page"),
    "HTML with 504": (always(504, b"<html><h1>504 Gateway Time-out</h1></html>"), "504 with an HTML page"),
    "text with 503": (always(503, b"upstream connect error", {}), "answered 503"),
    "a redirect": (
        always(302, b"", {"Location": "https://u:SeCrEt@sso.example:8443/login?token=SeCrEt"}),
        r"redirected to https://sso\.example:8443 \(a login page\?\)",
    ),
    "a redirect to itself": (always(307, b"", {"Location": "/loop"}), "redirected to another path of its own"),
    "a redirect to nowhere": (always(308, b"", {}), "redirected"),
    "a redirect to no URL": (always(301, b"", {"Location": "https://[SeCrEt"}), "redirected to nowhere"),
    "broken gzip": (
        lambda real: Answer(200, gzip.compress(real.body)[:-20] + b"x" * 20, {"Content-Encoding": "gzip"}),
        "gzip",
    ),
    "no JSON": (always(200, b"pods: none", {}), "no list"),
    "null": (always(200, b"null"), "no list"),
    "items missing": (lambda real: real.with_json({**real.json, "items": 1}), "no list"),
    "metadata null": (fields(metadata=None), "no resourceVersion"),
    "429": (always(429, STATUS, {"Retry-After": "3600"}), "429: slow down"),
    "429 until a date": (always(429, STATUS, {"Retry-After": "Wed, 25 Nov 2099 13:00:00 GMT"}), "429: slow down"),
}


def slowly(real: Answer, seconds: float) -> Answer:
    time.sleep(seconds)
    return real


@pytest.mark.parametrize("how", BAD_KINDS)
def test_a_bad_kind_costs_itself_alone(proxy: Proxy, store: Store, sync: Sync, how: str) -> None:
    answer, said = BAD_KINDS[how]
    run = Run(how)
    sync(proxy.context, "pods")
    proxy.spoil = on(r"/pods\?", answer)
    failed = sync(proxy.context, "pods", run=run, **PATIENCE)
    assert failed.attempt.outcome == "failed"
    assert re.search(said, str(failed.attempt.error)), failed.attempt.error
    assert not TYPE_NAME.search(str(failed.attempt.error)), failed.attempt.error
    assert "SeCrEt" not in str(failed.attempt.error)
    assert rows_of(store, "pods", context="proxied") == 5
    assert sync(proxy.context, "services", run=run, **PATIENCE).attempt.outcome == "complete"


EVERYWHERE: dict[str, tuple[Callable[[Answer], Answer], str, str]] = {
    "HTML with 200": (always(200, PAGE), "failed", "HTML page: is a proxy or a login page in the way"),
    "HTML with 401": (always(401, PAGE), "unauthorized", "401 with an HTML page"),
    "HTML with 403": (always(403, PAGE), "failed", "403 with an HTML page"),
    "HTML with 404": (always(404, PAGE), "failed", "404 with an HTML page"),
    "HTML with 503": (always(503, PAGE), "failed", "503 with an HTML page"),
    "text with 404": (always(404, b"404 page not found\n", {}), "failed", "404 without a Kubernetes Status"),
    "a redirect": (always(302, b"", {"Location": "//sso.example/?x"}), "failed", "to https://sso.example "),
    "503 and wait": (always(503, b"no healthy upstream", {"Retry-After": "30"}), "failed", "answered 503"),
    "429 and wait": (always(429, STATUS, {"Retry-After": "3600"}), "failed", "429: slow down"),
    "closed": (lambda real: Answer(200, b"", stream=[]), "unreachable", "closed without an answer"),
}


@pytest.mark.parametrize("how", EVERYWHERE)
def test_an_answer_to_everything_is_said_for_what_it_is(proxy: Proxy, sync: Sync, how: str) -> None:
    answer, outcome, said = EVERYWHERE[how]
    proxy.spoil = on(".", answer)
    attempt = sync(proxy.context, "pods", **PATIENCE).attempt
    assert attempt.outcome == outcome
    assert said in str(attempt.error)
    assert not TYPE_NAME.search(str(attempt.error)), attempt.error


def test_a_login_page_in_the_place_of_a_table(proxy: Proxy, sync: Sync) -> None:
    proxy.spoil = on(r"/secrets\?", always(200, PAGE))
    assert "HTML page" in str(sync(proxy.context, "secrets").attempt.error)


READ_ALL_THE_SAME: dict[str, Callable[[Answer], Answer]] = {
    "gzip that nobody asked for": lambda real: Answer(
        real.status, gzip.compress(real.body), {**real.headers, "Content-Encoding": "gzip"}
    ),
    "many headers": lambda real: with_headers(real, {f"X-{number}": "v" for number in range(300)}),
    "a long header": lambda real: with_headers(real, {"X-Long": "v" * 200_000}),
    "long headers": lambda real: with_headers(real, {f"X-{number}": "v" * 3000 for number in range(80)}),
    "warnings": lambda real: with_headers(real, {"Warning": '299 - "policy/v1beta1 is deprecated"'}),
    "HTTP/1.0": lambda real: Answer(
        200, b"", stream=[f"HTTP/1.0 {real.status} X\r\nContent-Type: application/json\r\n\r\n".encode(), real.body]
    ),
}


def with_headers(real: Answer, headers: dict[str, str]) -> Answer:
    return Answer(real.status, real.body, real.headers | headers)


@pytest.mark.parametrize("how", READ_ALL_THE_SAME)
def test_what_kubectl_reads_is_read(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, how: str) -> None:
    proxy.spoil = on(".", READ_ALL_THE_SAME[how])
    result = sync(proxy.context, "pods", page_size=2)
    assert result.attempt.outcome == "complete", result.attempt.error
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


def test_it_is_waited_until_a_date_but_not_for_ever(proxy: Proxy) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=6), usegmt=True)
    proxy.spoil = on("readyz", always(503, b"", {"Retry-After": soon}))
    for longest_wait, seconds in ((0.2, (0.1, 4)), (30, (1.5, 20))):
        with Session(proxy.context, replace(IMPATIENT, longest_wait=longest_wait)) as session:
            start = time.monotonic()
            with pytest.raises(KubeError, match="503"):
                session.get(ApiPath("readyz"))
            assert seconds[0] < time.monotonic() - start < seconds[1]


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_date_is_by_the_clock_of_who_says_it(proxy: Proxy, hours: int) -> None:
    def spoil(path: str, real: Answer) -> Answer | None:
        if proxy.requests.count(path) > 1:
            return None
        now = datetime.now(UTC) + timedelta(hours=hours)
        dates = {"Date": now, "Retry_After": now + timedelta(seconds=1)}
        return streamed([b""], status=503, **{name: format_datetime(each, usegmt=True) for name, each in dates.items()})

    proxy.spoil = spoil
    with Session(proxy.context, replace(IMPATIENT, longest_wait=60)) as session:
        start = time.monotonic()
        assert session.get(ApiPath("readyz")) == b"ok"
        assert 0.9 < time.monotonic() - start < 20


# -- lists ---------------------------------------------------------------------------------------------


def of_lists(change: Callable[[dict[str, Any]], object]) -> Spoil:
    def spoil(path: str, real: Answer) -> Answer | None:
        if real.status != 200 or not re.search(r"/(pods|things)(\?|$)", path):
            return None
        value = real.json
        change(value)
        return real.with_json(value)

    return spoil


def _text_versions(value: dict[str, Any]) -> None:
    for each in (value, *value["items"]):
        each["metadata"]["resourceVersion"] = f"kine-{each['metadata']['resourceVersion']}"


def _generic(value: dict[str, Any]) -> None:
    for each in value["items"]:
        each |= {"kind": "Pod", "apiVersion": "v1"}
    value |= {"kind": "List", "apiVersion": "v1"}


LISTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a negative count of the rest": lambda value: value["metadata"].update(remainingItemCount=-5),
    "nulls in its metadata": lambda value: value["metadata"].update(remainingItemCount=None, selfLink=None),
    "no token": lambda value: value["metadata"].setdefault("continue", None),
    "versions that are text": _text_versions,
    "a List of objects that say what they are": _generic,
    "objects that say what they are": lambda value: [
        each.update(kind="Pod", apiVersion="v1") for each in value["items"]
    ],
    "objects whose kind is null": lambda value: [each.update(kind=None, apiVersion=None) for each in value["items"]],
}


@pytest.mark.parametrize("how", LISTS)
def test_lists_of_other_servers_are_read(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, how: str) -> None:
    proxy.spoil = of_lists(LISTS[how])
    for page_size in (500, 2):
        result = sync(proxy.context, "pods", page_size=page_size)
        assert result.attempt.outcome == "complete", result.attempt.error
        assert result.attempt.objects == rows_of(store, "pods", context="proxied") == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(kind="List"),
        lambda value: value.update(kind="List", items=[]),
        lambda value: value.update(kind="List", items=None),
        lambda value: (_generic(value), value["items"][-1].update(kind="Secret")),
        lambda value: (_generic(value), value["items"][-1].update(apiVersion="v2")),
    ],
)
def test_a_list_of_nothing_certain_proves_nothing(proxy: Proxy, store: Store, sync: Sync, change: Any) -> None:
    sync(proxy.context, "pods")
    proxy.spoil = of_lists(change)
    assert sync(proxy.context, "pods").attempt.outcome == "failed"
    assert rows_of(store, "pods", context="proxied") == 5


def test_objects_are_counted_once(proxy: Proxy, store: Store, sync: Sync) -> None:
    seen: dict[str, Any] = {}

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path:
            return None
        if "continue=" not in path:
            seen.update(real.json)
            first = {**seen, "items": seen["items"][:3], "metadata": {**seen["metadata"], "continue": "second"}}
            return Answer(200, json.dumps(first).encode())
        return Answer(200, json.dumps({**seen, "items": seen["items"][2:]}).encode())

    proxy.spoil = spoil
    attempt = sync(proxy.context, "pods").attempt
    assert (attempt.outcome, attempt.objects) == ("partial", 5)
    assert "1 objects came on two pages" in str(attempt.error)


@pytest.mark.parametrize("how", ["a List", "an empty List", "metadata null", "no uids"])
def test_a_kind_of_an_aggregated_server(proxy: Proxy, store: Store, how: str) -> None:
    """It is served at the tests' own custom kind, as if there were no CRD."""
    kind = custom_kind(group="shop.example", version="v1", kind="Test", plural="tests", namespaced=True)

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/tests?" not in path:
            return None
        value = real.json
        if "List" in how:
            value |= {"kind": "List", "apiVersion": "v1"}
        if how == "an empty List":
            value["items"] = None
        if how in ("metadata null", "no uids"):
            value["metadata"] = None
        if how == "no uids":
            for each in value["items"]:
                del each["metadata"]["uid"]
        return real.with_json(value)

    proxy.spoil = spoil
    with Session(proxy.context, IMPATIENT) as session:
        result = sync_target(session, store, kind, run=Run(how), settings=Settings.load({}))
    assert result.outcome == ("unsupported" if how == "no uids" else "complete"), result.error
    assert result.attempt.objects == (1 if how in ("a List", "metadata null") else 0)


# -- discovery -----------------------------------------------------------------------------------------


def discovered(proxy: Proxy, change: Callable[[str, Any], object], *, aggregated: bool = True) -> Discovery:
    def spoil(path: str, real: Answer) -> Answer | None:
        if not path.startswith("/api") or real.status != 200:
            return None
        value = real.json
        change(path, value)
        return real.with_json(value)

    proxy.spoil = spoil
    with Session(proxy.context, IMPATIENT) as session:
        if not aggregated:
            get = session.get
            session.get = lambda path, query=None, **rest: get(path, query, **{**rest, "accept": "application/json"})  # type: ignore[method-assign]
        return discover(session)


def group_named(name: str, value: Any) -> Any:
    return next((each for each in value.get("items") or () if each and each["metadata"]["name"] == name), None)


def of_group(change: Callable[[Any], object], name: str = "coordination.k8s.io") -> Callable[[str, Any], object]:
    return lambda path, value: change(group) if path == "/apis" and (group := group_named(name, value)) else None


def _each_resource(**values: object) -> Callable[[Any], object]:
    return lambda group: [each.update(values) for version in group["versions"] for each in version["resources"]]


AGGREGATED: dict[str, tuple[Callable[[str, Any], object], bool]] = {
    # what is null, and whether its group is not all there
    "verbs": (of_group(_each_resource(verbs=None)), False),
    "a scope": (of_group(_each_resource(scope=None)), False),
    "freshness": (of_group(lambda group: group["versions"][0].update(freshness=None)), False),
    "a resource": (of_group(lambda group: group["versions"][0]["resources"].append(None)), True),
    "the name of a resource": (
        of_group(lambda group: group["versions"][0]["resources"].append({"resource": None, "verbs": ["list"]})),
        True,
    ),
    "resources": (of_group(lambda group: group["versions"][0].update(resources=None)), True),
    "a version": (of_group(lambda group: group["versions"].append(None)), True),
    "the name of a version": (of_group(lambda group: group["versions"].append({"version": None})), True),
    "versions": (of_group(lambda group: group.update(versions=None)), True),
    "a group": (lambda path, value: path == "/apis" and value["items"].append(None), False),
    "the name of a group": (
        lambda path, value: (
            path == "/apis"
            and value["items"].append(
                {"metadata": None, "versions": [{"version": "v1", "resources": [{"resource": "x"}]}]}
            )
        ),
        False,
    ),
}


@pytest.mark.parametrize("what", AGGREGATED)
def test_null_in_aggregated_discovery_costs_itself(proxy: Proxy, what: str) -> None:
    change, is_lacking = AGGREGATED[what]
    found = discovered(proxy, change)
    assert "tests.shop.example" in found.kinds
    assert found.serves("apps", "deployments")
    assert found.unread == ({"coordination.k8s.io"} if is_lacking else set())
    assert found.serves("coordination.k8s.io", "leases") is (what not in ("resources", "versions"))
    assert not found.serves("", "x")


@pytest.mark.parametrize("root", ["/api", "/apis"])
def test_null_items_of_aggregated_discovery_are_no_groups(proxy: Proxy, root: str) -> None:
    found = discovered(proxy, lambda path, value: path == root and value.update(items=None))
    assert found.serves("", "pods") is (root != "/api")
    assert found.serves("apps", "deployments") is (root != "/apis")


CLASSIC: dict[str, tuple[Callable[[str, Any], object], bool]] = {
    "verbs": (
        lambda path, value: "coordination" in path and [each.update(verbs=None) for each in value["resources"]],
        False,
    ),
    "resources": (lambda path, value: "coordination" in path and value.update(resources=None), True),
    "versions": (
        lambda path, value: (
            path == "/apis"
            and [each.update(versions=None) for each in value["groups"] if each["name"] == "coordination.k8s.io"]
        ),
        True,
    ),
}


@pytest.mark.parametrize("what", CLASSIC)
def test_null_in_discovery_costs_itself(proxy: Proxy, what: str) -> None:
    change, is_lacking = CLASSIC[what]
    found = discovered(proxy, change, aggregated=False)
    assert "tests.shop.example" in found.kinds
    assert found.unread == ({"coordination.k8s.io"} if is_lacking else set())


@pytest.mark.parametrize(
    "change",
    [
        lambda path, value: path == "/apis" and value.update(groups=None),
        lambda path, value: path == "/api" and value.update(versions=None),
    ],
)
def test_null_groups_of_discovery_are_none(proxy: Proxy, change: Callable[[str, Any], object]) -> None:
    found = discovered(proxy, change, aggregated=False)
    assert found.serves("", "pods") is not found.serves("apps", "deployments")


@pytest.mark.parametrize("what", ["groups", "versions", "resources"])
def test_null_in_discovery_proves_no_absence(proxy: Proxy, store: Store, sync: Sync, what: str) -> None:
    sync(proxy.context, "leases")
    before = rows_of(store, "leases", context="proxied")
    assert before > 0

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/leases" in path:
            return Answer(404, b"404 page not found\n", {})
        if not path.startswith("/apis") or real.status != 200:
            return None
        value = real.json
        if value["kind"] == "APIGroupDiscoveryList":
            value["items"] = [each for each in value["items"] if each["metadata"]["name"] != "coordination.k8s.io"]
        elif what == "groups" and path == "/apis":
            value["groups"] = None
        elif what == "versions" and path == "/apis":
            for each in value["groups"]:
                each["versions"] = None
        elif "coordination" in path and "resources" in value:
            value["resources"] = None
        return real.with_json(value)

    proxy.spoil = spoil
    assert sync(proxy.context, "leases").attempt.outcome != "absent"
    assert rows_of(store, "leases", context="proxied") == before


# -- connections ---------------------------------------------------------------------------------------


def certificate(folder: Path, *names: str, expired: bool = False) -> Path:
    """Key and certificate of a server of these names, by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "it")])
    end = datetime.now(UTC) + timedelta(days=-1 if expired else 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(end - timedelta(days=9)).not_valid_after(end)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / f"{'-'.join(names)}-{expired}.pem"
    made = builder.sign(key, hashes.SHA256()).public_bytes(encoding)
    path.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain) + made)
    return path


def hello(proxy: LoopbackProxy, client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def bad_request(proxy: LoopbackProxy, client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def alert(proxy: LoopbackProxy, client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"\x15\x03\x01\x00\x02\x02\x16")


def reset(proxy: LoopbackProxy, client: socket.socket) -> None:
    client.recv(1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


def closing(proxy: LoopbackProxy, client: socket.socket) -> None:
    client.recv(4096)


def silent(proxy: LoopbackProxy, client: socket.socket) -> None:
    while client.recv(4096):
        pass


def failure_of(server: str, **cluster: object) -> str:
    content = {
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
    }
    context = Context(name="test", kubeconfig=content, context="c")
    limits = replace(IMPATIENT, connect_timeout=0.6, longest_wait=0.1, read_timeout=0.6)
    with Session(context, limits) as session, pytest.raises(KubeError) as failed:
        session.get(ApiPath("version"))
    assert not TYPE_NAME.search(str(failed.value)), failed.value
    assert isinstance(failed.value, Unreachable) or server.startswith("http://"), failed.value
    return str(failed.value)


@pytest.mark.parametrize(
    ("names", "expired", "trusts", "asked_by", "said"),
    [
        (("localhost",), False, False, "localhost", "CA that is not trusted"),
        (("localhost",), True, True, "localhost", "certificate has expired"),
        (("other.example",), False, True, "localhost", "not valid for the name"),
        (("localhost",), False, True, "127.0.0.1", "not valid for its address"),
    ],
)
def test_certificates(
    tmp_path: Path, names: tuple[str, ...], expired: bool, trusts: bool, asked_by: str, said: str
) -> None:
    own = certificate(tmp_path, *names, expired=expired)
    other = certificate(tmp_path, "another.example")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(own)
    with LoopbackProxy(hello, tls=tls) as server:
        url = f"https://{asked_by}:{server.address.partition(':')[2]}"
        message = failure_of(url, **{"certificate-authority": str(own if trusts else other)})
    assert said in message
    assert "VPN" not in message


@pytest.mark.parametrize(
    ("serve", "scheme", "said"),
    [
        (bad_request, "https", "does not speak TLS"),
        (alert, "http", "speaks TLS and not HTTP"),
        (reset, "https", "reset|closed"),
        (reset, "http", "reset|closed"),
        (closing, "https", "closed in the middle of TLS"),
        (closing, "http", "closed without an answer"),
        (silent, "https", "did not answer in 0.6 s"),
        (silent, "http", "timed out"),
    ],
)
def test_what_is_no_api_server(serve: Serve, scheme: str, said: str) -> None:
    with LoopbackProxy(serve) as server:
        assert re.search(said, failure_of(f"{scheme}://{server.address}"))


def test_http_asked_of_an_api_server_with_tls(cluster: Cluster) -> None:
    assert "400" in failure_of(cluster.server.replace("https", "http"))
