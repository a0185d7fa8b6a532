"""What the report of a run says."""

from __future__ import annotations

from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

from k8s_inventory.known_secrets import learn
from k8s_inventory.sync.summary import changes, fresh, lines, note, worst_first


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


def test_of_a_fleet_the_worst_is_told_and_how_much_more_there_is() -> None:
    rows = [_row(f"c-{number}", "pods", warning=f"of {number}") for number in range(2000)]
    rows += [_row(f"c-{number}", "services", "failed", f"why {number}") for number in range(2000)]
    said = lines(rows, by_family=True).splitlines()
    assert sum(line.startswith("Warning: ") for line in said) == 1000
    assert sum(line.endswith(": failed") for line in said) == 1000
    assert "and 1,000 more that are not complete: see k8s_sync_runs" in said
    assert said[-1] == "and 1,000 more warnings: see k8s_sync_runs"
    kept = worst_first(rows)
    assert [row["outcome"] for row in kept] == ["failed"] * 1000
    assert worst_first(rows[:1000]) == rows[:1000]


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


def _cells(table: str) -> list[list[str]]:
    """Without the line below the titles, and without empty ones."""
    return [line.split() for line in table.splitlines() if line.strip(" ─")]


def test_families_have_a_line_each_and_what_is_not_complete_is_told() -> None:
    rows = [
        _row("east", "pods", objects=3, changed=2),
        _row("east", "deployments", objects=1, deleted=1),
        _row("east", "jobs", "forbidden", "user u may not list jobs"),
        _row("east", "services", objects=4),
        _row("east", "custom", objects=2),
        _row("east", "widgets.example.com", objects=7),
        _row("west", "pods", "unreachable", "no route", whole_context=True),
        _row("west", "services", "unreachable", "no route", whole_context=True, warning="rows are old"),
    ]
    shown = lines(rows, by_family=True)
    assert _cells(shown) == [
        ["context", "family", "complete", "objects", "changed", "deleted"],
        ["east", "workloads", "2", "of", "3", "4", "2", "1"],
        ["east", "networking", "1", "of", "1", "4", "0", "0"],
        ["east", "custom", "2", "of", "2", "7", "0", "0"],
        ["west", "workloads", "0", "of", "1", "0", "0", "0"],
        ["west", "networking", "0", "of", "1", "0", "0", "0"],
        ["east", "·", "jobs:", "forbidden"],
        ["user", "u", "may", "not", "list", "jobs"],
        ["west", "·", "all", "of", "2", "kinds:", "unreachable"],
        ["no", "route"],
        ["Warning:", "rows", "are", "old"],
    ]


def _change(change: str, name: str, *columns: str, context: str = "east", of: int = 1) -> dict[str, Any]:
    row = {"context_name": context, "kind": "Deployment", "group": "apps", "change": change, "namespace": "shop"}
    return {**row, "name": name, "columns": list(columns) or None, "changes": of}


def test_what_changed_has_a_line_for_each_sort_of_change() -> None:
    found = [
        _change("created", "a", of=5),
        _change("created", "b", of=5),
        _change("updated", "web", "replicas", "generation", "status", of=2),
        _change("updated", "odd", "status", of=2),
        _change("deleted", "x", context="west"),
    ]
    expected = [
        ["context", "kind", "change", "objects"],
        ["east", "Deployment", "created", "shop/a,", "shop/b,", "and", "3", "more"],
        ["east", "Deployment", "updated", "shop/web", "(replicas),", "shop/odd", "(status)"],
        ["west", "Deployment", "deleted", "shop/x"],
    ]
    assert _cells(changes(found)) == expected
    assert _cells(changes(found, most=1)) == [*expected[:2], ["and", "2", "more", "such", "lines"]]


def test_whatever_the_width_and_the_names_tables_stay_within_it() -> None:
    evil = "e\x1b]0;x\x07\x9b31m\u202e[/red]\n" + "名" * 60
    rows = [_row(evil, "pods"), _row(evil, evil)]
    found = [_change("updated", evil, "replicas", context=evil)]
    for width in (40, 80, 200):
        shown = (lines(rows, width=width), lines(rows, width=width, by_family=True), changes(found, width=width))
        for line in "".join(shown).split("\n"):
            assert line.isprintable(), repr(line)
            assert cell_len(line) <= width, repr(line)


# -- the note of a run -----------------------------------------------------------------------------

MARKUP = (
    "![seen](https://evil.example/x.png)",
    "[click](https://evil.example)",
    "<img src=https://evil.example/x onerror=alert(1)>",
    "https://evil.example/autolinked www.evil.example <https://evil.example>",
    "`` ` ```![seen](https://evil.example/x.png)",
    "`![seen](https://evil.example/x.png)`",
    "a`",
    " `a",
    "a\n\n# heading\n| a | b |\n| - | - |",
    "a\r- item\u2028![seen](https://evil.example/x.png)",
    "\\`![seen](https://evil.example/x.png)",
    "**bold** _it_ ~~gone~~ &lt;b&gt; $x$ :smile: @here",
    "`" * 500,
    "\x1b[31m\u202e\x00",
    " ",
    "",
)


def test_a_note_says_what_is_lacking_and_why_and_what_changed() -> None:
    rows = [
        _row("east", "pods", objects=3, changed=2, deleted=1),
        _row("east", "nodes"),
        _row("east", "custom", objects=30),  # kinds that were found, not objects
        _row("west", "pods", objects=4, changed=7),
        _row("west", "secrets", "forbidden", "west may not list secrets"),
        _row("dead", "pods", "unreachable", "no route (found before in this run)", whole_context=True),
        _row("dead", "services", "unreachable", "no route", whole_context=True),
        _row("dead", "nodes", "unreachable", "no route (found before in this run)", whole_context=True),
    ]
    assert note(rows, warnings=["kubeconfig is gone"]) == (
        "**4 of 8 targets are complete.** 7 objects, 9 changed, 1 deleted.\n"
        "\nNot complete:\n"
        "- `dead` unreachable: `pods`, `services` and 1 more: `no route`\n"
        "- `west` forbidden: `secrets`: `west may not list secrets`\n"
        "\nChanged:\n"
        "- `west` `pods`: 7 changed, 0 deleted\n"
        "- `east` `pods`: 2 changed, 1 deleted\n"
        "\nComplete:\n"
        "- `east`\n"
        "\nWarnings:\n"
        "- `kubeconfig is gone`"
    )
    assert note([_row("east", "pods", objects=3)]).startswith(
        "**1 of 1 targets are complete.** 3 objects; nothing changed."
    )


def test_a_note_has_no_more_characters_than_airflow_takes() -> None:
    for size in (0, 1, 7, 40, 100, 300):
        rows = [
            _row(f"{'c' * size}-{each}", "pods", outcome, "e" * size * 3 or None, changed=each)
            for each, outcome in enumerate(("complete", "unreachable", "failed", "forbidden", "partial") * 20)
        ]
        said = note(rows, warnings=["w" * size] * 50)
        assert len(said) <= 1000
        assert "**20 of 100 targets" in said
        assert "more" in said


@pytest.mark.parametrize("planted", MARKUP)
def test_nothing_in_a_note_is_markup_of_others(planted: str) -> None:
    rows = [
        _row(planted, planted, "failed", planted),
        _row(planted + "2", "pods", changed=3),
        _row(planted + "3", planted, "forbidden", "x" * 150 + planted),
    ]
    parser = MarkdownIt("gfm-like", {"linkify": False, "html": True}).disable("linkify")
    tokens = parser.parse(note(rows, warnings=[planted]))
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in [*tokens, *inline]}
    assert kinds <= {"inline", "paragraph", "bullet_list", "list_item", "strong", "text", "code_inline", "softbreak"}
    ours = " ".join(token.content for token in inline if token.type == "text")
    assert "evil" not in ours
    assert "`" not in ours


def test_no_secret_is_in_a_note() -> None:
    learn("planted-secret-1234")
    said = note([_row("east", "pods", "failed", "e" * 150 + "planted-secret-1234")], warnings=["planted-secret-1234"])
    assert "planted" not in said
