"""Answers as files: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from fastapi import Response

from k8s_inventory.printable import no_formula
from k8s_inventory.web.columns import plain


def cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula: strangers name objects. Numbers are numbers."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return value
    shown = json.dumps(value, default=str) if isinstance(value, dict) else plain(value)
    return no_formula(shown) if isinstance(shown, str) else shown


def as_csv(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([cell(each) for each in headings])
    writer.writerows([cell(each) for each in row] for row in rows)
    return _file(f"{name}.csv", text.getvalue(), "text/csv; charset=utf-8")


def as_json(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    made = [dict(zip(headings, row, strict=True)) for row in rows]
    return _file(f"{name}.json", json.dumps(made, default=_plain, ensure_ascii=False, indent=1), "application/json")


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _file(name: str, text: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=media_type, headers=headers)
