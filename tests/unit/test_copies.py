"""Copies of objects in texts: what appliers and operators keep of a Secret, under whatever name and however packed."""

from __future__ import annotations

import base64
import bz2
import gzip
import html
import io
import json
import lzma
import random
import textwrap
import time
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from k8s_inventory.collector import Decoder, names, redaction_of
from k8s_inventory.collector.redaction.copies import is_copy, is_plain
from k8s_inventory.collector.redaction.policy import Redaction
from k8s_inventory.kinds import KINDS, Kind, PrinterColumn
from k8s_inventory.kinds.custom import custom_kind
from k8s_inventory.settings import Settings

PLANTED = "pl4nted"
WIDGETS = custom_kind(group="shop.example", version="v1", kind="Widget", plural="widgets", namespaced=True)
SECRET = json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"p": PLANTED}})
POD = json.dumps(
    {"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "i", "env": [{"name": "A", "value": PLANTED}]}]}}
)
YAML = f"# a comment\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: {PLANTED}\n"
MANIFESTS = f"---\nkind: Service\n---\n- kind: Secret\n  data:\n    password: {PLANTED}\n"
RELEASE = json.dumps({"name": "r", "info": {}, "chart": {}, "config": {"password": PLANTED}, "manifest": "---\n"})


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def zipped(data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("original", data)
    return made.getvalue()


PACKED: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON in JSON": lambda text: json.dumps({"last": text}),
    "JSON in JSON in JSON": lambda text: json.dumps({"last": json.dumps([text])}),
    "in YAML": lambda text: "original: |\n" + "".join(f"  {line}\n" for line in text.splitlines()),
    "base64": lambda text: b64(text.encode()),
    "base64 without padding": lambda text: b64(text.encode()).rstrip("="),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "base64 twice": lambda text: b64(b64(text.encode()).encode()),
    "base64 in a field": lambda text: json.dumps({"version": 1, "object": b64(text.encode())}),
    "base64 in a data URL": lambda text: f"data:application/json;base64,{b64(text.encode())}",
    "base64 in words": lambda text: f"the_original_object_follows_here_in_base64 {b64(text.encode())}",
    "gzip": lambda text: b64(gzip.compress(text.encode())),
    "gzip in two": lambda text: b64(gzip.compress(b" ") + gzip.compress(text.encode())),
    "gzip cut short": lambda text: b64(gzip.compress((text + " " * 9).encode())[:-8]),
    "JSON in JSON with escapes": lambda text: json.dumps({"last": text}).replace('\\"', "\\u0022"),
    "zlib": lambda text: b64(zlib.compress(text.encode())),
    "zip": lambda text: b64(zipped(text.encode())),
    "bzip2": lambda text: b64(bz2.compress(text.encode())),
    "as Helm packs a release": lambda text: b64(b64(gzip.compress(text.encode())).encode()),
    "gzip in JSON in gzip": lambda text: b64(
        gzip.compress(json.dumps({"a": b64(gzip.compress(text.encode()))}).encode())
    ),
}
COPIES = {
    "a Secret": SECRET,
    "a Secret, indented": json.dumps(json.loads(SECRET), indent=2),
    "a pod": POD,
    "YAML": YAML,
    "several documents": MANIFESTS,
    "flow style": f"{{kind: Secret, metadata: {{name: s}}, data: {{p: {PLANTED}}}}}",
    "a release": RELEASE,
    "a list": json.dumps([json.loads(POD), json.loads(SECRET)]),
    "a Secret without kind": json.dumps({"metadata": {"name": "s"}, "type": "Opaque", "data": {"p": PLANTED}}),
    "a patch": json.dumps({"spec": {"containers": [{"name": "a", "env": [{"name": "A", "value": PLANTED}]}]}}),
    "a ConfigMap": json.dumps({"kind": "ConfigMap", "binaryData": {"p": PLANTED}}),
}


def deflated(data: bytes, bits: int) -> bytes:
    packed = zlib.compressobj(9, zlib.DEFLATED, bits)
    return packed.compress(data) + packed.flush()


def zipped_second(data: bytes, method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("README", "nothing " * 9)
        archive.writestr("original", data)
    return made.getvalue()


def wrapped(data: bytes, width: int, between: str) -> str:
    return between.join(textwrap.wrap(b64(data), width))


ODDLY_PACKED: dict[str, Callable[[str], str]] = {
    "after a mark of byte order": lambda text: f"\ufeff{text}",
    "in UTF-16": lambda text: b64(text.encode("utf-16")),
    "in UTF-32": lambda text: b64(text.encode("utf-32")),
    "hex": lambda text: text.encode().hex(),
    "hex in capital letters": lambda text: gzip.compress(text.encode()).hex().upper(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "in a URL": urllib.parse.quote,
    "in a form": urllib.parse.quote_plus,
    "HTML": html.escape,
    "in narrow lines": lambda text: wrapped(gzip.compress(text.encode()), 20, "\r\n"),
    "in a list of lines": lambda text: json.dumps(wrapped(gzip.compress(text.encode()), 64, "\n").splitlines()),
    "in a sum of strings": lambda text: '"' + wrapped(gzip.compress(text.encode()), 64, '" +\n "') + '"',
    "with escaped slashes": lambda text: json.dumps([b64(gzip.compress(text.encode()))]).replace("/", "\\/"),
    "as .NET writes it": lambda text: json.dumps([b64(gzip.compress(text.encode()))]).replace("+", "\\u002B"),
    "after a prefix": lambda text: "gzip/v1_" + b64(gzip.compress(text.encode())),
    "text after a prefix": lambda text: "base64-" + b64(text.encode()),
    "gzip in gzip": lambda text: b64(gzip.compress(gzip.compress(text.encode()))),
    "deflated without a head": lambda text: b64(deflated(text.encode(), -15)),
    "zlib of a small window": lambda text: b64(deflated(text.encode(), 9)),
    "the second of a zip": lambda text: b64(zipped_second(text.encode(), zipfile.ZIP_DEFLATED)),
    "stored in a zip": lambda text: b64(zipped_second(text.encode(), zipfile.ZIP_STORED)),
    "bzip2 in a zip": lambda text: b64(zipped_second(text.encode(), zipfile.ZIP_BZIP2)),
    "LZMA": lambda text: b64(lzma.compress(text.encode(), lzma.FORMAT_ALONE)),
}
ODD_COPIES = {
    "capital letters": {"Kind": "Secret", "APIVersion": "v1", "Data": {"p": PLANTED}},
    "names of Python": {"api_version": "v1", "kind": "Secret", "string_data": {"p": PLANTED}},
    "what kopf keeps of a ConfigMap": {"metadata": {"labels": {}}, "data": {"p": PLANTED}},
    "what kopf keeps of a resource": {"spec": {"env": [{"name": "A", "value": PLANTED}]}},
    "an environment": {"env": {"A": PLANTED}},
    "an environment of another name": {"containers": [{"environment": {"A": PLANTED}}]},
    "values of a chart": {"extraEnvVars": [{"name": "A", "value": PLANTED}]},
    "a key in escapes": json.dumps({"kind": "ConfigMap", "data": {"p": PLANTED}}).replace('data"', 'dat\\u0061"'),
    "a key twice": f'{{"kind": "Service", "kind": "ConfigMap", "data": {{}}, "data": {{"p": "{PLANTED}"}}}}',
    "a key before a break": f'{{"kind"\n:"ConfigMap","data"\n:{{"p":"{PLANTED}"}}}}',
    "HCL": f'kind = "ConfigMap"\ndata = {{\n p = "{PLANTED}"\n}}',
    "a map of Go": f"map[apiVersion:v1 data:map[p:{PLANTED}] kind:ConfigMap]",
    "YAML with anchors": f"&k kind: &v ConfigMap\n&d data: &e\n  p: {PLANTED}\n",
    "YAML with tags": f"!!str kind: ConfigMap\n!!str data: !!map\n  p: {PLANTED}\n",
    "YAML with question marks": f"? kind\n: ConfigMap\n? data\n: p: {PLANTED}\n",
    "YAML with spaces": f"kind : ConfigMap\ndata : {{p : {PLANTED}}}\n",
    "YAML in escapes": f'"k\\x69nd": ConfigMap\n"d\\x61ta": {{p: {PLANTED}}}\n',
    "YAML in lines of a Mac": f"kind: ConfigMap\rdata:\r  p: {PLANTED}\r",
}


def row(kind: Kind, item: dict[str, Any], **settings: Any) -> tuple[dict[str, Any], Decoder]:
    decoder = Decoder(kind, redaction_of(Settings.load(settings), kind))
    body = json.dumps({"items": [item]}, separators=(",", ":")).encode()
    (columns,) = decoder.columns(body, api_version="v1", wanted=[0], total=1, at_once=1)
    return {column.name: value for column, (value,) in zip(kind.columns, columns, strict=True)}, decoder


def item(**more: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "1", "name": "a", "namespace": "b", "resourceVersion": "1"}} | more


def annotated(**annotations: str) -> dict[str, Any]:
    return {"metadata": item()["metadata"] | {"annotations": annotations}}


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copy_is_known_however_it_is_packed(copy: str, pack: Callable[[str], str]) -> None:
    text = pack(copy)
    for kind in ("pods", "configmaps", "events", "roles", "secrets"):
        found, decoder = row(KINDS[kind], annotated(x=text, note="stays"))
        assert json.loads(found["annotations"]) == {"x": "<redacted>", "note": "stays"}
        assert decoder.redacted == 1
    found, decoder = row(WIDGETS, {**annotated(x=text), "spec": {"a": [{"b": text}, [text]]}, "status": {"t": text}})
    assert json.loads(found["spec"]) == {"a": [{"b": "<redacted>"}, ["<redacted>"]]}
    assert decoder.redacted == 4


@pytest.mark.parametrize("pack", ODDLY_PACKED.values(), ids=ODDLY_PACKED)
def test_a_copy_is_known_however_oddly_it_is_packed(pack: Callable[[str], str]) -> None:
    for copy in (SECRET, POD, YAML, RELEASE):
        for kind in ("configmaps", "services"):
            found, _ = row(KINDS[kind], annotated(x=pack(copy), note="stays"))
            assert json.loads(found["annotations"]) == {"x": "<redacted>", "note": "stays"}
        found, _ = row(WIDGETS, item(spec={"a": [{"b": pack(copy)}]}))
        assert json.loads(found["spec"]) == {"a": [{"b": "<redacted>"}]}


@pytest.mark.parametrize("copy", ODD_COPIES.values(), ids=ODD_COPIES)
def test_a_copy_is_known_however_oddly_it_is_written(copy: Any) -> None:
    text = copy if isinstance(copy, str) else json.dumps(copy)
    for packed in (text, b64(gzip.compress(text.encode())), json.dumps({"last": text})):
        found, _ = row(KINDS["configmaps"], annotated(x=packed))
        assert json.loads(found["annotations"]) == {"x": "<redacted>"}


def test_lines_in_a_list_are_one_text() -> None:
    for lines in (YAML.splitlines(), wrapped(gzip.compress(YAML.encode()), 64, "\n").splitlines()):
        found, _ = row(WIDGETS, item(spec={"lines": lines, "names": ["a", "b"]}))
        assert json.loads(found["spec"]) == {"lines": ["<redacted>"] * len(lines), "names": ["a", "b"]}


def test_a_label_may_be_a_copy() -> None:
    copy = base64.urlsafe_b64encode(b'{"kind":"Secret","data":{"a":"czNjcmV0"}}').decode().rstrip("=")
    assert len(copy) <= 63
    metadata = item()["metadata"] | {"labels": {"x": copy, "app": "web", "commit": "0123456789abcdef" * 3}}
    for kind in (KINDS["pods"], KINDS["secrets"], KINDS["nodes"], WIDGETS):
        found, decoder = row(kind, {"metadata": metadata})
        assert json.loads(found["labels"]) == metadata["labels"] | {"x": "<redacted>"}
        assert decoder.redacted == 1


def test_a_template_of_a_claim_has_no_copies() -> None:
    claim = {"metadata": {"annotations": {"x": SECRET, "note": "stays"}}}
    found, _ = row(KINDS["pods"], item(spec={"volumes": [{"ephemeral": {"volumeClaimTemplate": claim}}]}))
    (volume,) = json.loads(found["spec"])["volumes"]
    kept = volume["ephemeral"]["volumeClaimTemplate"]["metadata"]["annotations"]
    assert kept == {"x": "<redacted>", "note": "stays"}


@pytest.mark.parametrize(
    "held",
    [
        {"kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"p": PLANTED}, "binaryData": {"q": PLANTED}},
        {"kind": "ConfigMapList", "items": [{"data": {"p": PLANTED}}]},
        {"secret": {"stringData": {"p": PLANTED}}},
        {"template": {"type": "Opaque", "data": {"p": PLANTED}}},
        {"template": {"type": "kubernetes.io/tls", "data": {"p": PLANTED}}},
    ],
)
def test_an_object_in_a_field_has_no_values(held: Any) -> None:
    for kind, value in (
        (WIDGETS, item(spec={"manifests": [held]}, status={"x": held})),
        (KINDS["controllerrevisions"], item(revision=1, data={"object": held})),
    ):
        found, _ = row(kind, json.loads(json.dumps(value)))
        assert PLANTED not in str(found)
        assert '"p":"<redacted>"' in str(found)
    shown, _ = row(WIDGETS, item(spec=json.loads(json.dumps(held))), config_map_values=True)
    assert (PLANTED in str(shown)) == str(held.get("kind")).startswith("ConfigMap")


def test_a_schema_has_no_environment() -> None:
    schema = {"openAPIV3Schema": {"properties": {"env": {"type": "array"}}}}
    found, _ = row(KINDS["crds"], item(spec={"versions": [{"schema": schema}]}), keep_labels="a")
    assert json.loads(found["spec"]) == {"versions": [{"schema": schema}]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a note on data: none of it, and no kind of env: at all",
        "0" * 64,
        "registry.example/team/app@sha256:" + "a" * 64,
        "/apis/shop.example/v1/namespaces/default/widgets/a-name-of-many-letters",
        b64(b"-----BEGIN CERTIFICATE-----\n" * 20),
        json.dumps([{"name": "cbr0", "interface": "eth0", "ips": ["10.0.0.1"]}]),
        json.dumps({"kind": "Service", "spec": {"ports": [80]}}),
        json.dumps({"data": {"rows": 1}}),
        json.dumps({"kind": "Service", "environment": "production"}),
        "kind=web,env=prod,data=none",
        "Set the environment: it is kind of you",
        b64(random.Random(1).randbytes(3000)),
        base64.encodebytes(random.Random(2).randbytes(3000)).decode(),
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert not is_copy(text, Redaction())
    assert json.loads(row(WIDGETS, item(spec={"t": text}))[0]["spec"]) == {"t": text}


@pytest.mark.parametrize(
    "name",
    [
        "kapp.k14s.io/original",
        "kapp.k14s.io/original-diff-full",
        "objectset.rio.cattle.io/applied",
        "banzaicloud.com/last-applied",
        "operator.example/lastAppliedConfiguration",
    ],
)
def test_a_copy_is_known_by_name(name: str) -> None:
    found, _ = row(KINDS["configmaps"], annotated(**{name: '{"data":{"a":"pl4nted"}}'}))
    assert json.loads(found["annotations"]) == {name: "<redacted>"}
    found, _ = row(WIDGETS, item(spec={"template": annotated(**{name: PLANTED})}))
    assert PLANTED not in found["spec"].decode()


def test_a_template_of_a_declared_kind_has_no_copies() -> None:
    template = {"metadata": {"annotations": {"x": SECRET, "y": b64(gzip.compress(SECRET.encode())), "note": "stays"}}}
    found, decoder = row(KINDS["deployments"], item(spec={"template": template}))
    kept = json.loads(found["spec"])["template"]["metadata"]["annotations"]
    assert kept == {"x": "<redacted>", "y": "<redacted>", "note": "stays"}
    assert decoder.redacted == 2


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("cert-manager.io", True),
        ("a.example.com,b.example.com,10.0.0.1", True),
        ("9f5cf0a4-3a58-4c9e-9b1c-0a7a4f5f4a11", True),
        ("app:/Secret:default/a-rather-long-name-of-some-secret-or-other", True),
        ("2026-01-01T00:00:00Z", True),
        ('{"password":1}', False),
        ("password: 1", False),
        ("a\nb", False),
        ("%7B%22a%22%3A1%7D", False),
        (b64(b"some thirty bytes of any password"), False),
        ("5" * 64, False),
        ("a " * 600, False),
    ],
)
def test_of_a_secret_only_plain_annotations_stay(text: str, stays: bool) -> None:
    assert is_plain(text) is stays
    found, _ = row(KINDS["secrets"], annotated(x=text))
    assert json.loads(found["annotations"]) == {"x": text if stays else "<redacted>"}


ENVIRONMENTS: dict[str, Any] = {
    "a list": [{"name": "A", "value": PLANTED}],
    "a map": {"A": PLANTED, "B": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}},
    "a map of variables": {"A": {"value": PLANTED}},
    "texts": [f"A={PLANTED}"],
    "maps of one": [{"A": PLANTED}],
    "a map of lists": {"A": [PLANTED]},
    "lines": f"A={PLANTED}\nexport B={PLANTED}",
}
HOLDERS: dict[str, Callable[[Any], Any]] = {
    "LeaderWorkerSet": lambda env: {
        "leaderWorkerTemplate": {"workerTemplate": {"spec": {"containers": [{"env": env}]}}}
    },
    "SidecarSet": lambda env: {"containers": [{"env": env}]},
    "values": lambda env: {"extraEnv": env, "lists": [[[{"env": env}]]]},
    "other names": lambda env: {"extraEnvVars": env, "envs": env, "ENV": env, "env_vars": env, "a-env": env},
    "environment": lambda env: {"environment": env, "environmentVariables": env, "podEnvironment": env},
    "text": lambda env: json.dumps({"kind": "Pod", "spec": {"containers": [{"env": env}]}}),
}


@pytest.mark.parametrize("env", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_an_environment_is_redacted_wherever_it_is(env: Any, hold: Callable[[Any], Any]) -> None:
    driver = {"driver": "d", "parameters": {"spec": hold(env)}}
    for kind, value in (
        (KINDS["controllerrevisions"], item(revision=1, data={"spec": hold(env)})),
        (KINDS["controllerrevisions"], item(revision=1, data=[hold(env)])),
        (KINDS["deviceclasses"], item(spec={"config": [{"opaque": driver}]})),
        (KINDS["resourceclaims"], item(spec={"devices": {"config": [{"opaque": driver}]}})),
        (WIDGETS, item(spec=hold(env), status=hold(env), other=hold(env))),
    ):
        found, decoder = row(kind, json.loads(json.dumps(value)))
        assert PLANTED not in str(found)
        assert decoder.redacted
        assert PLANTED in str(row(kind, json.loads(json.dumps(value)), redact_env=False)[0])
    assert PLANTED in str(row(WIDGETS, item(spec={"env": ENVIRONMENTS["a list"]}), keep_env="A")[0])


@pytest.mark.parametrize("data", [None, "text", [1, 2], 7, {"spec": [1]}, {"spec": {"template": {"spec": "x"}}}])
def test_a_revision_may_hold_anything(data: Any) -> None:
    found, _ = row(KINDS["controllerrevisions"], item(revision=1, data=data))
    assert json.loads(found["data"])["data"] == data


def test_a_revision_of_a_whole_secret_has_no_values() -> None:
    found, _ = row(KINDS["controllerrevisions"], item(revision=1, data={"object": json.loads(SECRET)}))
    assert json.loads(found["data"])["data"]["object"]["data"] == {"p": "<redacted>"}


def test_printer_columns_show_no_copies() -> None:
    column = PrinterColumn("X", "string", ".spec.text")
    kind = custom_kind(group="x.example", version="v1", kind="Widget", plural="widgets", namespaced=True)
    object.__setattr__(kind, "printer_columns", (column,))
    assert json.loads(row(kind, item(spec={"text": SECRET}))[0]["printer_columns"]) == {"X": "<redacted>"}


HOSTILE = {
    "many small members": b64(gzip.compress(b"") * 40_000),
    "many bombs": "\n ".join([b64(gzip.compress(bytes(300_000)))] * 3000),
    "a bomb": b64(gzip.compress(bytes(100_000_000))),
    "bombs in bombs": b64(gzip.compress(b64(gzip.compress(b64(bytes(9_000_000)).encode())).encode())),
    "backslashes": "\\" * 1_000_000,
    "quotes": "\"'" * 500_000,
    "breaks": "\n " * 500_000,
    "keys": '"data":' * 140_000,
    "letters": "Ab" * 500_000,
    "lines": (("A" * 76) + "\n") * 13_000,
    "slashes": "/last-" * 160_000,
    "words": "dataenvkind" * 90_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_looking_takes_time_in_proportion(text: str) -> None:
    """The bound is far from what it takes, a second, and from what it would: minutes."""
    start = time.process_time()
    row(WIDGETS, item(spec={"t": text}, metadata=annotated(**{text[:100_000]: text})["metadata"]))
    assert time.process_time() - start < 20


@pytest.mark.parametrize("levels", [250, 500, 880, 1500, 9000])
@pytest.mark.parametrize(
    "settings", [{}, {"privacy": "strict"}, {"redact": "*:..x"}, {"keep_labels": "a"}], ids=lambda each: str(each)
)
def test_a_deep_object_is_a_row(levels: int, settings: dict[str, Any]) -> None:
    deep = '{"a":' * levels + json.dumps({"env": [{"name": "A", "value": PLANTED}], "t": SECRET}) + "}" * levels
    copy = "[" * levels + SECRET + "]" * levels
    for kind, body in (
        (WIDGETS, {"spec": "DEEP", "annotations": copy}),
        (KINDS["controllerrevisions"], {"data": "DEEP", "annotations": copy}),
        (KINDS["deviceclasses"], {"spec": {"config": "DEEP"}, "annotations": copy}),
    ):
        if kind is WIDGETS:
            object.__setattr__(kind, "printer_columns", (PrinterColumn("X", "string", "..x"),))
        decoder = Decoder(kind, redaction_of(Settings.load(settings), kind))
        whole = annotated(x=body.pop("annotations")) | body  # type: ignore[arg-type]
        page = json.dumps({"items": [whole, item()]}).replace('"DEEP"', deep).encode()
        (columns,) = decoder.columns(page, api_version="v1", wanted=[0, 1], total=2, at_once=2)
        assert PLANTED not in str(columns)
        assert len(columns[0]) == 2


def test_a_deep_object_has_a_name() -> None:
    deep = '{"items":[{"metadata":{"name":"a"},"spec":' + "[" * 5000 + "]" * 5000 + '},{"metadata":{"name":"b"}}]}'
    assert names(deep.encode(), [1, 0]) == [(None, "b"), (None, "a")]
