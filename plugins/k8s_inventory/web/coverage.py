"""How far the inventory can be trusted, by context and family."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from k8s_inventory.kinds import FAMILIES
from k8s_inventory.outcome import Outcome
from k8s_inventory.sync.selection import CUSTOM
from k8s_inventory.web.reading import Row, Rows

FAMILY_NAMES = (*FAMILIES, CUSTOM)
FAMILY_OF = {kind.name: name for name, kinds in FAMILIES.items() for kind in kinds}
MOST_CLUSTERS = 200
"""Rows of the matrix; more are found by their name."""

_FINE = ("complete", "absent")
ADVICE = {
    "in part": "Only some namespaces or labels were read. Run it without `namespaces` and selectors for the whole.",
    "old": "Look whether the DAG is paused, its runs fail, or the context is gone from the kubeconfig.",
    "running": "It was never read before. Where no run of the DAG is under way, its task was ended: run it again.",
    **{each.value: each.advice for each in Outcome},
}


def severity(outcome: str) -> int:
    """Higher is worse."""
    return {"running": -100, "old": -50, "in part": Outcome.PARTIAL.severity}.get(
        outcome, Outcome(outcome).severity if outcome in set(Outcome) else 0
    )


@dataclass
class Cell:
    """A family of a context. `oldest` is the instant as of which all of its kinds are exact."""

    outcomes: dict[str, int] = field(default_factory=dict)
    objects: int = 0
    oldest: datetime | None = None

    @property
    def outcome(self) -> str:
        """The worst that is not fine, or else that of most."""
        lacking = [each for each in self.outcomes if each not in _FINE]
        if lacking:
            return max(lacking, key=severity)
        return "complete" if "complete" in self.outcomes else "absent"

    @property
    def is_whole(self) -> bool:
        """Whether all of it was read, be it long ago."""
        return all(each in (*_FINE, "old") for each in self.outcomes)

    @property
    def lacking(self) -> int:
        return sum(count for outcome, count in self.outcomes.items() if outcome not in _FINE)

    @property
    def kinds(self) -> int:
        return sum(self.outcomes.values())

    def add(self, row: Row) -> None:
        self.outcomes[row["outcome"]] = self.outcomes.get(row["outcome"], 0) + row["kinds"]
        self.objects += row["objects"]
        if row["oldest"] is not None and row["outcome"] != "absent":
            self.oldest = min(self.oldest or row["oldest"], row["oldest"])


@dataclass(frozen=True)
class Reason:
    """Why something of a context can not be trusted now."""

    outcome: str
    kinds: int
    some_kinds: tuple[str, ...]
    error: str

    @property
    def advice(self) -> str:
        return ADVICE.get(self.outcome, "")


@dataclass
class Cluster:
    about: Row
    cells: dict[str, Cell] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.about["context_name"])

    @property
    def is_whole(self) -> bool:
        return not self.reasons

    @property
    def objects(self) -> int:
        return sum(cell.objects for cell in self.cells.values())

    @property
    def oldest(self) -> datetime | None:
        return min((cell.oldest for cell in self.cells.values() if cell.oldest), default=None)

    @property
    def severity(self) -> int:
        return max((severity(each.outcome) for each in self.reasons), default=-100)


@dataclass(frozen=True)
class Coverage:
    """All clusters, those of which something is lacking first, the worst of them foremost."""

    clusters: tuple[Cluster, ...]
    left_out: int = 0

    @classmethod
    def of(cls, about: Rows, rows: Rows) -> Coverage:
        clusters = {each["context_name"]: Cluster(each) for each in about}
        lacking: dict[str, dict[tuple[str, str], list[Row]]] = {}
        for row in rows:
            name = row["context_name"]
            cluster = clusters.setdefault(name, Cluster({"context_name": name, **_UNKNOWN}))
            cluster.cells.setdefault(row["family"], Cell()).add(row)
            if row["outcome"] not in _FINE:
                lacking.setdefault(name, {}).setdefault((row["outcome"], row["error"] or ""), []).append(row)
        for name, reasons in lacking.items():
            clusters[name].reasons = sorted(
                (_reason(*key, of) for key, of in reasons.items()), key=lambda each: -severity(each.outcome)
            )
        return cls(tuple(sorted(clusters.values(), key=lambda each: (-each.severity, each.name))))

    @property
    def lacking(self) -> tuple[Cluster, ...]:
        return tuple(each for each in self.clusters if not each.is_whole)

    @property
    def objects(self) -> int:
        return sum(each.objects for each in self.clusters)

    def like(self, text: str, only: str) -> Coverage:
        """Those whose name has the text in it, and of which something is lacking where that is asked for."""
        found = [
            each
            for each in self.clusters
            if text.lower() in each.name.lower() and (only != "lacking" or not each.is_whole)
        ]
        return replace(self, clusters=tuple(found[:MOST_CLUSTERS]), left_out=len(found[MOST_CLUSTERS:]))


_UNKNOWN: Row = {"version": None, "provider": None, "region": None, "unconfigured_since": None, "same_cluster_as": []}


def _reason(outcome: str, error: str, rows: Iterable[Row]) -> Reason:
    rows = list(rows)
    if outcome == "old":
        error = f"Not read as a whole since {min(row['oldest'] for row in rows):%Y-%m-%d %H:%M} UTC."
    some = [kind for row in rows for kind in row["some_kinds"]]
    return Reason(outcome, sum(row["kinds"] for row in rows), tuple(some[:4]), error)
