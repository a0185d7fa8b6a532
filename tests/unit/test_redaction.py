"""What users have taken out of objects: labels, annotations, environment values, any path, values of ConfigMaps."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_inventory.collector import Decoder, Redaction, redaction_of
from k8s_inventory.collector.redaction.in_place import LAST_APPLIED, redact_env
from k8s_inventory.credentials import REDACTED
from k8s_inventory.kinds import KINDS, Kind, PrinterColumn
from k8s_inventory.kinds.custom import custom_kind
from k8s_inventory.settings import Settings, SettingsError
from k8s_inventory.sync import PlanError, select

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
    text, count = redact_env(value, [msgspec.Raw(env.encode())] * 2)
    assert count == 2
    redacted = json.loads(text)
    assert [each.get("env", [{}])[0].get("value") for each in redacted["containers"]] == [REDACTED, REDACTED, None]
    assert redacted["options"][0]["value"] == "5"
    odd = value.replace(b'"env":', b'"env": ', 1)
    assert b"5" not in redact_env(odd, [msgspec.Raw(env.encode())] * 2)[0]  # too much rather than too little


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


@pytest.mark.parametrize("path", [".spec.hostNetwork", ".spec", ".spec.priority"])
def test_what_is_redacted_is_not_what_its_absence_means(path: str) -> None:
    item = {"metadata": {"uid": "u", "name": "p"}, "spec": {"hostNetwork": True, "priority": 7}}
    found = row("pods", item, redact=f"pods:{path}")
    for name, value, column in (("hostNetwork", True, "host_network"), ("priority", 7, "priority")):
        assert found[column] == (None if path in (".spec", f".spec.{name}") else value)
    status = {"readyReplicas": 3, "observedGeneration": 4}
    deployment = {"metadata": {"uid": "u", "name": "d"}, "spec": {"replicas": 2}, "status": status}
    found = row("deployments", deployment, redact="deployments:.status")
    assert (found["replicas"], found["ready_replicas"], found["observed_generation"]) == (2, None, None)


def test_what_can_not_be_computed_of_what_is_left_is_empty() -> None:
    item = {"metadata": {"uid": "u", "name": "b"}, "subjects": [{"kind": "User", "name": "x"}, {"kind": "User"}]}
    assert row("rolebindings", item, redact="rolebindings:.roleRef")["users"] == []
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


# -- privacy=strict --------------------------------------------------------------------------------


def test_strict_keeps_names_and_leaves_the_form() -> None:
    found = row("pods", pod(), privacy="strict")
    (container,) = found["spec"]["containers"]
    assert container["args"] == [REDACTED, REDACTED]
    assert [each.get("value") for each in container["env"]] == [REDACTED, REDACTED, None]
    assert container["image"] == "registry.example/app:1"
    assert found["annotations"] == {"a.example/note": REDACTED, "b.example/note": REDACTED}
    assert found["labels"] == {"app": "web", "secret.example/id": PLANTED}
    assert found["node_name"] == found["spec"]["nodeName"] == "node-1"
    assert found["cpu_request"] == Decimal("0.1")
    assert found["start_time"] is not None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"name": PLANTED, "secretName": PLANTED, "targetNamespace": PLANTED, "kind": PLANTED}, True),
        ({"matchLabels": {"a": PLANTED}, "metadata": {"labels": {"a": PLANTED}}}, True),
        ({"conditions": [{"type": "Ready", "status": "True", "reason": "AllGood"}]}, True),
        ({"on": True, "size": 7, "share": 0.5, "none": None, "empty": ""}, True),
        ({"memory": "512Mi", "port": "8080", "after": "30s", "at": "2026-01-01T00:00:00.5Z", "on": "true"}, True),
        ({"env": [{"name": "LANG", "value": "C"}]}, True),
        ({"conditions": [{"reason": f"Because of {PLANTED}"}]}, False),
        ({"conditions": [{"message": PLANTED}]}, False),
        ({"value": PLANTED, "list": [PLANTED, [PLANTED]], "deep": {"deeper": [{"x": PLANTED}]}}, False),
        ({"metadata": {"annotations": {"a": PLANTED}}}, False),
        ({"digits": "123456"}, False),
        ({"password": 123456, "apiKey": 1.5, "pinToken": "123"}, False),
        ({"env": [{"name": "TOKEN", "value": "8080"}], "other": [{"env": [{"value": PLANTED}]}]}, False),
        ({"env": {"TOKEN": "1"}}, False),
        ({"env": {"value": [PLANTED]}}, False),
        ({"name": f"https://user:{PLANTED}@host.example"}, False),
        ({"name": "ghp_0123456789abcdefghijABCDEFGHIJ012345"}, False),
        ({"name": "x" * 2000}, False),
        ({"labels": {"a": "AKIAIOSFODNN7EXAMPLE"}}, False),
        ({"auths": {f"https://user:{PLANTED}@host.example": {}}}, False),
    ],
)
def test_what_strict_keeps_of_custom_objects(given: dict[str, Any], kept: bool) -> None:
    """Nothing that it does not know; where it keeps a part, so does the test for each part by itself."""
    for name, value in given.items():
        spec = {name: value}
        found = row("widgets", {"metadata": {"uid": "u", "name": "w"}, "spec": spec}, privacy="strict", keep_env="LANG")
        assert (found["spec"] == spec) is kept, spec
        assert kept or (PLANTED not in str(found) and REDACTED in str(found))


def test_strict_goes_as_deep_as_an_object() -> None:
    deep: Any = PLANTED
    for _ in range(400):
        deep = [{"a": deep}]
    found = row("widgets", {"metadata": {"uid": "u", "name": "w"}, "spec": {"deep": deep}}, privacy="strict")
    assert PLANTED not in str(found)


def test_strict_takes_the_rules_of_the_user_as_well() -> None:
    found = row("pods", pod(), privacy="strict", redact="pods:.spec.nodeName", drop_annotations="a.*", keep_env="LANG*")
    assert found["node_name"] == REDACTED
    assert found["annotations"] == {"b.example/note": REDACTED}
    assert [each.get("value") for each in found["spec"]["containers"][0]["env"]] == [REDACTED, "C", None]
    whole = row("pods", pod(), privacy="strict", redact="*:..metadata,*:.metadata.annotations")
    assert PLANTED not in str(whole["annotations"])
    nulls = pod()
    nulls["metadata"] |= {"labels": None, "annotations": None}
    assert row("pods", nulls, privacy="strict")["labels"] == {}


def test_strict_keeps_what_config_maps_are_told_apart_by() -> None:
    item = {
        "metadata": {"uid": "u", "name": "c"},
        "data": {"a": PLANTED},
        "binaryData": {"b": "AAEC"},
        "immutable": True,
    }
    found = row("configmaps", item, privacy="strict", digest_key="0123456789abcdef")
    assert found["keys"] == ["a", "b"]
    assert found["value_bytes"] == {"a": len(PLANTED), "b": 3}
    assert found["value_digests"]["a"] == hmac.digest(b"0123456789abcdef", PLANTED.encode(), "sha256").hex()
    assert found["data"] == {"data": {"a": REDACTED}, "binaryData": {"b": REDACTED}, "immutable": True}


def test_strict_leaves_a_class_of_storage_that_an_annotation_names() -> None:
    name = "volume.beta.kubernetes.io/storage-class"
    item = {"metadata": {"uid": "u", "name": "v", "annotations": {name: "fast", "note": PLANTED}}}
    found = row("persistentvolumes", item, privacy="strict")
    assert found["storage_class_name"] == "fast"
    assert found["annotations"] == {name: "fast", "note": REDACTED}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"redact_env": False}, r"privacy \(K8S_PRIVACY\): strict contradicts redact_env \(K8S_REDACT_ENV\)"),
        ({"config_map_values": True}, r"strict contradicts config_map_values \(K8S_CONFIG_MAP_VALUES\)"),
        ({"privacy": "Strict"}, r"privacy \(K8S_PRIVACY\): Input should be 'default' or 'strict'"),
    ],
)
def test_strict_is_not_quietly_weakened(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.load({"privacy": "strict", **given})
    assert Settings.load({"privacy": "default", "redact_env": False, "config_map_values": True}).privacy == "default"
    assert Settings.load({"privacy": "strict", "redact_env": True, "keep_env": "LANG"}).privacy == "strict"


@given(_VALUE, st.sampled_from(["secret", "spec", "containers", "args", "x"]))
def test_nothing_of_a_custom_object_gets_around_strict(value: Any, name: str) -> None:
    item = {"metadata": {"uid": "u", "name": "w"}, "spec": {name: [value, {name: value}]}, "extra": {name: value}}
    assert PLANTED not in str(row("widgets", item, privacy="strict"))


def test_a_redaction_is_part_of_what_a_row_depends_on() -> None:
    strict = redaction_of(Settings.load({"privacy": "strict"}), KINDS["services"])
    assert repr(strict) != repr(Redaction())
    assert repr(strict) == repr(redaction_of(Settings.load({"privacy": "strict"}), KINDS["services"]))
    assert redaction_of(Settings.load({"redact": "pods:.spec"}), KINDS["pods"]) != Redaction()
    assert redaction_of(Settings.load({"redact": "pods:.spec"}), KINDS["services"]) == Redaction()
    with_key = redaction_of(Settings.load({"digest_key": "0123456789abcdef"}), KINDS["configmaps"])
    assert repr(with_key) != repr(Redaction())


# -- Secrets by other names ------------------------------------------------------------------------

DATA = {"password": PLANTED}
SECRET = {"metadata": {"name": "s"}, "type": "Opaque", "data": DATA}
SECRETS = {
    "of another group": {"apiVersion": "copy.example/v1", "kind": "Secret", "data": DATA},
    "without a type": {"kind": "Secret", "stringData": DATA, "data": None},
    "of an odd shape": {"kind": "Secret", "data": [PLANTED], "stringData": PLANTED},
    "by its shape alone": {"type": "Opaque", "data": DATA},
    "by its shape, in clear": {"type": "Opaque", "stringData": DATA},
    "by its shape, of another kind": {"apiVersion": "copy.example/v1", "kind": "Copy", "type": "t", "data": DATA},
    "in a spec": {"spec": {"template": {"apiVersion": "v1", "kind": "Secret", "stringData": DATA}}},
    "in a List": {"spec": {"kind": "List", "items": [{"kind": "ConfigMap"}, {"kind": "Secret", "data": DATA}]}},
    "in a SecretList": {"status": {"apiVersion": "v1", "kind": "SecretList", "items": [{"data": DATA}]}},
    "by its shape, without metadata of its own": {"type": "Opaque", "data": DATA, "stringData": DATA},
    "very deep": {"spec": [{"a": {"b": [[SECRET | {"kind": "Secret"}]]}}]},
}


@pytest.mark.parametrize("rules", [{}, {"redact": ["*:.nowhere"]}, {"redact_env": False}])
@pytest.mark.parametrize("how", SECRETS)
def test_no_secret_is_stored_by_another_name(how: str, rules: dict[str, Any]) -> None:
    found = row(WIDGETS, {"metadata": {"uid": "u", "name": "w"}, **SECRETS[how]}, **rules)
    assert PLANTED not in str(found)
    assert REDACTED in str(found)


def test_a_secret_is_found_however_its_name_is_written() -> None:
    body = json.dumps({"items": [{"metadata": {"uid": "u", "name": "w"}, "kind": "Secret", "data": DATA}]})
    decoder = Decoder(WIDGETS)
    escaped = body.replace('"Secret"', '"S\\u0065cret"').encode()
    assert b"Secret" not in escaped
    (columns,) = decoder.columns(escaped, api_version="v1", wanted=[0], total=1, at_once=1)
    assert PLANTED not in str(columns)


def test_printer_columns_show_no_secret() -> None:
    kind = replace(WIDGETS, printer_columns=(PrinterColumn("Password", "string", ".data.password"),))
    found = row(kind, {"metadata": {"uid": "u", "name": "w"}, "kind": "Secret", "data": DATA})
    assert found["printer_columns"] == {"Password": REDACTED}


@pytest.mark.parametrize("kind", ["configmaps", "storageclasses", "controllerrevisions"])
def test_no_list_of_other_objects_has_secrets_in_it(kind: str) -> None:
    """As if a server sent them without their kind, between the objects that were asked for."""
    item = {"metadata": {"uid": "u", "name": "w"}, "type": "Opaque", "data": DATA}
    assert PLANTED not in str(row(kind, item, config_map_values=True))


def test_what_is_no_secret_is_stored_as_it_is() -> None:
    item = {
        "metadata": {"uid": "u", "name": "w"},
        "type": "Warning",
        "data": {"numbers": 1, "text": "t"},
        "spec": {"secretRef": {"kind": "Secret", "name": "db"}, "trigger": {"type": "cpu", "data": {"target": "5"}}},
        "status": {"kind": "SecretList", "items": "none"},
    }
    found = row(WIDGETS, item)
    assert (found["spec"], found["status"]) == (item["spec"], item["status"])
    assert found["data"] == {"type": "Warning", "data": item["data"]}
    assert row("configmaps", {"metadata": {"uid": "u", "name": "w"}, "data": DATA}, config_map_values=True)["data"] == {
        "data": DATA
    }
