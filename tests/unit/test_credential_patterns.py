"""What is taken for a credential in text, what is not, and that no text makes it slow."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_inventory.collector.storable import storable
from k8s_inventory.credentials import (
    REDACTED,
    json_holds_userinfo,
    json_without_userinfo,
    without_credentials,
    without_userinfo,
)
from k8s_inventory.kube.errors import BadAnswer, Expired

S = "pl4nted-Value9"

URLS = {
    f"https://user:{S}@host.example/path": "https://<redacted>@host.example/path",
    f"HTTPS://{S}@host.example": "HTTPS://<redacted>@host.example",
    f"https://git:{S}@github.com/org/repo.git": "https://<redacted>@github.com/org/repo.git",
    f"git+ssh://{S}@host.example:22/repo": "git+ssh://<redacted>@host.example:22/repo",
    f"postgres://app:{S}@db:5432/app?sslmode=require": "postgres://<redacted>@db:5432/app?sslmode=require",
    f"redis://:{S}@redis:6379/0": "redis://<redacted>@redis:6379/0",
    f"mongodb+srv://u:{S}@a.example,b.example/db": "mongodb+srv://<redacted>@a.example,b.example/db",
    f"amqp://u:{S}@a.example:5672,u:{S}@b.example/%2F": "amqp://<redacted>@b.example/%2F",
    f"http://u:{S}@a.example:9200,http://u:{S}@b.example": "http://<redacted>@a.example:9200,http://<redacted>@b.example",
    f"https://u%40corp:%21{S}%2F@host.example": "https://<redacted>@host.example",
    f"https://u:{S}@[fd00::1]:6443/": "https://<redacted>@[fd00::1]:6443/",
    f"https://u:p@{S}@host.example/": "https://<redacted>@host.example/",
    f"https://u:<{S}>&'x@host.example": "https://<redacted>@host.example",
    f"https://CORP\\u{S}:p@proxy.example:3128": "https://<redacted>@proxy.example:3128",
    f"postgres://u:a/{S}@db.example/x": "postgres://<redacted>@db.example/x",
    f"postgres://u:a?b#{S}@db.example/x": "postgres://<redacted>@db.example/x",
    f"s3://AK:{S}/ab+c@bucket": "s3://<redacted>@bucket",
    f"curl https://u:{S}@a.example; echo done": "curl https://<redacted>@a.example; echo done",
    f"(https://u:{S}é@host.example)": "(https://<redacted>@host.example)",
    f"one@x.example two@x.example https://u:{S}@host.example": (
        "one@x.example two@x.example https://<redacted>@host.example"
    ),
    f'{{"url":"https://u:{S}@host.example","mail":"a@b.example"}}': (
        '{"url":"https://<redacted>@host.example","mail":"a@b.example"}'
    ),
}
NO_USERINFO = (
    "https://host.example/a@b",
    "https://host.example:8080/a@b",
    "https://host.example?x=a@b",
    "https://host.example:443?x=a@b",
    "https://host.example#a@b",
    "https://host.example a@b",
    "https://accounts.example#ann@x.example",
    "http://[fd00::1]:80/a:b@c",
    "mailto:a@b.example",
    "oidc:ann@x.example",
    "serviceAccount:a@project.iam.gserviceaccount.example",
    "docker-pullable://nginx@sha256:" + "a" * 64,
    "oci://registry.example/nginx@sha256:" + "a" * 64,
    "https://@host.example",
    "containerd://0123",
    '{"url":"https://host.example","mail":"a@b.example"}',
)


def as_go(text: str) -> bytes:
    """JSON as Kubernetes writes it."""
    escaped = json.dumps(text, ensure_ascii=False)
    return escaped.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026").encode()


def as_php(text: str) -> bytes:
    return json.dumps(text).replace("/", "\\/").encode()


WRITTEN: dict[str, Callable[[str], bytes]] = {
    "in JSON": as_go,
    "in JSON with escaped slashes": as_php,
    "in JSON in JSON": lambda text: as_go(as_go(text).decode()),
    "in JSON with escaped slashes in JSON": lambda text: as_go(as_php(text).decode()),
    "in JSON in JSON in JSON": lambda text: as_go(json.dumps({"k": as_php(text).decode()})),
}


@pytest.mark.parametrize(("url", "shown"), URLS.items())
def test_urls_lose_their_userinfo(url: str, shown: str) -> None:
    assert without_userinfo(url) == shown
    assert without_userinfo(shown) == shown
    assert json.loads(json_without_userinfo(as_go(url))) == shown
    assert S not in without_credentials(url)


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("url", URLS)
def test_urls_lose_their_userinfo_at_any_depth_of_json(url: str, written: str) -> None:
    body = b'{"a":' + WRITTEN[written](url) + b',"b":1}'
    assert json_holds_userinfo(body)
    cleaned = storable(body)
    assert S.encode() not in cleaned
    assert json.loads(cleaned).keys() == {"a", "b"}


@pytest.mark.parametrize("text", NO_USERINFO)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert without_userinfo(text) == text
    for written in WRITTEN.values():
        body = b'{"a":' + written(text) + b"}"
        assert json_without_userinfo(body) == body
        assert not json_holds_userinfo(body)


def test_a_text_with_many_other_at_signs_is_searched_to_its_end() -> None:
    body = as_go("a@b.example " * 1000 + f"https://u:{S}@host.example")
    assert json_holds_userinfo(body)
    assert not json_holds_userinfo(as_go("a@b.example " * 1000))


@given(st.text(), st.text())
def test_what_is_left_is_json_and_the_same_but_for_userinfo(before: str, after: str) -> None:
    value = f"{before} https://u:{S}@host.example {after}"
    cleaned = json.loads(storable(json.dumps(value).encode()))
    assert S not in cleaned
    assert "https://<redacted>@host.example" in cleaned


CREDENTIALS = (
    f"-----BEGIN RSA PRIVATE KEY-----\nMIIE{S}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{S}",
    f'{{"private_key": "-----BEGIN PRIVATE KEY-----\\nMII{S}\\n-----END PRIVATE KEY-----\\n"}}',
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{S}\n-----END PGP PRIVATE KEY BLOCK-----",
    f"LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt{S.replace('-', '')}",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIi{S}.abc{S}",
    "AKIAIOSFODNN7EXAMPLE",
    "x-ASIAIOSFODNN7EXAMPLE-y",
    f"aws_secret_access_key = {S}",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + S,
    f"https://a.blob.example/c?sv=1&sig={S}&se=2",
    f"sig={S}",
    f'password: "{S} with \\" in it {S}"',
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "github_pat_0123456789abcdefghijABCDEFGHIJ",
    "glpat-0123456789abcdefghij",
    "xoxb-123456789012-abcdefghijkl",
    f"https://hooks.slack.com/services/T0/B0/{S}",
    "sk_live_0123456789abcdef",
    "npm_0123456789abcdefghijABCDEFGHIJ012345",
    "pypi-AgEIcHlwaS5vcmcCJDAxMjM0NTY3",
    f"password={S}",
    f"DB_PASSWORD={S}",
    f"-Djavax.net.ssl.keyStorePassword={S}",
    f"--password {S}",
    f"--admin-password={S}",
    f"secret: {S}",
    f"token={S}",
    f"api_key={S}",
    f"apiKey: '{S}'",
    f'{{"password":"{S}"}}',
    f'{{\\"client_secret\\": \\"{S}\\"}}',
    f"pass:{S}",
    f"Server=db;User Id=a;Password={S};",
    f"Authorization: Bearer {S}",
    f"authorization: Basic {S}",
    f"Bearer {S}",
    "Basic dXNlcjpwYXNz",
    f"u:{S}@tcp(db.example:3306)/app",
    f"X-Api-Key: {S}",
)
NO_CREDENTIALS = (
    "registry.example/auth-token:1.0",
    "quay.example/external-secrets/external-secrets:v0.9",
    "secrets-store-csi-driver:v1.2",
    "nginx:1.25@sha256:" + "a" * 64,
    "kubernetes.io/service-account-token",
    "default-token-abcde",
    "system:serviceaccount:shop:web",
    "oidc:ann@x.example",
    "web-7f9d8c6b5-x2x4z",
    "arn:aws:iam::123456789012:role/reader",
    "0 3 * * *",
    "Basic authentication",
    'context prod, secrets: forbidden: secrets is forbidden: User "reader" cannot list resource',
    "context prod, pods: credentials are missing, expired or wrong (401)",
    "the continue token expired twice; the rest is of a later time",
)


@pytest.mark.parametrize("text", CREDENTIALS)
def test_what_looks_like_a_credential_goes(text: str) -> None:
    shown = without_credentials(f"before {text} after")
    assert REDACTED in shown
    assert S not in shown
    assert S.replace("-", "") not in shown
    assert shown.startswith("before ")
    if S not in text:
        assert text not in shown


@pytest.mark.parametrize("text", NO_CREDENTIALS)
def test_names_and_messages_stay(text: str) -> None:
    assert without_credentials(text) == text


def test_errors_of_clusters_hold_no_credential() -> None:
    assert str(BadAnswer(f"see https://u:{S}@host.example")) == "see https://<redacted>@host.example"
    assert str(Expired(f"token: {S}", "next")) == "token: <redacted>"


HOSTILE = (
    *("://", "://a:x/", "://a:x#", "://:", "@", "a@", "://@", "://u:p@", '"@', "@sha256:", "://a@sha256:", "\\/", "\\"),
    *(
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "LS0tLS1CRUdJTi",
        "eyJ",
        "eyJ.",
        "eyJaaaaaa.",
        "AKIA",
        "ghp_",
        "gl",
    ),
    *("xoxb-", "xoxb", "sk-", "SG.", "SG.aaaaaaaaaaaaaaaaaaa.", "hvs.", "8Q~", "npm_", "password", "password ", "pass"),
    *(
        "password=",
        'password\\"',
        "token: ",
        "secret\"'\\",
        "--",
        "--a-",
        "a-b-c-",
        "basic ",
        "bearer A",
        "?sig=",
        "a:",
    ),
    *("a:b@", "1:", " ", "\n", '"', "'", "=", "hooks.slack.com/", "authorization=bearer ", "x"),
)


@pytest.mark.parametrize("part", HOSTILE)
@pytest.mark.parametrize("clean", [without_credentials, without_userinfo, json_without_userinfo, json_holds_userinfo])
def test_no_text_takes_more_than_linear_time(part: str, clean: Callable[[str | bytes], object]) -> None:
    """A quadratic pattern takes minutes for this; the slowest of these takes a second for a million characters."""
    text = (part * 100_000)[:100_000]
    start = time.process_time()
    clean(text if clean in (without_credentials, without_userinfo) else text.encode())
    assert time.process_time() - start < 2
