"""Odd values of every type that a schema knows, and the secrets that are planted among them."""

from __future__ import annotations

import base64
import gzip
import json
from random import Random
from typing import Any

import yaml

SECRET = "pl4nted-s3cret"
"""What no row may hold, in any encoding that a reader takes apart at sight."""

_SECRET_IN_BASE64 = [
    base64.b64encode(b"x" * shift + SECRET.encode())[(shift * 4 + 2) // 3 :][:16] for shift in range(3)
]
SECRET_FORMS = (SECRET, *(each[1:].decode() for each in _SECRET_IN_BASE64))

INT32 = 2**31 - 1
INT64 = 2**63 - 1
INTEGERS = (0, 1, -1, 2, 255, 65535, 65536, INT32, -INT32 - 1)
LONG_INTEGERS = (*INTEGERS, INT32 + 1, 2**53, 2**53 + 1, INT64, -INT64 - 1)
NUMBERS = (0.0, -0.0, 0.1, -1.5, 1e-9, 1e21, 1.7976931348623157e308, 5e-324, 123456789.125, *LONG_INTEGERS)
TIMES = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0000-01-01T00:00:00Z",
    "1582-10-10T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00Z",
    "2016-12-31T23:59:59Z",
    "2024-02-29T12:00:00+05:30",
    "2026-01-01T00:00:00.123456789Z",
    "2038-01-19T03:14:08Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00",
)
MICRO_TIMES = (
    "0001-01-01T00:00:00.000000Z",
    "2026-01-01T00:00:00.000001Z",
    "2026-01-01T00:00:00.999999+05:30",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59.999999-12:00",
)
QUANTITIES = (
    "0",
    "1",
    "-1",
    "0.5",
    "100m",
    "1n",
    "1u",
    "0.0000000001",
    "1.5Gi",
    "1e3",
    "1E",
    "8Ei",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e30",
    "1e-30",
    "123456789012345678901234567890",
    "12345678901234567890123456789.123456789",
    "9" * 200,
    "1e400",
    ".5",
    "5.",
    "+1",
)
STRINGS = (
    "",
    " ",
    "a" * 63,
    "a" * 253,
    "x" * 20_000,
    "\u0000",
    "a\u0000b",
    "\u0001\u001b[31m\u007f",
    "\ud800",
    "\ufffd\ufffe\uffff",
    "\U0001f469\u200d\U0001f52c\U0010ffff",
    "\u202eright to left",
    "e\u0301\u0130\u00df\u1e9e",
    "\r\n\t\u2028\u0085",
    "null",
    "true",
    "-0",
    "1e400",
    "NaN",
    "Infinity",
    "{}",
    "[]",
    '{"a": [1, {"b": null}]}',
    '{"unclosed": ',
    "a: 1\nb: [c, *d]\n",
    "&a [*a]",
    "'; DROP TABLE k8s_pods; --",
    '"$$\\x',
    "%s %(a)s {} {0} ${A}",
    "\\N",
    "\\u0000",
    "\\",
    "<redacted>",
    "<b>&amp;</b>",
    "2026-01-01T00:00:00Z",
    "../../etc/passwd",
)
PLAIN = ("a", "b-c", "web", "x.example.com", "10.0.0.1", "/a", "80", "True", "fd00::1", "k8s.io/a", "A_B", "a/b:1")
LONGEST_KEY = f"{'a' * 61}.{'b' * 63}.{'c' * 63}.{'d' * 63}/{'k' * 63}"
LABEL_KEYS = ("a", "app.kubernetes.io/name", LONGEST_KEY, "A.b_c-9", "x" * 63, "node-role.kubernetes.io/")
LABEL_VALUES = ("", "a", "v" * 63, "A.b_c-9", "true", "0")
KEYS = (*LABEL_KEYS, "", "__proto__", "a.b", "a b", "\u00fc", "cpu", "memory", "example.com/gpu", "\u0000", "['x']")
COPY_KEYS = (
    "kapp.k14s.io/original",
    "kubectl.kubernetes.io/last-applied-configuration",
    "example.com/copy",
    "objectset.rio.cattle.io/applied",
    "banzaicloud.com/last-applied",
    "a",
)


def text(random: Random) -> str:
    return random.choice(PLAIN if random.random() < 0.45 else STRINGS)


def secret_text(random: Random) -> str:
    """Where all of a text is to be redacted."""
    return random.choice(("{}", "x{}y", "{}\n", '{"password": "{}"}', "\u00fc{}", "{}\u0000", "a: {}")).replace(
        "{}", SECRET
    )


def copy_of_an_object(random: Random, *, of_secret: bool = True) -> str:
    """As those that apply objects leave them in annotations."""
    env = [{"name": "TOKEN", "value": SECRET}, {"name": "B", "value": ""}]
    pod = {"containers": [{"name": "a", "image": "i", "env": env}]}
    encoded = base64.b64encode(SECRET.encode()).decode()
    copied: dict[str, Any] = random.choice(
        (
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": encoded}},
            {"apiVersion": "v1", "kind": "Secret", "stringData": {"password": SECRET}, "type": "Opaque"},
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"password": SECRET}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": pod},
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": pod}}},
            {"kind": "List", "apiVersion": "v1", "items": [{"kind": "Pod", "apiVersion": "v1", "spec": pod}]},
        )
    )
    as_json = json.dumps(copied)
    form = random.randrange(6)
    if form == 0:
        return yaml.safe_dump(copied)
    if form == 1:
        return base64.b64encode(as_json.encode()).decode()
    if form == 2:
        return base64.b64encode(gzip.compress(as_json.encode(), mtime=0)).decode()
    if form == 3:
        return json.dumps(copied, indent=2)
    return as_json


def free_form(random: Random, depth: int = 0) -> Any:
    """Any JSON: what a field holds that has no schema."""
    choice = random.random()
    if depth > 5 or choice < 0.4:
        return random.choice((None, True, False, text(random), text(random), random.choice(NUMBERS), 2**70, [], {}))
    if choice < 0.5:
        return {"name": text(random), "image": text(random), "env": [{"name": "TOKEN", "value": secret_text(random)}]}
    if choice < 0.55:
        return deep(random.choice((20, 100, 200, 400)), random.random() < 0.5)
    if choice < 0.7:
        return [free_form(random, depth + 1) for _ in range(random.randrange(4))]
    return {random.choice(KEYS): free_form(random, depth + 1) for _ in range(random.randrange(1, 5))}


def deep(levels: int, lists: bool) -> Any:
    made: Any = "end"
    for _ in range(levels):
        made = [made] if lists else {"a": made}
    return made
