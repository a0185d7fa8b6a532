"""What of a declaration makes every row of a kind be written anew, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS, TABLES, Column, Kind, PrinterColumn
from k8s_inventory.kinds.custom import custom_kind

POD = KINDS["pods"]


def with_column(kind: Kind, column: str, /, **changes: Any) -> Kind:
    columns = [replace(each, **changes) if each.name == column else each for each in kind.typed_columns]
    return replace(kind, typed_columns=tuple(columns))


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_words_rewrite_nothing(kind: Kind) -> None:
    reworded = [replace(each, description="Other words.") for each in kind.typed_columns]
    other = replace(kind, description="Other words.", short_names=("x",), typed_columns=tuple(reworded))
    assert repr(other) != repr(kind)
    assert other.signature == kind.signature


@pytest.mark.parametrize(
    "other",
    [
        with_column(POD, "phase", path="status.reason"),
        with_column(POD, "priority", type="bigint"),
        with_column(POD, "priority", default=1),
        with_column(POD, "priority", required=True),
        with_column(POD, "images", needs=("spec.containers[].image", "spec.containers[].name")),
        with_column(POD, "cpu_request", version=POD.typed_columns[0].version + 100),
        with_column(POD, "cpu_request", part="cpu_limit"),
        with_column(POD, "phase", name="other"),
        replace(POD, typed_columns=POD.typed_columns[1:]),
        replace(POD, typed_columns=(*POD.typed_columns, Column(name="more", path="status.message", description=""))),
        replace(POD, rest=("spec",)),
        replace(POD, redacted_env=()),
        replace(POD, redacted_values=("data",)),
        replace(POD, raw_json=True),
        replace(POD, table_cells=(("Data", "data"),)),
        replace(POD, revision="2"),
        replace(POD, printer_columns=(PrinterColumn("a", "string", ".spec.a"),)),
    ],
)
def test_what_changes_a_row_rewrites_it(other: Kind) -> None:
    assert other.signature != POD.signature


def test_custom_kinds_that_share_a_table_are_told_apart() -> None:
    names = {"version": "v1", "kind": "A", "plural": "as", "namespaced": True}
    assert custom_kind(group="a.example", **names).signature != custom_kind(group="b.example", **names).signature


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_the_signature_is_the_same_in_every_process(kind: Kind) -> None:
    assert " at 0x" not in repr(kind.signature)
    assert "<function" not in repr(kind.signature)
