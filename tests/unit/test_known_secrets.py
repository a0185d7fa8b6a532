"""What was loaded as a secret is in no text that is shown, however it was written, and nothing else is taken out."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from k8s_inventory import known_secrets
from k8s_inventory.known_secrets import learn, learn_kubeconfig, learn_url, without_known
from k8s_inventory.printable import ReportedError, printable, printable_lines
from k8s_inventory.tracebacks import without_texts

TOKEN = "pl4nted/t+ken=%1"
KEY = "-----BEGIN EC PRIVATE KEY-----\n" + "\n".join(f"M{n}" + "Zy4+q/" * 10 for n in range(20)) + "\n-----END-----"


@pytest.fixture(autouse=True)
def _none_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_secrets, "_new", known_secrets._Pieces())
    monkeypatch.setattr(known_secrets, "_old", known_secrets._Pieces())


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "write",
    [
        str,
        str.upper,
        repr,
        json.dumps,
        lambda text: json.dumps(json.dumps({"token": text})),
        quote,
        lambda text: quote(text, safe=""),
        _base64,
        lambda text: _base64(f"u:{text}"),
        lambda text: _base64(f"user:{text}"),
        lambda text: _base64(f"admin:{text} and more"),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
        lambda text: f"Bearer {text}\n",
        lambda text: f"x{text}y",
    ],
)
def test_a_secret_shows_in_no_form(write: Callable[[str], str]) -> None:
    learn(f"{TOKEN}\n")
    text = without_known(f"before {write(TOKEN)} after")
    assert text.startswith("before ")
    assert text.rstrip().endswith(" after")
    for form in (TOKEN, TOKEN.upper(), quote(TOKEN), quote(TOKEN, safe=""), _base64(TOKEN)[:-3], "pl4nted"):
        assert form not in text
    assert "<redacted>" in text


def test_a_key_shows_in_no_part() -> None:
    learn(_base64(KEY))
    for text in (KEY, _base64(KEY), repr(KEY), _base64(KEY)[100:160], KEY[40:300], KEY.splitlines()[7][:40]):
        shown = without_known(f"before {text} after")
        parts = {text[start : start + 24] for start in range(len(text) - 23)}
        assert not any(part in shown for part in parts if not set(part) & set("- ")), shown
        assert shown.startswith("before ")


def test_words_and_what_is_short_stay() -> None:
    learn("true", "admin", "x", "default", "12345", None, "", b"")
    text = "true admin x default 12345"
    assert without_known(text) == text
    learn("changeit")
    assert without_known("changeit! changeitnow") == "<redacted>! changeitnow"


def test_names_and_hosts_of_a_kubeconfig_stay() -> None:
    learn_kubeconfig(
        {
            "clusters": [{"name": "shop-prod-1", "cluster": {"server": "https://api.eu-central-1.example:6443"}}],
            "users": [
                {
                    "name": "deploy-bot",
                    "user": {
                        "password": "deploy-bot",
                        "client-key": "/home/deploy/.kube/prod.key",
                        "exec": {
                            "command": "aws-iam-authenticator",
                            "args": ["token", "--cluster", "shop-prod-1", "--role", "arn:aws:iam::1:role/read"],
                            "env": [{"name": "AWS_REGION", "value": "eu-central-1"}],
                        },
                    },
                }
            ],
            "contexts": [{"name": "shop-prod-1", "context": {"cluster": "shop-prod-1", "user": "deploy-bot"}}],
        }
    )
    text = (
        'context shop-prod-1: api.eu-central-1.example:6443 refuses user "deploy-bot" of aws-iam-authenticator '
        "--role arn:aws:iam::1:role/read; kubeconfig /home/deploy/.kube/config"
    )
    assert without_known(text) == text


PLACES = [
    {"users": [{"name": "u", "user": {"token": "@"}}]},
    {"users": [{"name": "u", "user": {"token": ["@"]}}]},
    {"users": [{"name": "u", "token": "@"}]},
    {"users": [{"user": {"token": "@"}}]},
    {"users": {"u": {"token": "@"}}},
    {"token": "@"},
    {"users": [{"name": "u", "user": {"password": "@"}}]},
    {"users": [{"name": "u", "user": {"tokenFile": "@"}}]},
    {"users": [{"name": "u", "user": {"client-key": "@"}}]},
    {"users": [{"name": "u", "user": {"client-key-data": "@"}}]},
    {"clusters": [{"name": "c", "cluster": {"client-key-data": "@"}}]},
    {"users": [{"name": "u", "user": {"unknown": {"deep": [{"x": "@"}]}}}]},
    {"users": [{"name": "u", "user": {"exec": {"env": [{"name": "REGION", "value": "@"}]}}}]},
    {"users": [{"name": "u", "user": {"exec": {"env": {"REGION": "@"}}}}]},
    {"users": [{"name": "u", "user": {"exec": {"args": ["login", "--client-secret", "@"]}}}]},
    {"users": [{"name": "u", "user": {"exec": {"args": ["login", "--password=@"]}}}]},
    {"users": [{"name": "u", "user": {"exec": {"args": ["login", "https://robot:@@host.example"]}}}]},
    {"users": [{"name": "u", "user": {"auth-provider": {"config": {"client-secret": "@"}}}}]},
    {"users": [{"name": "u", "user": {"auth-provider": {"config": {"refresh-token": "@"}}}}]},
    {"users": [{"name": "u", "user": {"auth-provider": {"config": {"access-token": "@"}}}}]},
    {"clusters": [{"name": "c", "cluster": {"server": "https://u:@@host.example:6443"}}]},
    {"clusters": [{"name": "c", "cluster": {"server": "https://@@host.example:6443"}}]},
    {"clusters": [{"name": "c", "cluster": {"proxy-url": "socks5://u:@@proxy.example:1080"}}]},
    {"clusters": [{"name": "c", "cluster": {"extensions": [{"extension": {"apiToken": "@"}}]}}]},
]


@pytest.mark.parametrize("content", PLACES, ids=json.dumps)
def test_secrets_of_a_kubeconfig_in_each_place(content: object) -> None:
    learn_kubeconfig(json.loads(json.dumps(content).replace("@@", "pl4nted-1@").replace('"@"', '"pl4nted-1"')
        .replace("=@", "=pl4nted-1")))  # fmt: skip
    assert without_known("it was pl4nted-1.") == "it was <redacted>."


def test_a_kubeconfig_that_holds_itself_has_an_end() -> None:
    content: dict[str, object] = {"token": "pl4nted-1"}
    content["users"] = [content]
    learn_kubeconfig(content)
    assert "pl4nted" not in without_known("pl4nted-1")


def test_urls_with_what_urls_can_not_have() -> None:
    learn_url("postgres://app:pl4nted%2F1@db.example/app")
    assert "pl4nted" not in without_known("could not connect as app with pl4nted/1")
    learn_url("postgres://app:an0ther/1#x@y@db.example/app")
    assert "an0ther" not in without_known("invalid port: an0ther/1#x@y")


def test_a_password_that_is_a_name_beside_it_is_no_secret() -> None:
    learn_url("postgresql://postgres:postgres@localhost/postgres")
    learn_url("postgresql://inventory:inventory2@db.example/airflow")
    assert without_known("role postgres, K8S_POSTGRES_CONN_ID") == "role postgres, K8S_POSTGRES_CONN_ID"
    assert "inventory2" not in without_known("inventory2 of k8s_inventory2 and inventory")


def test_a_word_is_known_as_a_whole_word_alone() -> None:
    learn("passwort")
    assert without_known("passwort_conn_id and passworts") == "passwort_conn_id and passworts"
    assert without_known("it is passwort.") == "it is <redacted>."


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_secrets, "_MOST", 1000)
    for number in range(1000):
        learn(f"pl4nted-{number:05}")
    assert known_secrets._new.count + known_secrets._old.count < 2100
    assert "00999" not in without_known("pl4nted-00999")


def test_however_many_there_are_a_text_takes_time_in_its_length_alone() -> None:
    for number in range(3000):
        learn(f"{number:x}-" + "eyJhbGciOiJSUzI1NiJ9." * (1 + number % 5))
    began = time.perf_counter()
    without_known("eyJhbGciOiJSUzI1NiJ9" * 5000)
    assert time.perf_counter() - began < 3


def test_all_that_is_shown_goes_through_it() -> None:
    learn("pl4nted\x1b1", "pl4nted-2")
    assert printable("a pl4nted\x1b1 b") == "a <redacted> b"
    assert printable_lines("a\npl4nted-2") == "a\n<redacted>"
    assert str(ReportedError("pl4nted-2")) == "<redacted>"


def test_tracebacks_have_frames_and_classes_and_no_texts(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> None:
        try:
            raise KeyError("pl4nted-1")
        except KeyError as error:
            error.add_note("pl4nted-2")
            raise ValueError("pl4nted-3") from error

    try:
        fails()
    except ValueError as error:
        logging.getLogger("test").error("it failed", exc_info=without_texts(error))
    assert "KeyError" in caplog.text
    assert "ValueError" in caplog.text
    assert "in fails" in caplog.text
    assert "pl4nted" not in caplog.text.replace('"pl4nted-', "")  # of the lines of this file
