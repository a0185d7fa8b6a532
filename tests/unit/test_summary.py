"""What the report of a run says."""

from __future__ import annotations

from typing import Any

from k8s_inventory.sync.summary import fresh, lines


def _row(context: str, kind: str, outcome: str = "complete", error: str | None = None, **more: Any) -> dict[str, Any]:
    row = {"context_name": context, "kind": kind, "outcome": outcome, "error": error, "warning": None}
    counts = dict.fromkeys(("objects", "changed", "deleted"), 0)
    return {**row, **counts, "seconds": 0.1, "what_to_do": "", "whole_context": False, **more}


def test_what_is_wrong_with_a_context_is_said_once() -> None:
    rows = [
        _row("east", "pods"),
        _row("dead", "pods", "unreachable", "no route (found before in this run)", whole_context=True),
        _row("dead", "services", "unreachable", "no route", whole_context=True),
        _row("dead", "nodes", "failed", "an object is odd"),
        _row("gone", "pods", "unauthorized", "no token", whole_context=True),
    ]
    shown = [line.rstrip() for line in lines(rows).splitlines()]
    assert shown[-6:] == [
        "dead · all of 2 kinds: unreachable",
        "  no route",
        "dead · nodes: failed",
        "  an object is odd",
        "gone · pods: unauthorized",
        "  no token",
    ]


def test_a_table_is_fresh_by_the_targets_that_are_complete() -> None:
    rows = [
        _row("east", "pods", objects=3, changed=2, deleted=1, resource_version="7", scope="namespaces shop"),
        _row("west", "pods", objects=5, resource_version="9", scope="all"),
        _row("dead", "pods", "unreachable", "no route", resource_version=None, scope="all"),
        _row("east", "nodes", "forbidden", "no", resource_version=None, scope="all"),
        _row("east", "custom", objects=4, resource_version=None, scope="all"),
        _row("east", "widgets.example.com", objects=4, resource_version="8", scope="all"),
    ]
    assert fresh(rows) == {
        "k8s_pods": {
            "objects": 8,
            "changed": 2,
            "deleted": 1,
            "contexts": {
                "east": {
                    "objects": 3,
                    "changed": 2,
                    "deleted": 1,
                    "resource_version": "7",
                    "scope": "namespaces shop",
                },
                "west": {"objects": 5, "changed": 0, "deleted": 0, "resource_version": "9"},
            },
            "not_complete": {"dead": "unreachable"},
            "left_out": 0,
        }
    }


def test_what_is_said_of_a_table_is_bounded() -> None:
    outcomes = ("complete", "failed")
    rows = [
        _row(f"{outcome}-{n}", "pods", outcome, objects=1, resource_version="1", scope="all")
        for outcome in outcomes
        for n in range(150)
    ]
    said = fresh(rows)["k8s_pods"]
    assert (said["objects"], len(said["contexts"]), len(said["not_complete"]), said["left_out"]) == (150, 100, 100, 100)
