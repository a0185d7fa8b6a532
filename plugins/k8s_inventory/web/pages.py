"""How pages are made of rows: templates, and how values are shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup

from k8s_inventory.web.columns import plain
from k8s_inventory.web.reading import Rows

HERE = Path(__file__).parent
STATIC = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "theme.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "icon_dark.svg": "image/svg+xml",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "htmx.LICENSE": "text/plain; charset=utf-8",
}
"""What there is beside the pages, and nothing else."""

LONGEST_CELL = 600
"""Characters of a cell."""

OLD = timedelta(days=2)
"""Rows that are as of longer ago are marked, and so are those of a clock that was as far ahead."""


def static(name: str) -> bytes:
    return (HERE / "static" / name).read_bytes()


VERSION = hashlib.sha256(b"".join(static(name) for name in STATIC)).hexdigest()[:12]
"""Stands in the addresses of static files, so that browsers may keep them."""


def age(moment: datetime | None, now: datetime | None = None) -> str:
    """`5 min`, as a person would say it; the exact time is for a tooltip. Seconds ahead are none: clocks differ."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < -60:
        return "in the future"
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {name}"
    return f"{int(max(seconds, 0))} s"


def moment(value: datetime | None) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if value else ""


def is_old(value: datetime | None) -> bool:
    return value is not None and abs(datetime.now(UTC) - value) > OLD


def number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")


def code(text: str) -> Markup:
    """Our own text, with what stands in backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(each) if index % 2 else each for index, each in enumerate(parts)
    )


def link(path: str, given: Mapping[str, Any] | None = None, **changed: Any) -> str:
    """An address relative to the page's own root, without what is empty."""
    query = {name: value for name, value in {**(given or {}), **changed}.items() if value not in (None, "")}
    return f"{path}?{urlencode(query)}" if query else path


def points(values: Sequence[int], width: int = 96, height: int = 18) -> str:
    """The points of a line through `values`, for SVG; empty where one line can not be drawn."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    step = (width - 2) / (len(values) - 1)
    span = (high - low) or 1
    y = [height / 2 if high == low else height - 2 - (value - low) / span * (height - 4) for value in values]
    return " ".join(f"{1 + index * step:.1f},{each:.1f}" for index, each in enumerate(y))


def shown(value: object) -> str:
    """A value of a row as text, cut where it gets too long for a table."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, dict):
        text = ", ".join(f"{key}={_inner(each)}" for key, each in sorted(value.items()))
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        text = json.dumps(value, default=str)
    else:
        text = str(plain(value))
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]} …"


def _inner(value: object) -> str:
    return json.dumps(value, default=str, sort_keys=True) if isinstance(value, dict | list) else str(plain(value))


@dataclass(frozen=True)
class Bar:
    """Of a picture of counts over time: where its pieces begin, from the bottom, and how high they are."""

    x: float
    pieces: tuple[tuple[str, float, float], ...]
    about: str


def bars(counted: Rows, parts: int, height: float = 44) -> list[Bar]:
    """`counted` has the parts, from 1, in which there was anything."""
    most = max((row["created"] + row["updated"] + row["deleted"] for row in counted), default=0)
    made = []
    for row in counted:
        top, pieces = height, []
        for name in ("updated", "created", "deleted"):
            high = row[name] / most * (height - 2) if most else 0
            if high:
                top -= max(high, 1)
                pieces.append((name, round(top, 1), round(max(high, 1), 1)))
        about = f"{row['created']} created, {row['updated']} updated, {row['deleted']} deleted"
        made.append(Bar(round((min(row["part"], parts) - 1) * (960 / parts), 1), tuple(pieces), about))
    return made


def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"age": age, "moment": moment, "number": number, "points": points, "shown": shown, "code": code}
    made.tests |= {"old": is_old, "datetime": lambda value: isinstance(value, datetime)}
    made.globals |= {"link": link, "version": VERSION}
    return made
