"""What the report of a run says."""

from __future__ import annotations

from typing import Any

from k8s_inventory.sync.summary import lines


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
