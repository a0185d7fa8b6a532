"""What users have taken out of objects: labels, annotations, environment values, any path, values of ConfigMaps."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_inventory.collector import Decoder, Redaction, UndecodableObject
from k8s_inventory.collector.redact import LAST_APPLIED, REDACTED, redact_env
from k8s_inventory.kinds import KINDS, Kind
from k8s_inventory.kinds.custom import custom_kind
from k8s_inventory.settings import Settings
from k8s_inventory.sync import PlanError, select
from k8s_inventory.sync.redaction import redaction_of

PLANTED = "planted-value"
WIDGETS = custom_kind(group="shop.example", version="v1", kind="Widget", plural="widgets", namespaced=True)


def row(kind: str | Kind, item: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The row of an object under these settings, JSON decoded."""
    chosen = kind if isinstance(kind, Kind) else KINDS.get(kind, WIDGETS)
    decoder = Decoder(chosen, redaction_of(Settings.load(settings), chosen))
    body = json.dumps({"items": [item]}).encode()
    (columns,) = decoder.columns(body, api_version="v1", wanted=[0], total=1, at_once=1)
    return {
        column.name: json.loads(value) if column.type == "jsonb" and value is not None else value
        for column, (value,) in zip(chosen.columns, columns, strict=True)
    }


def pod(**more: Any) -> dict[str, Any]:
    env = [{"name": "TOKEN", "value": PLANTED}, {"name": "LANG_1", "value": "C"}, {"name": "REF", "valueFrom": {}}]
    return {
        "metadata": {
            "uid": "u",
            "name": "web",
            "labels": {"app": "web", "secret.example/id": PLANTED},
            "annotations": {"a.example/note": PLANTED, "b.example/note": "b", LAST_APPLIED: PLANTED},
        },
        "spec": {
            "nodeName": "node-1",
            "priority": 5,
            "containers": [
                {
                    "name": "main",
                    "image": "registry.example/app:1",
                    "args": ["--key", PLANTED],
                    "env": env,
                    "resources": {"requests": {"cpu": "100m"}},
                }
            ],
        },
        "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z"},
        **more,
    }


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, {"TOKEN": REDACTED, "LANG_1": REDACTED}),
        ({"keep_env": "LANG*,OTHER"}, {"TOKEN": REDACTED, "LANG_1": "C"}),
        ({"keep_env": "LANG*", "drop_labels": "no"}, {"TOKEN": REDACTED, "LANG_1": "C"}),
        ({"redact_env": False}, {"TOKEN": PLANTED, "LANG_1": "C"}),
        ({"redact_env": False, "drop_labels": "no"}, {"TOKEN": PLANTED, "LANG_1": "C"}),
    ],
)
def test_environment_values_of_pods(settings: dict[str, Any], kept: dict[str, str]) -> None:
    env = row("pods", pod(), **settings)["spec"]["containers"][0]["env"]
    assert {each["name"]: each.get("value") for each in env} == {**kept, "REF": None}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_equal_environments_are_all_redacted_and_equal_text_elsewhere_is_kept(separators: tuple[str, str]) -> None:
    env = json.dumps([{"name": "ndots", "value": "5"}], separators=separators)
    before = "".join(f'{{"name":"{name}","env"{colon}{env}}},' for name, colon in (("a", ":"), ("b", ":")))
    value = f'{{"containers":[{before}{{"name":"c"}}],"options":{env}}}'.encode()
    redacted = json.loads(redact_env(value, [msgspec.Raw(env.encode())] * 2))
    assert [each.get("env", [{}])[0].get("value") for each in redacted["containers"]] == [REDACTED, REDACTED, None]
    assert redacted["options"][0]["value"] == "5"
    odd = value.replace(b'"env":', b'"env": ', 1)
    assert b"5" not in redact_env(odd, [msgspec.Raw(env.encode())] * 2)  # too much rather than too little


@pytest.mark.parametrize("kind", ["widgets", "deployments"])
def test_environment_values_of_templates(kind: str) -> None:
    template = {"metadata": {"labels": {"secret.example/id": PLANTED}}, "spec": pod()["spec"]}
    item = {"metadata": {"uid": "u", "name": "w"}, "spec": {"template": template}}
    found = row(kind, item, keep_env="LANG*", drop_labels="secret.*", redact=f"{kind}*:.spec.template.spec..args[1]")
    assert PLANTED not in str(found)
    assert "'value': 'C'" in str(found["spec"])


def test_labels_and_annotations_by_lists() -> None:
    found = row("pods", pod(), drop_labels="secret.example/*", keep_annotations=["*.example/*"], drop_annotations="a.*")
    assert found["labels"] == {"app": "web"}
    assert found["annotations"] == {"b.example/note": "b"}
    assert row("pods", pod(), keep_labels="app")["labels"] == {"app": "web"}


def test_paths_are_marked_wherever_a_column_can_say_so() -> None:
    rules = [
        "pods:.spec.nodeName",
        "po:.spec.priority",
        "*:.status.startTime",
        "pods:.spec.containers[*].args",
        "pods:.spec.containers[*].resources.requests.cpu",
        "pods:.spec.containers[*].image",
        "pods:.metadata.labels['secret.example/id']",
    ]
    found = row("pods", pod(), redact=rules)
    assert found["node_name"] == found["spec"]["nodeName"] == REDACTED
    assert found["priority"] is None
    assert found["start_time"] is None
    assert found["cpu_request"] is None
    assert found["labels"] == {"app": "web", "secret.example/id": REDACTED}
    (container,) = found["spec"]["containers"]
    assert container["args"] == container["image"] == container["resources"]["requests"]["cpu"] == REDACTED
    assert found["spec"]["priority"] == found["status"]["startTime"] == REDACTED
    assert found["container_names"] == ["main"]


def test_a_whole_part_can_be_taken_out() -> None:
    found = row("pods", pod(), redact=["pods:.spec", "pods:.metadata.annotations", "pods:.spec.nodeName"])
    assert found["spec"] == REDACTED
    assert found["node_name"] is None
    assert found["annotations"] == {"a.example/note": REDACTED, "b.example/note": REDACTED}
    assert found["phase"] == "Running"


def test_a_name_of_a_declared_kind_is_not_that_of_a_custom_one() -> None:
    item = {"metadata": {"uid": "u", "name": "w"}, "spec": {"token": PLANTED}}
    services = custom_kind(group="serving.example", version="v1", kind="Service", plural="services", namespaced=True)
    for rule, found in {"services": PLANTED, "services.serving.example": REDACTED, "*": REDACTED}.items():
        assert row(services, item, redact=f"{rule}:.spec.token")["spec"]["token"] == found


def test_paths_that_lead_nowhere_are_known() -> None:
    redaction = redaction_of(Settings.load({"redact": "pods:.spec.nodeName,pods:.spec.nodename"}), KINDS["pods"])
    decoder = Decoder(KINDS["pods"], redaction)
    body = json.dumps({"items": [pod(), {"metadata": {"uid": "v", "name": "v"}}]}).encode()
    list(decoder.columns(body, api_version="v1", wanted=[0, 1], total=2, at_once=1))
    assert decoder.unmatched_paths == {".spec.nodename"}


def test_elements_of_lists() -> None:
    item = pod()
    item["spec"]["containers"] += [{"name": PLANTED}, {"name": "last"}]
    item["metadata"]["finalizers"] = ["f"]
    found = row("pods", item, redact=["pods:.spec.containers[0:2]", "pods:.spec.containers[1]"])
    assert found["spec"]["containers"] == [REDACTED, REDACTED, {"name": "last"}]
    assert found["container_names"] == ["last"]


def test_custom_kinds_by_pattern_at_any_depth() -> None:
    item = {
        "metadata": {"uid": "u", "name": "password"},
        "spec": {"auth": {"password": PLANTED, "user": "x"}},
        "password": PLANTED,
    }
    found = row("widgets", item, redact="*.example:..password")
    assert found["spec"] == {"auth": {"password": REDACTED, "user": "x"}}
    assert found["data"] == {"password": REDACTED}
    assert found["name"] == "password"
    assert row("widgets", item, redact="*.other:..password")["data"] == {"password": PLANTED}


def test_values_of_config_maps() -> None:
    item = {
        "metadata": {"uid": "u", "name": "c"},
        "data": {"b": PLANTED, "a": "x"},
        "binaryData": {"z": "AAEC"},
    }
    found = row("configmaps", item)
    assert found["value_digests"] == {}
    assert found["data"]["data"] == {"a": REDACTED, "b": REDACTED}
    key = "0123456789abcdef"
    found = row("configmaps", item, digest_key=key, config_map_values=True)
    assert found["data"]["data"] == {"b": PLANTED, "a": "x"}
    digest = hmac.new(key.encode(), digestmod=hashlib.sha256)
    digest.update(PLANTED.encode())
    assert found["value_digests"]["b"] == digest.hexdigest()
    assert found["value_digests"]["z"] == hmac.digest(key.encode(), b"\0\1\2", "sha256").hex()
    ruled = row("configmaps", item, config_map_values=True, redact="cm:.data.b")
    assert ruled["data"]["data"] == {"a": "x", "b": REDACTED}
    assert ruled["keys"] == ["a", "b", "z"]


def test_a_path_that_takes_away_too_much_fails_by_name() -> None:
    item = {"metadata": {"uid": "u", "name": "b"}, "subjects": [{"kind": "User", "name": "x"}, {"kind": "User"}]}
    with pytest.raises(UndecodableObject, match=r"rolebindings b: a column can not be computed.*`redact`"):
        row("rolebindings", item, redact="rolebindings:.roleRef")
    assert row("rolebindings", item | {"subjects": []}, redact="rolebindings:.roleRef")["role_name"] is None


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ("podz:.spec", "did you mean 'pods'"),
        ("pods", "must be kind:JSONPath"),
        ("pods:", "must be kind:JSONPath"),
        ("workloads:.spec", "unknown kind"),
        ("pods:.spec[", "is no JSONPath"),
        ("pods:.metadata.uid", "only labels and annotations"),
        ("pods:.kind", "only labels and annotations"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule: str, error: str) -> None:
    with pytest.raises(PlanError, match=error):
        select(Settings.load({"redact": [rule]}), ["prod"])


_NAME = st.text(st.characters(categories=["L"]), min_size=1, max_size=5)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.just(PLANTED),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAME, inner, max_size=3),
    max_leaves=8,
)


@given(_VALUE, st.sampled_from(["secret", "spec", "containers", "args", "x"]))
def test_what_a_path_leads_to_is_nowhere_in_the_row(value: Any, name: str) -> None:
    item = {"metadata": {"uid": "u", "name": "w"}, "spec": {name: [value, {name: value}]}, "extra": {name: value}}
    found = row("widgets", item, redact=f"widgets.shop.example:..{name}")
    assert PLANTED not in str(found)


def test_a_redaction_is_part_of_what_a_row_depends_on() -> None:
    assert redaction_of(Settings.load({"redact": "pods:.spec"}), KINDS["pods"]) != Redaction()
    assert redaction_of(Settings.load({"redact": "pods:.spec"}), KINDS["services"]) == Redaction()
    with_key = redaction_of(Settings.load({"digest_key": "0123456789abcdef"}), KINDS["configmaps"])
    assert repr(with_key) != repr(Redaction())
