"""What a listing was about, what was read of it, and what shows that an object is gone.

`Target.commit` takes these three; it alone decides what is merged and what is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import printable


@dataclass(frozen=True)
class Coverage:
    """What a listing is about: the whole kind, or of it a namespace (None: all), or what selectors select."""

    namespace: str | None = None
    label_selector: str = ""
    field_selector: str = ""

    @property
    def is_whole(self) -> bool:
        return self == Coverage()

    @property
    def selectors(self) -> dict[str, str]:
        """The list's query parameters."""
        found = {"labelSelector": self.label_selector, "fieldSelector": self.field_selector}
        return {name: value for name, value in found.items() if value}

    @property
    def selection(self) -> str:
        """The selectors as one text; empty where there is none."""
        return "".join(f" {name} {value}" for name, value in self.selectors.items())


@dataclass(kw_only=True)
class Counts:
    """What was read, and what came of it in the tables (`changed`, `deleted`); the columns of these names."""

    pages: int = 0
    objects: int = 0
    changed: int = 0
    deleted: int = 0
    bytes: int = 0
    redacted: int = 0


@dataclass(frozen=True)
class Revision:
    """Up to here, rows hold all that happened to what was covered, and a watch may go on from it.

    As long as it would read by the same `read_by` (selectors, rules, cluster, version), of the same `api_servers`.
    `definition` is what a custom kind was described by, in JSON's terms.
    """

    number: str
    read_by: str
    api_servers: str
    definition: Any = field(default=None, compare=False)


class GoesOn(NamedTuple):
    """From where a watch may go on; whether the weekly verification is due, and whether brief watches are told how far
    they are; and how many seconds ago it was last known that rows were exact, infinitely many where it never was."""

    since: Revision
    verify_due: bool
    has_bookmarks: bool
    age: float


MetadataFirst = Literal["yes", "no", "never"]
"""Whether a listing asks for the metadata of objects first, and then for those that changed."""


@dataclass
class Listed(Counts):
    """What was read of a coverage, and then what came of it.

    `outcome` is `complete` only for every page of one snapshot: of `resource_version`, at the instant `snapshot_at`.
    `error` is printable, and in one line. `retryable`: a later attempt may do better.
    """

    outcome: Outcome = Outcome.FAILED
    error: str | None = None
    retryable: bool = True
    resource_version: str | None = None
    snapshot_at: datetime | None = None
    metadata_first: MetadataFirst | None = None
    """How the next listing had best read; None where this one does not tell."""
    revision: Revision | None = None
    """From where a watch may go on once this is stored."""
    since: Revision | None = None
    """Of a watch: from where it went on. What was read is then all that happened since, not all there is; `complete`,
    if it came to a revision that was current at `snapshot_at`."""
    lacks_rows: bool = False
    """Whether selectors left out, or select no more, what has a row: that one may be of long before."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, printable(value) if name == "error" and value is not None else value)

    @property
    def is_stored(self) -> bool:
        """Whether what was read may be merged: all of it, or a part that is right as far as it goes."""
        return self.outcome in (Outcome.COMPLETE, Outcome.PARTIAL)


@dataclass(frozen=True)
class Proof:
    """What shows that objects are gone, beside a complete listing that lacks them.

    `gone` are the uids of objects that were asked for one by one; `deleted` those of which a watch said so, and at
    which revision. `kind_is_gone` says why no object of the kind can be
    left in the cluster. Without either, nothing is shown.
    """

    gone: tuple[str, ...] = ()
    deleted: Mapping[str, str] = field(default_factory=dict)
    kind_is_gone: str | None = None
