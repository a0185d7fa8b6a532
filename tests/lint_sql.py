"""sqlfluff over include/sql, with the templates rendered for every kind: python -m tests.lint_sql"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlfluff.core import FluffConfig, Linter

from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS
from k8s_inventory.queries import query_pack
from k8s_inventory.store import statements
from k8s_inventory.store.statements import FOLDER
from tests.grafana_sql import as_sent

UNKNOWN_TO_SQLFLUFF = (
    *("stage.sql", "references.sql", "owner_views.sql", "restate.sql"),
    *("answers.sql", "pod_security.sql"),
    *("history.sql", "instant.sql", "objects_at.sql", "note_changes.sql", "event_history.sql", "keep_overwritten.sql"),
)
"""COPY ... FROM STDIN with options; functions whose body is BEGIN ATOMIC; UPDATE of rows; comparing records."""
MADE_OF_MACROS = (
    "edges_view.sql",
    "changed_objects.sql",
    "prune.sql",
    "prune_absent.sql",
    "unseen.sql",
    "not_absent.sql",
    "stored_objects.sql",
    "search.sql",
    "facets.sql",
    "compare.sql",
    "finding.sql",
    "answer.sql",
    "coverage.sql",
    "coverage_kinds.sql",
)
"""Whose layout, once rendered, is nobody's choice."""
OF_ANSWERS = ("RF02", "ST07")
"""The end of each ready-made query puts hits beside what is not known, by a join that never matches."""

_WEB: dict[str, Any] = {
    "asked": {"context", "namespace", "like", "labels", "after_id", "change", "column", "run_id", "uid", "plural"},
    "branches": [(0, KINDS["pods"]), (1, CUSTOM_OBJECTS)],
    "names": {"pods": frozenset({"images", "init_images"}), "custom": frozenset[str]()},
    "shown": ("name",),
    "after": {"place": 0, "in_namespace": True},
    "kind": KINDS["pods"],
    "paths": {"pods": ("{spec,nodeName}",), "custom": ()},
    "left_at": True,
    "right_at": False,
    "same_namespaces": True,
    "custom": True,
    "targets": True,
    "at": True,
}
"""What the page's statements are rendered with."""

NOW = datetime.now(UTC)
PARAMETER = re.compile(r"%\((\w+)\)s")


def main() -> int:
    linter = Linter(config=FluffConfig.from_path(str(FOLDER), overrides={"templater": "raw"}))
    failed = 0
    for path in sorted(FOLDER.rglob("*.sql")):
        if path.name in UNKNOWN_TO_SQLFLUFF:
            continue
        for problem in linter.lint_string(rendered(path)).get_violations():
            if path.name in MADE_OF_MACROS and problem.rule_code() in ("LT02", "AL03", "AL08", "AL09", "AM09"):
                continue
            holds_answer = path.name in ("finding.sql", "answer.sql") or path.is_relative_to(FOLDER / "queries")
            if holds_answer and problem.rule_code() in OF_ANSWERS:
                continue
            failed += 1
            print(f"{path.relative_to(FOLDER)}:{problem.line_no}: {problem.rule_code()} {problem.desc()}")
    return int(failed > 0)


def rendered(path: Path) -> str:
    """The SQL as it runs, for the smallest kinds, with a literal for each bound value."""
    template = statements.environment().get_template(str(path.relative_to(FOLDER)))
    kind = KINDS["events" if "kept" in path.name else "namespaces"]
    given = {**statements.variables(kind), "kinds": [KINDS["namespaces"], KINDS["pods"], CUSTOM_OBJECTS]}
    if path.name == "crd_view.sql":
        given |= {"view": "crd_things", "group": "'example.com'", "plural": "'things'", "description": "'Things.'"}
        given |= {"columns": [("name", "name")], "guarded": False}
    given["schema"] = "inventory"
    if path.name in ("partition.sql", "history_starts_at.sql"):
        given |= {
            "table": "k8s_changes",
            "by": "seen_at",
            "since_column": "history_since",
            "name": "k8s_changes_20260105",
            "since": "2026-01-05 00:00:00+00",
            "until": "2026-01-12 00:00:00+00",
        }
    if path.name == "adopt_rows.sql":
        given["as_custom"] = statements.as_custom(KINDS["namespaces"])
    if path.parent.name == "web":
        given |= _WEB
    if path.parent.name == "grafana":
        given |= {"query": query_pack()["images/running"], "measure": "bytes"}
    text = template.render(given)
    if path.parent.name == "grafana":
        text = as_sent(text, {"context": ["x"], "kind": ["y"]}, since=NOW, until=NOW, interval="1h")
    return PARAMETER.sub("'value'", text).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
