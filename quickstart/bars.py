"""How far a run is: on a terminal a bar a context, elsewhere a line now and then."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TaskID, TextColumn
from rich.table import Column

from k8s_inventory.kinds import CUSTOM_OBJECTS
from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import printable
from quickstart.terminal import terminal

WIDE = 76
"""Columns of a terminal that has room for everything."""

_ENDED = re.compile(r"(?P<outcome>[a-z ]+), (?P<objects>\d+) objects in (?P<pages>\d+) pages, ")
_BEING_READ = r"(?:: |, ){} · (\S+) \((\d+) objects in (\d+) pages\)"


@dataclass
class _Context:
    """What is known of a context: objects and pages by kind, of those that have ended and of those being read."""

    shown: str
    kinds: int
    ended: dict[str, tuple[int, int]] = field(default_factory=dict)
    being_read: dict[str, tuple[int, int]] = field(default_factory=dict)
    not_complete: int = 0
    said: str = ""

    @property
    def objects(self) -> int:
        return sum(objects for kind, (objects, _) in self._counts.items() if kind != CUSTOM_OBJECTS.name)

    @property
    def pages(self) -> int:
        return sum(pages for _, pages in self._counts.values())

    @property
    def total(self) -> int:
        """Kinds without a declaration are known once they were looked for, which comes first."""
        found, _ = self.ended.get(CUSTOM_OBJECTS.name, (0, 0))
        return max(self.kinds + found, len(self.ended))

    @property
    def has_ended(self) -> bool:
        return len(self.ended) == self.total

    @property
    def _counts(self) -> dict[str, tuple[int, int]]:
        return {**self.being_read, **self.ended}

    def __str__(self) -> str:
        problems = f", {self.not_complete} not complete" if self.not_complete else ""
        said = f"{len(self.ended)} of {self.total} kinds, {self.objects} objects in {self.pages} pages"
        return f"{self.shown}: {said}{problems}"


class Bars:
    """Shows what the log of a run says; `lists_all`: where there is no terminal, each target as it ends.

    `contexts` are the names in the order of their tasks, and of how many kinds each is asked for. Names come from a
    kubeconfig, and what the log says of them from clusters: neither can do more to a terminal than show.
    """

    def __init__(self, contexts: Mapping[str, int], *, lists_all: bool) -> None:
        self._contexts = {printable(name): _Context(printable(name), kinds) for name, kinds in contexts.items()}
        self._lists_all = lists_all
        self._console = terminal(sys.stdout)
        self._progress = Progress(*_columns(self._console), console=self._console) if self._console else None
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        if self._progress:
            for name, context in self._contexts.items():
                self._bars[name] = self._progress.add_task(name, total=context.total, **_fields(context))
            self._show_those_at(next(iter(self._bars), ""))
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._progress:
            self._progress.stop()
        elif kind is None:
            for context in self._contexts.values():
                self._say(context)

    def target_ended(self, said: str) -> None:
        """`context · kind: outcome, 1 objects in 1 pages, ...`"""
        name, _, rest = said.rpartition(": ")
        shown, _, kind = name.rpartition(" · ")
        context, found = self._contexts.get(shown), _ENDED.match(rest)
        if context is None or found is None:
            return
        if kind not in context.ended:
            context.not_complete += found["outcome"] != Outcome.COMPLETE
        context.being_read.pop(kind, None)
        context.ended[kind] = int(found["objects"]), int(found["pages"])
        if self._progress is None and self._lists_all:
            print(f"  {said}", flush=True)
        self._show(context, is_due=context.has_ended)

    def sync_told(self, said: str) -> None:
        """`... kinds are read, ...; being read: context · kind (1 objects in 1 pages), ...`"""
        for context in self._contexts.values():
            found = re.findall(_BEING_READ.format(re.escape(context.shown)), said)
            context.being_read = {kind: (int(objects), int(pages)) for kind, objects, pages in found}
            if found:
                self._show(context, is_due=True)

    def _show(self, context: _Context, *, is_due: bool) -> None:
        if self._progress:
            self._show_those_at(context.shown)
            done = len(context.ended)
            self._progress.update(self._bars[context.shown], completed=done, total=context.total, **_fields(context))
        elif is_due:
            self._say(context)

    def _say(self, context: _Context) -> None:
        if str(context) != context.said:
            print(f"  {context}", flush=True)
            context.said = str(context)

    def _show_those_at(self, shown: str) -> None:
        """As many bars as fit: some before the context that is being read, and those to come."""
        if self._progress is None or self._console is None:
            return
        names, fit = list(self._bars), max(self._console.height - 2, 1)
        at = names.index(shown) if shown in names else 0
        first = max(min(at - fit // 2, len(names) - fit), 0)
        for number, name in enumerate(names):
            self._progress.update(self._bars[name], visible=first <= number < first + fit)


def _fields(context: _Context) -> dict[str, Any]:
    done, failed = len(context.ended), context.not_complete
    kinds = f"{done - failed} of {context.total} complete" if failed else f"{done} of {context.total} kinds"
    return {"kinds": kinds, "objects": f"{context.objects} objects", "pages": f"{context.pages} pages"}


def _columns(console: Console) -> list[ProgressColumn]:
    """The counts are never cut; names are, and what a narrow terminal has no room for is left out."""

    def text(field: str, **column: Any) -> TextColumn:
        made = Column(no_wrap=True, overflow="ellipsis", **column)
        return TextColumn(f"{{task.{field}}}", style="none", markup=False, table_column=made)

    is_wide = console.width >= WIDE
    name = text("description", max_width=max(console.width - (58 if is_wide else 31), 4))
    counts = [text(f"fields[{each}]", justify="right") for each in ("kinds", "objects", "pages")]
    if is_wide:
        spinner = SpinnerColumn("line" if console.options.ascii_only else "dots", finished_text=" ")
        return [spinner, name, BarColumn(bar_width=10), *counts]
    return [name, BarColumn(bar_width=4), *counts[1:]]
