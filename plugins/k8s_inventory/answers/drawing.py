"""A picture of counts over time: an SVG file without scripts or addresses, one line a query, light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

MOST_POINTS = 400
"""Of a line: a year of days, or four days of quarters of an hour."""
_WIDE, _ROW, _LEFT, _RIGHT, _TOP = 960, 36, 330, 90, 56
_LINE = _WIDE - _LEFT - _RIGHT

_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #18181b; --dim: #52525b; --rule: #e4e4e7; --line: #0369a1 }
@media (prefers-color-scheme: dark) {
  :root { --back: #111; --text: #f4f4f5; --dim: #b4b4bd; --rule: #27272a; --line: #7cc0ff }
}
text { font: 13px system-ui, sans-serif; fill: var(--text) }
.dim { fill: var(--dim); font-size: 11px }
.number { text-anchor: end; font-variant-numeric: tabular-nums }
rect { fill: var(--back) }
.rule { stroke: var(--rule) }
.count { fill: none; stroke: var(--line); stroke-width: 1.5 }
circle { fill: var(--line) }
"""


def drawn(counts: Mapping[str, Sequence[tuple[datetime, int | None]]]) -> str:
    """The SVG. A count is a step that holds until the query was asked again; None, where it failed, is a gap. Each line
    has its own scale, from 0 to its highest count, which stands beside it; time is the same for all."""
    times = [at for points in counts.values() for at, _ in points]
    since, until = min(times, default=datetime.now(UTC)), max(times, default=datetime.now(UTC))
    high = _TOP + _ROW * max(len(counts), 1) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {high}" '
        f'width="{_WIDE}" height="{high}" role="img">',
        "<title>Hits of the ready-made queries over time</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDE}" height="{high}"/>',
        f'<text x="12" y="34">Hits from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC</text>',
        f'<text class="dim number" x="{_WIDE - 12}" y="34">now, highest</text>',
    ]
    for at, (name, points) in enumerate(counts.items()):
        parts += _row(name, points, top=_TOP + _ROW * at, since=since, until=until)
    return "\n".join([*parts, "</svg>", ""])


def _row(
    name: str, points: Sequence[tuple[datetime, int | None]], *, top: int, since: datetime, until: datetime
) -> list[str]:
    highest = max((count for _, count in points if count is not None), default=0)
    last = points[-1][1] if points else None
    base, middle = top + _ROW - 6, top + _ROW - 12
    shown = "failed" if points and last is None else "-" if last is None else f"{last:,}"
    span = (until - since).total_seconds() or 1.0

    def place(at: datetime, count: int) -> tuple[float, float]:
        return _LEFT + _LINE * (at - since).total_seconds() / span, base - (_ROW - 12) * count / max(highest, 1)

    path, open_at = [], None
    for at, count in points:
        if count is None:
            open_at = None
            continue
        x, y = place(at, count)
        path.append(f"M{x:.1f} {y:.1f}" if open_at is None else f"H{x:.1f}V{y:.1f}")
        open_at = (x, y)
    ends = [f'<circle cx="{open_at[0]:.1f}" cy="{open_at[1]:.1f}" r="2.5"/>'] if open_at else []
    return [
        f"<g><title>{escape(name)}: {shown}</title>",
        f'<text x="12" y="{middle}">{escape(name)}</text>',
        f'<line class="rule" x1="{_LEFT}" y1="{base}" x2="{_LEFT + _LINE}" y2="{base}"/>',
        f'<path class="count" d="{"".join(path)}"/>' if path else "",
        *ends,
        f'<text class="number" x="{_WIDE - 50}" y="{middle}">{shown}</text>',
        f'<text class="dim number" x="{_WIDE - 12}" y="{middle}">{highest:,}</text></g>',
    ]
