"""Decoding: declared paths, computed columns, redaction as text."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_inventory.collector import Decoder, Redaction, structs
from k8s_inventory.collector.redaction import in_place
from k8s_inventory.collector.redaction.in_place import LAST_APPLIED, drop_last_applied, redact_env
from k8s_inventory.collector.storable import storable
from k8s_inventory.credentials import REDACTED
from k8s_inventory.kinds import KINDS, Column, Kind, pod_resources, quantities
from k8s_inventory.kinds.quantities import quantity

REMEMBERED = (quantities._remembered, pod_resources._remembered, in_place._remembered)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def rows(
    kind: str, *objects: dict[str, Any], redact: bool = True, wanted: list[int] | None = None
) -> list[dict[str, Any]]:
    body = json.dumps({"items": list(objects)}).encode()
    decoder = Decoder(KINDS[kind], Redaction(env=redact))
    chosen = range(len(objects)) if wanted is None else wanted
    names = [column.name for column in KINDS[kind].columns]
    made = decoder.columns(body, api_version="v1", wanted=chosen, total=len(objects), at_once=2)
    return [dict(zip(names, row, strict=True)) for columns in made for row in zip(*columns, strict=True)]


def test_a_nul_is_replaced_in_whichever_column_and_object_it_is() -> None:
    plain = {"metadata": {"uid": "u", "name": "plain"}, "spec": {"nodeName": "\\\\u0000"}}
    objects = [plain] * 3 + [
        {"metadata": {"uid": "u", "name": "text", "namespace": "a\0b"}, "spec": {"nodeName": "node"}},
        {"metadata": {"uid": "u", "name": "list", "finalizers": ["a\0b"]}},
        {"metadata": {"uid": "u", "name": "json", "annotations": {"a": "a\0b"}}},
    ]
    made = rows("pods", *objects)
    assert [row["node_name"] for row in made] == ["\\\\u0000"] * 3 + ["node", None, None]
    assert made[3]["namespace"] == "a\ufffdb"
    assert [row["finalizers"] for row in made] == [[], [], [], [], ["a\ufffdb"], []]
    assert json.loads(made[5]["annotations"]) == {"a": "a\ufffdb"}
    for row in made[3:]:  # each alone, too
        (alone,) = rows("pods", next(each for each in objects if each["metadata"]["name"] == row["name"]))
        assert alone == row


@pytest.mark.parametrize("text", ["1" * 900 + "x", ".", "1" * 50 + "." * 50, "1e9999", "+" * 90, "٣"])
def test_what_is_no_quantity_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match="is no quantity") as refused:
        quantity(text)
    assert time.process_time() - start < 0.1
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("text", ["1" * 100_000, "1" * 100_000 + "x"])
def test_a_quantity_that_is_too_long_to_be_meant_is_none(text: str) -> None:
    assert quantity(text) is None
    assert quantity("1" * 1000) == int("1" * 1000)


def test_what_is_remembered_is_short() -> None:
    """Of thousands of objects: a megabyte each would fill the memory."""
    before = [each.cache_info().currsize for each in REMEMBERED]
    resources = {"requests": {f"shop.example/{number}": "1" for number in range(2000)}}
    env = [{"name": f"N{number}", "value": "x"} for number in range(2000)]
    (row,) = rows("pods", _pod(containers=[{"name": "c", "resources": resources, "env": env}]))
    assert len(json.loads(row["requests"])) == 2000
    assert b"<redacted>" in row["spec"]
    assert [each.cache_info().currsize for each in REMEMBERED] == before


def _pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "u", "name": "p"}, "spec": spec}


def test_sidecars_and_init_containers_are_counted_in_time_and_as_before() -> None:
    def init(name: str, amount: int, **more: str) -> dict[str, Any]:
        return {"name": name, "resources": {"requests": {"cpu": str(amount), f"shop.example/{name}": "1"}}, **more}

    containers = [init("main", 1)]
    sidecars = [init(f"s{number}", 1, restartPolicy="Always") for number in range(1000)]
    inits = [init(f"i{number}", 2) for number in range(1000)]
    start = time.process_time()
    (row,) = rows("pods", _pod(containers=containers, initContainers=[*sidecars, *inits]))
    assert time.process_time() - start < 1
    assert row["cpu_request"] == 1002  # all sidecars, and the largest init container beside them
    (few,) = rows("pods", _pod(containers=containers, initContainers=[init("i", 7), *sidecars[:2]]))
    assert few["cpu_request"] == 7
    assert json.loads(few["requests"])["shop.example/i"] == 1


def test_gates_are_counted_by_the_first_condition_of_their_type() -> None:
    conditions = [{"type": f"t{number}", "status": "True"} for number in range(3000)]
    again = [{"type": "t0", "status": "False"}, {"type": "other", "status": "False"}]
    gates = [{"conditionType": each["type"]} for each in [*conditions, again[1]]]
    pod = _pod(readinessGates=gates) | {"status": {"conditions": [*conditions, *again]}}
    start = time.process_time()
    (row,) = rows("pods", pod)
    assert time.process_time() - start < 1
    assert (row["readiness_gates_ready"], row["readiness_gates_total"]) == (3000, 3001)


def test_an_object_that_can_not_be_decoded_is_named_if_it_has_a_name() -> None:
    decoder = Decoder(KINDS["deployments"])
    objects = [{"metadata": {"uid": "u", "name": 5}}, {"metadata": {"uid": "v", "name": "fine"}}]
    body = json.dumps({"items": objects}).encode()
    (columns,) = decoder.columns(body, api_version="v1", wanted=[0, 1], total=2, at_once=2)
    assert columns[1] == ["", "fine"]
    (warning,) = decoder.warnings()
    assert "1 objects (first deployments of no name)" in warning


def test_names_are_unique() -> None:
    assert len({kind.table for kind in KINDS.values()}) == len(KINDS)
    for kind in KINDS.values():
        names = ["context_name", *(column.name for column in kind.columns)]
        assert len(set(names)) == len(names)
        assert all(len(name) <= 63 for name in (*names, kind.table))


def test_only_the_wanted_objects_are_decoded() -> None:
    broken = {"metadata": {"uid": "b", "name": "broken"}, "spec": 5}
    fine = {"metadata": {"uid": "a", "name": "fine"}, "spec": {"nodeName": "n"}}
    assert [row["node_name"] for row in rows("pods", broken, fine, wanted=[1])] == ["n"]
    both = rows("pods", broken, fine)
    assert [(row["name"], row["node_name"], row["spec"]) for row in both] == [
        ("broken", None, b"5"),
        ("fine", "n", b'{"nodeName": "n"}'),
    ]


def test_an_object_with_nothing_in_it_has_empty_lists_and_nulls() -> None:
    (row,) = rows("services", {"metadata": {}})
    assert row["labels"] == b"{}"
    assert row["owner_references"] == b"[]"
    assert row["finalizers"] == row["cluster_ips"] == row["external_addresses"] == []
    assert row["spec"] is row["type"] is row["created_at"] is None


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("podIP", "pod_ip"),
        ("podIPs", "pod_ips"),
        ("externalIPs", "external_ips"),
        ("nodeName", "node_name"),
        ("from", "from_"),
    ],
)
def test_python_names_of_json_fields(step: str, expected: str) -> None:
    assert structs.attribute(step) == expected


def test_a_path_that_is_a_value_and_an_object_is_refused() -> None:
    with pytest.raises(ValueError, match="both as a value and as an object"):
        structs.build("Odd", [("a", "text"), ("a.b", "text")])


def test_a_column_needs_one_source() -> None:
    with pytest.raises(ValueError, match="either a path, needs, or of_kind"):
        Column(name="x", description="")
    with pytest.raises(ValueError, match="needs without a function"):
        Column(name="x", needs=("a",), description="")


@given(JSON)
def test_what_is_kept_whole_is_kept_exactly(value: Any) -> None:
    kind = Kind(name="x", kind="X", plural="xs", table="xs", description="", typed_columns=(), rest=("spec",))
    item = {"metadata": {"uid": "u", "name": "n"}, "spec": {"value": value}}
    body = json.dumps({"items": [item]}).encode()
    (columns,) = Decoder(kind).columns(body, api_version="v1", wanted=[0], total=1, at_once=1)
    assert json.loads(columns[-1][0]) == {"value": _storable(value)}


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    return value


@given(st.text())
def test_storable_text_has_no_nul(text: str) -> None:
    assert json.loads(storable(json.dumps(text).encode())) == text.replace("\0", "\ufffd")


@given(st.lists(st.fixed_dictionaries({"name": st.text(), "value": st.text(min_size=1)}), min_size=1), st.text())
def test_no_literal_value_survives_redaction(env: list[dict[str, str]], other: str) -> None:
    spec = {
        "other": other,
        "containers": [{"name": other, "env": env}, {"env": [{"name": "K", "valueFrom": {"a": 1}}]}],
    }
    raw = msgspec.json.encode(spec)
    redacted, count = redact_env(raw, [msgspec.Raw(msgspec.json.encode(env))])
    assert count == len(env)
    expected = json.loads(raw)
    for variable in expected["containers"][0]["env"]:
        variable["value"] = REDACTED
    assert json.loads(redacted) == expected


@given(JSON)
def test_last_applied_goes_from_any_depth_and_nothing_else(value: Any) -> None:
    wrapped = [{"annotations": {LAST_APPLIED: "secret", "kept": value}}]
    assert json.loads(drop_last_applied(json.dumps(wrapped).encode())) == [{"annotations": {"kept": value}}]


@pytest.mark.parametrize(
    ("condition", "cpu"),
    [
        pytest.param(None, Decimal("0.5"), id="growing: what it will have"),
        pytest.param({"type": "PodResizePending", "reason": "Infeasible"}, Decimal("0.2"), id="what it keeps"),
    ],
)
def test_a_pod_that_is_being_resized(condition: dict[str, str] | None, cpu: Decimal) -> None:
    """No kubelet resizes pods here, so the status is made up by the API's reference."""
    status = {
        "containerStatuses": [
            {
                "name": "web",
                "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}},
                "allocatedResources": {"cpu": "200m"},
            }
        ],
        "conditions": [condition] if condition else [],
    }
    pod = {
        "metadata": {"uid": "u", "name": "resized", "resourceVersion": "1"},
        "spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "2"}}}]},
        "status": status,
    }
    (row,) = rows("pods", pod)
    assert row["cpu_request"] == cpu
    assert row["cpu_limit"] == (1 if condition else 2)


@pytest.mark.parametrize(
    ("number", "stored"), [(2**63 - 1, 2**63 - 1), (2**63, None), (-(2**63), -(2**63)), (-(2**63) - 1, None), (0, 0)]
)
def test_a_number_that_its_column_can_not_hold_is_null(number: int, stored: int | None) -> None:
    kind = KINDS["pods"]
    items = [{"metadata": {"uid": "1", "name": name, "generation": each}} for name, each in (("a", number), ("b", 5))]
    decoder = Decoder(kind)
    body = json.dumps({"items": items}).encode()
    (columns,) = decoder.columns(body, api_version="v1", wanted=[0, 1], total=2, at_once=2)
    at = [column.name for column in kind.columns].index("generation")
    assert columns[at] == [stored, 5]
    assert ("1 objects (first pods a)" in " ".join(decoder.warnings())) is (stored is None)


@pytest.mark.parametrize(
    ("has", "limit"),
    [
        ({}, "3"),
        ({"requests": {"cpu": "1"}}, "3"),
        ({"limits": {"cpu": "2"}}, "2"),
        ({"limits": {"memory": "1Gi"}}, "0"),
        (None, "3"),
    ],
)
def test_a_resize_that_can_not_be_done_leaves_a_pods_limit_where_its_status_has_none(has: Any, limit: str) -> None:
    """As `PodLimits` of Kubernetes' component-helpers 0.36 has it."""
    pending = {"type": "PodResizePending", "status": "True", "reason": "Infeasible"}
    spec = {"containers": [{"name": "main"}], "resources": {"limits": {"cpu": "3"}}}
    pod = {"metadata": {"uid": "u"}, "spec": spec, "status": {"resources": has, "conditions": [pending]}}
    (row,) = rows("pods", pod)
    assert row["cpu_limit"] == Decimal(limit)


def test_addresses_of_load_balancers_are_each_there_once_and_in_order() -> None:
    ingress = [{"ip": "192.0.2.9"}, {"hostname": "b.example"}, {"ip": "10.0.0.1", "hostname": "a"}, {"ip": "192.0.2.9"}]
    balanced = {"metadata": {"uid": "u"}, "status": {"loadBalancer": {"ingress": [*ingress, {}]}}}
    (row,) = rows("ingresses", balanced)
    assert row["addresses"] == ["10.0.0.1", "192.0.2.9", "b.example"]
    (row,) = rows("services", {**balanced, "spec": {"type": "LoadBalancer", "externalIPs": ["1.2.3.4"]}})
    assert row["external_addresses"] == ["10.0.0.1", "192.0.2.9", "b.example", "1.2.3.4"]
