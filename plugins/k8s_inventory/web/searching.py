"""What is asked for in a search, and how a page of it and its facets are had."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from psycopg import errors
from psycopg.types.json import Jsonb

from k8s_inventory.kinds import CUSTOM_OBJECTS, NAMES, TABLES, Kind
from k8s_inventory.printable import ReportedError
from k8s_inventory.web.columns import Columns
from k8s_inventory.web.reading import Row, Rows, Snapshot

PAGE = 50
MOST_EXPORTED = 5_000
"""Rows of a download; a page has `PAGE`."""
MOST_OWNERS = 20
MOST_OWNED = 2_000
MOST_NAMES = 30
"""Values of a facet that are shown."""
COUNT_SECONDS = 5
"""Seconds after which facets are not counted to the end."""

_COLUMNS = {kind.name: frozenset(column.name for column in kind.columns) for kind in TABLES}


class Unanswerable(ReportedError):
    """What is asked can not be asked so; the message says why, `of` which field."""

    def __init__(self, of: str, why: str) -> None:
        super().__init__(why)
        self.of = of


def instant(text: str, of: str = "at") -> datetime | None:
    """An instant as people and browsers write it, UTC where it does not say. Raises `Unanswerable`, `of` that field."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace(" +", "+"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unanswerable(of, f"{text!r} is no time; one looks like 2026-11-26 03:54 (UTC)") from None


def kind_named(text: str) -> tuple[Kind, str, str] | None:
    """The table of a kind by any of its names, with its group and plural; `plural.group` may be a custom one."""
    if not text:
        return None
    kind = NAMES.get(text.lower())
    if kind is not None:
        return kind, kind.group, kind.plural
    plural, dot, group = text.lower().partition(".")
    if not dot or not group:
        raise Unanswerable("kind", f"{text!r} is no kind; custom ones are written plural.group")
    return CUSTOM_OBJECTS, "" if group == "core" else group, plural


def like(text: str) -> str:
    """A pattern of LIKE: `*` stands for anything, and a text without one may stand anywhere, or with `=` before it is
    all there is."""
    literal = re.sub(r"([\\%_])", r"\\\1", text)
    if text.startswith("="):
        return literal[1:]
    return literal.replace("*", "%") if "*" in text else f"%{literal}%"


@dataclass(frozen=True, kw_only=True)
class Search:
    """Each field as the user wrote it; empty where it is not asked for."""

    q: str = ""
    kind: str = ""
    context: str = ""
    namespace: str = ""
    labels: str = ""
    image: str = ""
    owner: str = ""
    node: str = ""
    annotation: str = ""
    at: str = ""
    after: str = ""

    @property
    def given(self) -> dict[str, str]:
        """What is asked for, but for the page."""
        return {name: value for name, value in vars(self).items() if value and name != "after"}

    @property
    def is_by_place(self) -> bool:
        """Whether only a cluster or a kind is asked for, if anything: what the listings themselves have counted."""
        return not self.given.keys() - {"kind", "context"}


@dataclass
class Asked:
    """A search as SQL has it: the tables in order, names of conditions, and their values."""

    branches: list[tuple[int, Kind]]
    conditions: set[str] = field(default_factory=set)
    values: dict[str, Any] = field(default_factory=dict)
    nothing: str = ""
    """Why there can be no such object, where that is known beforehand."""
    cut: str = ""
    """What is left out of the question, where it is too large."""

    def put(self, name: str, **values: Any) -> None:
        self.conditions.add(name)
        self.values |= values


@dataclass
class Found:
    """A page: `rows` have their `cells` under `headings`; `after` leads to the next page."""

    headings: tuple[str, ...]
    rows: Rows
    after: str = ""
    nothing: str = ""
    cut: str = ""


@dataclass
class Facets:
    """`all` is None where it was not counted. Each facet: (value, label, objects, whether that is exact)."""

    all: int | None
    kinds: list[tuple[str, str, int, bool]]
    contexts: list[tuple[str, str, int, bool]]
    namespaces: list[tuple[str, str, int, bool]] | None
    is_exact: bool = True


def asked(search: Search, snapshot: Snapshot) -> Asked:
    """Raises `Unanswerable`, and psycopg's `InvalidParameterValue` never: a selector is tried first."""
    named = kind_named(search.kind)
    kinds = [named[0]] if named else list(TABLES)
    made = Asked([])
    if named and named[0] is CUSTOM_OBJECTS:
        made.put("plural", plural=named[2], group=named[1])
    at = instant(search.at)
    if at is not None:
        made.put("at", at=at)
    for name in ("context", "namespace"):
        if getattr(search, name):
            made.put(name, **{name: getattr(search, name)})
    if search.namespace:
        kinds = [kind for kind in kinds if kind.namespaced]
    if search.q.startswith("="):
        made.put("exactly", q=search.q[1:])
    elif search.q:
        made.put("like", q=like(search.q))
    if search.labels:
        selector = _selector(search.labels, snapshot)
        if selector["matchExpressions"]:
            made.put("labels", labels=search.labels)
        else:
            made.put("equal_labels", labels=Jsonb(selector["matchLabels"]))
    if search.annotation:
        key, equals, value = search.annotation.partition("=")
        made.put("annotation_value" if equals else "annotation_key", annotation_key=key, annotation_value=value)
    if search.image:
        kinds = [kind for kind in kinds if "images" in _COLUMNS[kind.name]]
        # A pattern is that of one image; all of a row are looked through first, for that is quick.
        made.put("image", image=like(f"*{search.image}*"), one_image=like(search.image))
        if re.search(r"[*\s]", search.image):
            made.put("one_image")
        if "sha256:" in search.image:
            made.put("digest")
    if search.node:
        _on_node(search, made, snapshot)
        kinds = [kind for kind in kinds if "node_name" in _COLUMNS[kind.name]]
    if search.owner:
        _owned(search, made, snapshot)
    made.branches = [(place, kind) for place, kind in enumerate(TABLES) if kind in kinds]
    if not made.branches and not made.nothing:
        made.nothing = "No kind has all that is asked for: images are of workloads, nodes of pods."
    return made


def _selector(selector: str, snapshot: Snapshot) -> dict[str, Any]:
    """What PostgreSQL takes it for. Where all is equalities, an index answers them, and no row is left to be tried."""
    try:
        with snapshot.connection.transaction():
            found: dict[str, Any] = snapshot.rows("selector", {"selector": selector})[0]["selector"]
            return found
    except errors.InvalidParameterValue:
        raise Unanswerable(
            "labels",
            f"{selector!r} is no label selector: write key=value, key!=value, key in (a,b), key notin (a,b), key, !key",
        ) from None


def _on_node(search: Search, made: Asked, snapshot: Snapshot) -> None:
    """Pods are found by node through the contexts that have it, or may: there is no index of nodes."""
    made.put("node", node=search.node)
    if search.context or search.at:
        return
    contexts = [row["context_name"] for row in snapshot.rows("contexts_of_node", {"node": search.node})]
    # Of what nodes others have nobody knows.
    unread = {"at": None, "context": None, "targets": ["nodes"], "limit": 1000}
    contexts += [row["context_name"] for row in snapshot.rows("lacking", unread, at=False, targets=True)]
    if contexts:
        made.put("contexts", contexts=contexts)
    else:
        made.nothing = (
            f"No cluster has a node {search.node}. Choose a cluster to look for what is bound to one all the same."
        )


def _owned(search: Search, made: Asked, snapshot: Snapshot) -> None:
    """What an owner owns now, directly or through others: `Deployment/web`, or just `web`."""
    kind, slash, name = search.owner.rpartition("/")
    named = replace(
        Search(), q=f"={name}", kind=kind if slash else "", context=search.context, namespace=search.namespace
    )
    if not name:
        raise Unanswerable("owner", "write the owner as Deployment/web, or web")
    found = page(named, snapshot, limit=MOST_OWNERS)
    owners = found.rows
    owned = snapshot.rows(
        "owned_by",
        {
            "contexts": [each["context_name"] for each in owners],
            "uids": [each["uid"] for each in owners],
            "limit": MOST_OWNED + 1,
        },
    )
    narrow = "Choose a cluster or a namespace."
    if found.after:
        made.cut = (
            f"More than {MOST_OWNERS} objects are called {search.owner}: what the first of them own is shown. {narrow}"
        )
    elif len(owned) > MOST_OWNED:
        made.cut = f"{search.owner} owns more than {MOST_OWNED:,} objects: so many of them are looked for. {narrow}"
    elif search.at:
        made.cut = "Who owns what is known of now alone: what was owned then, and is not any more, is left out."
    owned = owned[:MOST_OWNED]
    if owned:
        contexts = sorted({each["context_name"] for each in owned})
        made.put("contexts", contexts=contexts)
        made.put("uids", uids=[each["uid"] for each in owned])
    else:
        now = " now" if search.at else ""
        made.nothing = (found.after and f"The first {MOST_OWNERS} objects called {search.owner} own nothing{now}.") or (
            f"Nothing is owned by {search.owner}{now}."
            if owners
            else f"There is no {search.owner}{now} that could own anything."
        )


def page(search: Search, snapshot: Snapshot, *, limit: int = PAGE) -> Found:
    """A page of what matches."""
    want = asked(search, snapshot)
    columns = Columns(want.branches[0][1]) if len(want.branches) == 1 else None
    headings = columns.headings if columns else ()
    if want.nothing:
        return Found(headings, [], nothing=want.nothing, cut=want.cut)
    after = _position(search.after)
    branches = [each for each in want.branches if not after or each[0] >= after["place"]]
    if not branches:
        return Found(headings, [])
    place = {"place": after["place"], "in_namespace": after["namespace"] is not None} if after else None
    values = {**want.values, **{f"after_{name}": value for name, value in after.items()}} if after else want.values
    # In the order of the branches, which workers that share them would mix.
    snapshot.connection.execute("SET LOCAL enable_parallel_append = off")
    rows = snapshot.rows(
        "search",
        {**values, "limit": limit + 1},
        branches=branches,
        asked=want.conditions,
        names=_COLUMNS,
        after=place,
        shown=columns.needed if columns else (),
    )
    shown = rows[:limit]
    for row in shown:
        row["cells"] = columns.cells(row) if columns else []
        row["target"] = target(row)
    if not rows and not after and search.context and not is_cluster(search.context, snapshot):
        return Found(headings, [], nothing=f"The inventory has no cluster {search.context}.")
    return Found(headings, shown, after=_token(shown[-1]) if len(rows) > limit else "", cut=want.cut)


def is_cluster(name: str, snapshot: Snapshot) -> bool:
    return any(row["context_name"] == name for row in snapshot.rows("clusters"))


def target(row: Mapping[str, Any]) -> str:
    """The name under which the kind of a row is read: `pods`, or `plural.group` of a custom one."""
    kind = NAMES.get(f"{row['plural']}.{row['group']}" if row["group"] else row["plural"])
    return kind.name if kind else f"{row['plural']}.{row['group'] or 'core'}"


def _token(row: Row) -> str:
    position = [row["place"], row["context_name"], row["namespace"], row["name"], row["uid"]]
    return base64.urlsafe_b64encode(json.dumps(position, ensure_ascii=False).encode()).decode().rstrip("=")


def _position(token: str) -> dict[str, Any] | None:
    if not token:
        return None
    try:
        padded = token + "=" * (-len(token) % 4)
        place, context, namespace, name, uid = json.loads(base64.urlsafe_b64decode(padded))
        texts = (context, name, uid, *([] if namespace is None else [namespace]))
        if type(place) is not int or any(b"\0" in str.encode(each) for each in texts):
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise Unanswerable("after", "the address of this page is damaged: search again") from None
    return {"place": place, "context": context, "namespace": namespace, "name": name, "uid": uid}


def facets(search: Search, snapshot: Snapshot) -> Facets:
    """How many objects match, by cluster, kind and namespace. Raises as `asked` does, and QueryCanceled."""
    want = asked(search, snapshot)
    if want.nothing:
        return Facets(0, [], [], [], is_exact=not want.cut)
    if search.is_by_place:
        made = _counted_by_listings(search, snapshot)
        if not search.context:
            return made
        namespaces = [row for row in _counted(want, snapshot) if row["facet"] == "namespace"]
        return replace(made, namespaces=_namespaces(namespaces))
    rows = _counted(want, snapshot)
    named = kind_named(search.kind)
    lacking = {
        "at": want.values.get("at"),
        "context": search.context or None,
        "targets": [target({"group": named[1], "plural": named[2]})] if named else None,
        "limit": 1,
    }
    is_known = not snapshot.rows("lacking", lacking, at=bool(lacking["at"]), targets=bool(named))
    of: dict[str, Rows] = {}
    for row in rows:
        of.setdefault(row["facet"], []).append(row)
    kinds = [(row["custom"] or TABLES[row["place"]].name, row["objects"]) for row in of.get("kind", [])]
    return Facets(
        all=of["all"][0]["objects"],
        kinds=[(name, name, objects, True) for name, objects in kinds[:MOST_NAMES]],
        contexts=[(row["context_name"], row["context_name"], row["objects"], True) for row in of.get("context", [])][
            :MOST_NAMES
        ],
        namespaces=_namespaces(of.get("namespace", [])),
        is_exact=is_known and not want.cut,
    )


def _counted(want: Asked, snapshot: Snapshot) -> Rows:
    snapshot.at_most(COUNT_SECONDS)
    return snapshot.rows("facets", want.values, branches=want.branches, asked=want.conditions, names=_COLUMNS)


def _namespaces(rows: Sequence[Row]) -> list[tuple[str, str, int, bool]]:
    return [(row["namespace"], row["namespace"], row["objects"], True) for row in rows if row["namespace"]][:MOST_NAMES]


def _counted_by_listings(search: Search, snapshot: Snapshot) -> Facets:
    """Counted by nobody anew: each complete listing has said how many objects it had."""
    named = kind_named(search.kind)
    only = target({"group": named[1], "plural": named[2]}) if named else ""
    kinds: dict[str, list[Row]] = {}
    contexts: dict[str, list[Row]] = {}
    for row in snapshot.rows("targets_counted"):
        if only in ("", row["kind"]) and search.context in ("", row["context_name"]):
            kinds.setdefault(row["kind"], []).append(row)
            contexts.setdefault(row["context_name"], []).append(row)
    every = [row for rows in kinds.values() for row in rows]
    return Facets(
        all=sum(row["objects"] for row in every),
        kinds=_largest(kinds),
        contexts=_largest(contexts),
        namespaces=None,
        is_exact=all(row["is_exact"] for row in every),
    )


def _largest(of: Mapping[str, Iterable[Row]]) -> list[tuple[str, str, int, bool]]:
    summed = [
        (name, name, sum(row["objects"] for row in rows), all(row["is_exact"] for row in rows))
        for name, rows in of.items()
    ]
    return sorted(summed, key=lambda each: (-each[2], each[0]))[:MOST_NAMES]
