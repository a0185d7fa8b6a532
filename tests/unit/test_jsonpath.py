"""The JSONPath of rules for redaction."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from k8s_inventory.collector.jsonpath import JSONPathError, compile_places, fields_of_path

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
        (".spec.deep..*", [{"name": "one"}, {"name": "two"}, "one", "two"]),
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
    assert [holder[key] for holder, key, _ in compile_places(path)(OBJECT)] == found


def test_where_a_union_leads_to() -> None:
    places = compile_places(".status.conditions[1]['count','type']")(OBJECT)
    assert [path for _, _, path in places] == [("status", "conditions", "count"), ("status", "conditions", "type")]


@pytest.mark.parametrize("path", [".spec[", ".a[,]", ".a[?(type==1)]", ".a[b", '.a["b]'])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(JSONPathError, match="is no JSONPath"):
        compile_places(path)


LONG = 1000
WORST_PATHS = [
    "." + "a" * 200_000,
    "..a" * 60_000,
    "['" + "a." * 100_000 + "']",
    "[" + "a," * (LONG // 2 - 1) + "[",
    "[" + "a," * (LONG // 2 - 2) + "a]",
    "[" + " " * (LONG - 1),
    "['" + "\\\\" * (LONG // 2 - 2) + "x",
    "[?(@" + " " * (LONG - 4),
    "[?(@" + "<" * 400 + " " * 400 + "\nx)]",
    "[?(" + ") " * (LONG // 2 - 2),
    "[?(@[?(@" * 100,
    ".a" * (LONG // 2),
    "{" * LONG,
]


@pytest.mark.parametrize("path", WORST_PATHS, ids=[each[:12] for each in WORST_PATHS])
def test_no_path_takes_long_to_refuse_or_to_read(path: str) -> None:
    start = time.process_time()
    with suppress(JSONPathError):
        compile_places(path)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("path", "problem"),
    [("." + "a" * LONG, "1000 characters"), (".a" * 51, "50 steps"), (".a[1:2:0]", "steps nowhere")],
)
def test_what_is_too_long_a_path_says_so(path: str, problem: str) -> None:
    with pytest.raises(JSONPathError, match=problem):
        compile_places(path)


def _chain(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_a_place_comes_once_however_many_ways_lead_to_it() -> None:
    """There are a hundred million ways."""
    places = compile_places("..a..a..a..a")(_chain(200))
    assert len(places) == 197
    assert max(len(path) for _, _, path in places) == 16


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (".status.conditions[*].lastHeartbeatTime", ("status", "conditions", "*", "lastHeartbeatTime")),
        ("spec.renewTime", ("spec", "renewTime")),
        (".metadata.annotations['a.b/c']", ("metadata", "annotations", "a.b/c")),
        (r'{$.metadata.annotations.a\.b/c["d"].*}', ("metadata", "annotations", "a.b/c", "d", "*")),
    ],
)
def test_the_fields_that_a_path_goes_through(path: str, fields: tuple[str, ...]) -> None:
    assert fields_of_path(path) == fields


@pytest.mark.parametrize(
    "path", ["", ".", "$", ".a[0]", ".a[]", ".a[0:2]", '.a[?(@.b=="c")]', "..a", ".a[b,c]", ".a b", ".a[", "x" * 1001]
)
def test_a_path_with_other_steps_is_refused(path: str) -> None:
    with pytest.raises(JSONPathError):
        fields_of_path(path)
