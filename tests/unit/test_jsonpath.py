"""The JSONPath of printer columns. That it reads as the API server's does is in the test of custom objects."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_inventory.collector.jsonpath import JSONPathError, compile_path, compile_places

OBJECT: dict[str, Any] = {
    "metadata": {"labels": {"a.b/c": "x"}},
    "spec": {"sizes": [1, 2, 3], "deep": [{"name": "one"}, {"name": "two"}]},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False", "count": 3}],
        "none": None,
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.sizes[0]", [1]),
        ("spec.sizes[-1]", [3]),
        ("{.spec.sizes[*]}", [1, 2, 3]),
        ("$.spec.sizes[1:]", [2, 3]),
        (r".metadata.labels.a\.b/c", ["x"]),
        (".metadata.labels['a.b/c']", ["x"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type == 'Synced')].status", ["False"]),
        (".status.conditions[?(@.count>2)].type", ["Synced"]),
        (".status.conditions[?(@.count)].type", ["Synced"]),
        (".status.conditions[?(@.type>2)].type", []),
        ("..name", ["one", "two"]),
        (".spec.deep.*.name", ["one", "two"]),
        (".status.none", [None]),
        (".status.none.further", []),
        (".spec.sizes.further", []),
        (".spec.sizes[7]", []),
        (".spec.sizes[]", [1]),
        (".spec.sizes[2, 0]", [3, 1]),
        (".status.conditions[0]['type','status']", ["Ready", "True"]),
        (".metadata['labels.none']", []),
        (".status['conditions'][0]['type']", ["Ready"]),
        (".spec['deep.name']", []),
        ("['spec.sizes'][0]", [1]),
        (r"['metadata.labels.a\.b/c']", ["x"]),
        (".", [OBJECT]),
    ],
)
def test_what_a_path_leads_to(path: str, found: list[Any]) -> None:
    assert compile_path(path)(OBJECT) == found


def test_where_a_union_leads_to() -> None:
    places = compile_places(".status.conditions[1]['count','type']")(OBJECT)
    assert [path for _, _, path in places] == [("status", "conditions", "count"), ("status", "conditions", "type")]


@pytest.mark.parametrize("path", [".spec[", ".a[,]", ".a[?(type==1)]", ".a[b", '.a["b]'])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(JSONPathError, match="is no JSONPath"):
        compile_path(path)
