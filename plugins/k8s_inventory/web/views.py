"""The page's views and the fragments of them. Each has an address to send to a colleague, and all only read."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from psycopg import errors
from psycopg.types.json import Jsonb
from pydantic import AfterValidator

from k8s_inventory.hooks.inventory import InventoryHook
from k8s_inventory.kinds import FAMILIES, TABLES
from k8s_inventory.queries import NOT_KNOWN, query_pack
from k8s_inventory.queries import Query as Answer
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.web import comparing, pages
from k8s_inventory.web.access import DAG_ID, MODES, may_trigger
from k8s_inventory.web.coverage import ADVICE, FAMILY_NAMES, FAMILY_OF, Coverage
from k8s_inventory.web.differences import MOST_BYTES, with_differences
from k8s_inventory.web.exporting import as_csv, as_json
from k8s_inventory.web.folding import folded
from k8s_inventory.web.reading import Reader, Row, Snapshot
from k8s_inventory.web.searching import (
    MOST_EXPORTED,
    PAGE,
    Search,
    Unanswerable,
    facets,
    instant,
    is_cluster,
    kind_named,
    like,
    target,
)
from k8s_inventory.web.searching import (
    page as page_of,
)

LONGEST = 400
"""Characters of anything that is asked for."""
LONGEST_NAME = 4_000
"""Of names of contexts and runs, and of uids, for which nobody has set a limit."""
LONGEST_TOKEN = 32_000
"""Of the position after a page; names of RBAC have no limit either, but a request line of 64 kB."""
MOST_TARGETS = 500
"""Kinds of a family that are shown; those of which something is lacking come first."""
POINTS = 30
COUNTED_DAYS = 30
"""Points of a line of counts over time, and for how long at the most."""
MOST_COUNTED = 6_000
"""Counts that are looked up for the lines of a cluster: of many custom kinds, lines have fewer points."""
MOST_EDGES = 100
MOST_HISTORY = 30
PARTS = 48
"""Bars of the picture of changes over time."""
ANSWER_SECONDS = 30
MOST_ANSWERED = 500


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("it has a NUL, which nothing stored has")
    return value


Text = Annotated[str, Query(max_length=LONGEST), AfterValidator(_storable), AfterValidator(str.strip)]
Name = Annotated[str, Query(max_length=LONGEST_NAME), AfterValidator(_storable)]
"""What others have named: as it is, blanks around it too."""
Token = Annotated[str, Query(max_length=LONGEST_TOKEN)]
Form = Literal["csv", "json"]
Trigger = Annotated[bool, Depends(may_trigger)]

views = APIRouter()
_templates = pages.environment()
_FAMILIES = Jsonb(FAMILY_OF)


@cache
def reader() -> Reader:
    """The sessions of this process. Raises `SettingsError`."""
    settings = Settings.load()
    if settings.page_conn_id:
        settings = settings.model_copy(update={"database_url": None, "postgres_conn_id": settings.page_conn_id})
    return Reader(lambda: _connected(settings), settings.page_role)


def _connected(settings: Settings) -> Store:
    return InventoryHook(settings).store()


def page(request: Request, template: str, status: int = 200, **given: Any) -> HTMLResponse:
    """A page, or a fragment of one; addresses in it are under the page's own root and Airflow's."""
    root = request.scope.get("root_path", "")
    airflow = root.removesuffix(f"/{DAG_ID}")
    text = _templates.get_template(template).render(root=root, airflow=airflow, dag_id=DAG_ID, **given)
    return HTMLResponse(text, status_code=status)


# -- coverage --------------------------------------------------------------------------------------


@views.get("/")
def coverage(request: Request, trigger: Trigger, q: Text = "", only: Text = "") -> HTMLResponse:
    with reader().snapshot() as snapshot:
        clusters = snapshot.rows("clusters")
        cells = snapshot.rows("coverage", {"families": _FAMILIES})
    found = Coverage.of(clusters, cells)
    shown: dict[str, Any] = {
        "coverage": found.like(q, only),
        "all": found,
        "q": q,
        "only": only,
        "families": FAMILY_NAMES,
    }
    return page(request, "coverage.html", active="coverage", trigger=trigger, **shown)


@views.get("/coverage/kinds")
def coverage_kinds(request: Request, trigger: Trigger, context: Name, family: Text) -> HTMLResponse:
    with reader().snapshot() as snapshot:
        values = {"context": context, "family": family, "families": _FAMILIES, "limit": MOST_TARGETS + 1}
        kinds = snapshot.rows("coverage_kinds", values)
    shown: dict[str, Any] = {"context": context, "family": family, "advice": ADVICE}
    shown |= {"kinds": kinds[:MOST_TARGETS], "is_cut": len(kinds) > MOST_TARGETS}
    template = "coverage_kinds.html" if request.headers.get("hx-request") else "coverage_family.html"
    return page(request, template, active="coverage", trigger=trigger, **shown)


@views.get("/coverage/counts")
def coverage_counts(request: Request, context: Name) -> HTMLResponse:
    """What the cells of a row of the matrix are completed by: how many objects there were over time."""
    values = {"context": context, "families": _FAMILIES}
    values |= {"points": POINTS, "looks": MOST_COUNTED, "days": COUNTED_DAYS}
    with reader().snapshot() as snapshot:
        counted = snapshot.rows("counts", values)
    return page(request, "coverage_counts.html", context=context, counted=counted)


@views.get("/run")
def run(request: Request, run_id: Name, dag_id: Text = "") -> HTMLResponse:
    """Without a DAG, as in links of the page, the attempts of all runs of that id."""
    is_other = dag_id not in ("", *MODES)
    with reader().snapshot() as snapshot:
        rows = [] if is_other else snapshot.rows("run", {"run_id": run_id, "mode": MODES.get(dag_id)})
    shown: dict[str, Any] = {"run_id": run_id, "of_dag": dag_id, "is_other": is_other, "dags": list(MODES)}
    return page(request, "run.html", active="coverage", rows=rows, advice=ADVICE, **shown)


# -- search ----------------------------------------------------------------------------------------


def _search(
    q: Text = "",
    kind: Text = "",
    context: Name = "",
    namespace: Text = "",
    labels: Text = "",
    image: Text = "",
    owner: Text = "",
    node: Text = "",
    annotation: Text = "",
    at: Text = "",
    after: Token = "",
) -> Search:
    return Search(
        q=q,
        kind=kind,
        context=context,
        namespace=namespace,
        labels=labels,
        image=image,
        owner=owner,
        node=node,
        annotation=annotation,
        at=at,
        after=after,
    )


Searched = Annotated[Search, Depends(_search)]
_FIELDS = (
    ("q", "Name", "web, web-*, or =web exactly"),
    ("kind", "Kind", "pods, certificates.cert.example"),
    ("context", "Cluster", "name of the context"),
    ("namespace", "Namespace", "shop"),
    ("labels", "Labels", "app=web,tier in (a,b)"),
    ("image", "Image", "registry.example/*:1.2"),
    ("owner", "Owner", "Deployment/web"),
    ("node", "Node", "node-1"),
    ("annotation", "Annotation", "key or key=value"),
    ("at", "As of (UTC)", "2026-11-26 03:54"),
)


@views.get("/search")
def search(request: Request, search: Searched) -> HTMLResponse:
    shown: dict[str, Any] = {"search": search, "given": search.given, "fields": _FIELDS, "kinds": list(NAMES_OF_KINDS)}
    try:
        with reader().snapshot() as snapshot:
            found = page_of(search, snapshot)
    except Unanswerable as error:
        return page(request, "search.html", 422, active="search", found=None, wrong=error, page_size=PAGE, **shown)
    return page(request, "search.html", active="search", found=found, wrong=None, page_size=PAGE, **shown)


@views.get("/search/facets")
def search_facets(request: Request, search: Searched) -> HTMLResponse:
    found = None
    try:
        with reader().snapshot() as snapshot:
            found = facets(search, snapshot)
    except errors.QueryCanceled:
        pass  # the rows are there all the same
    return page(request, "facets.html", search=search, given=search.given, facets=found)


@views.get("/search.{form}")
def search_file(form: Form, search: Searched) -> Response:
    with reader().snapshot() as snapshot:
        found = page_of(search, snapshot, limit=MOST_EXPORTED)
    headings = ["cluster", "kind", "namespace", "name", "uid", "created", *found.headings]
    rows = [
        [
            row["context_name"],
            row["target"],
            row["namespace"],
            row["name"],
            row["uid"],
            row["created_at"],
            *row["cells"],
        ]
        for row in found.rows
    ]
    return _as_file(form, "objects", headings, rows)


def _as_file(form: Form, name: str, headings: list[str], rows: list[list[object]]) -> Response:
    return as_csv(name, headings, rows) if form == "csv" else as_json(name, headings, rows)


# -- one object ------------------------------------------------------------------------------------

NAMES_OF_KINDS = tuple(kind.name for kind in TABLES if kind.name != "custom")
_HEAD = frozenset(
    {
        *("context_name", "uid", "name", "namespace", "labels", "annotations", "owner_references", "finalizers"),
        *("spec", "status", "data", "made_of", "of_group", "of_plural", "of_kind", "printer_columns"),
    }
)


class Identity:
    """Which object is meant: `kind` is the name it is read under."""

    def __init__(self, context: Name, kind: Text, uid: Name, at: Text = "") -> None:
        named = kind_named(kind)
        if named is None:
            raise Unanswerable("kind", "say of which kind the object is")
        self.context, self.uid, self.at = context, uid, at
        self.kind, self.group, self.plural = named
        self.instant = instant(at)

    @property
    def values(self) -> dict[str, Any]:
        return {
            "context": self.context,
            "uid": self.uid,
            "group": self.group,
            "plural": self.plural,
            "at": self.instant,
        }

    @property
    def target(self) -> str:
        return target({"group": self.group, "plural": self.plural})

    @property
    def given(self) -> dict[str, str]:
        return {"context": self.context, "kind": self.target, "uid": self.uid, "at": self.at}

    def row(self, snapshot: Snapshot) -> Row | None:
        asked = {"at"} if self.instant else set()
        rows = snapshot.rows("object", self.values, kind=self.kind, asked=asked)
        return rows[0] if rows else None


Identified = Annotated[Identity, Depends(Identity)]


@views.get("/object")
def object_page(request: Request, identity: Identified) -> HTMLResponse:
    with reader().snapshot() as snapshot:
        row = identity.row(snapshot)
        known = snapshot.rows("target", {"context": identity.context, "target": identity.target})
        gone = snapshot.rows("object_deleted", identity.values) if row is None else []
        owners = [] if row is None or identity.instant else snapshot.rows("owners", _named(identity, row))
    if row is not None and identity.instant:
        owners = _owners_then(row)
    shown: dict[str, Any] = {"identity": identity, "row": row, "known": known[0] if known else None, "owners": owners}
    shown |= {"gone": gone[0] if gone else None, "columns": [], "kubectl": ""}
    if gone:
        # The instant before that: the listing which last had it began before it was stored, where it was new in it.
        shown["last_there"] = (gone[0]["deleted_at"] - timedelta(microseconds=1)).isoformat()
    if row is not None:
        columns = [column.name for column in identity.kind.columns if column.name not in _HEAD]
        shown["columns"] = [(name, pages.shown(row[name])) for name in columns]
        shown["kubectl"] = _kubectl(identity, row)
        shown["parts"] = [name for name in ("spec", "status", "data") if row.get(name)]
    return page(request, "object.html", 200 if row or gone else 404, active="search", **shown)


def _named(identity: Identity, row: Row) -> dict[str, Any]:
    names = {name: row[name] for name in ("name", "namespace")}
    return {**identity.values, **names, "kind": row["of_kind"], "group": row["of_group"], "limit": MOST_EDGES + 1}


def _owners_then(row: Row) -> list[dict[str, Any]]:
    """The owners that a row of an instant names itself: of theirs there is no chain but that of now."""
    found = []
    for each in filter(lambda each: isinstance(each, dict), row["owner_references"]):
        group, slash, _ = str(each.get("apiVersion", "")).partition("/")
        group = group if slash else ""
        owner = {f"owner_{name}": str(each.get(name, "")) for name in ("kind", "name", "uid")}
        plural = _plural(owner["owner_kind"], group)
        found.append({**owner, "target": target({"group": group, "plural": plural}) if plural else ""})
    return found


def _plural(kind: str, group: str) -> str:
    """Of a declared kind its plural; of others nobody says, and the link goes by the uid alone."""
    found = next((each for each in TABLES if (each.kind, each.group) == (kind, group)), None)
    return found.plural if found else ""


def _kubectl(identity: Identity, row: Row) -> str:
    resource = f"{identity.plural}.{identity.group}" if identity.group else identity.plural
    words = ["kubectl", "--context", identity.context]
    if row["namespace"]:
        words += ["--namespace", row["namespace"]]
    words += ["get", resource]
    # Names of RBAC begin with what they like, and would be options of kubectl.
    name = [row["name"], "-o", "yaml"] if not row["name"].startswith("-") else ["-o", "yaml", "--", row["name"]]
    return " ".join(map(_quoted, [*words, *name]))


def _quoted(word: str) -> str:
    """A word for a shell, in printable characters alone: the others may mean something to a terminal that it is pasted
    into, in quotes too (`$'...'` is POSIX.1-2024, and older in bash, ksh and zsh)."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(_escaped(each) for each in word) + "'"


def _escaped(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    return letter if letter.isprintable() else "".join(f"\\{byte:03o}" for byte in letter.encode())


@views.get("/object/relations")
def object_relations(request: Request, identity: Identified) -> HTMLResponse:
    """Edges both ways, and what it owns; of now, for relations have no history."""
    with reader().snapshot() as snapshot:
        row = identity.row(snapshot)
        values = _named(identity, row) if row else None
        names = ("edges_from", "edges_to", "owned")
        found: dict[str, Any] = {name: snapshot.rows(name, values) if values else [] for name in names}
    for each in (*found["edges_from"], *found["edges_to"], *found["owned"]):
        plural = _plural(each["kind"], each["group"])
        each["target"] = target({"group": each["group"], "plural": plural}) if plural else ""
    return page(request, "relations.html", identity=identity, most=MOST_EDGES, **found)


@views.get("/find")
def find(request: Request, context: Name, uid: Name) -> Response:
    """An object of which only the uid is known, as of an owner without a declaration."""
    with reader().snapshot() as snapshot:
        rows = snapshot.rows("find", {"context": context, "uid": uid})
    if not rows:
        raise HTTPException(404, "No object of this cluster has that uid now.")
    root = request.scope.get("root_path", "")
    address = pages.link("/object", {"context": context, "kind": target(rows[0]), "uid": uid})
    return Response(status_code=303, headers={"Location": f"{root}{address}"})


@views.get("/object/events")
def object_events(request: Request, identity: Identified) -> HTMLResponse:
    with reader().snapshot() as snapshot:
        events = snapshot.rows("events_of", identity.values)
        known = snapshot.rows("target", {"context": identity.context, "target": "events"})
    return page(request, "events.html", events=events, known=known[0] if known else None)


@views.get("/object/history")
def object_history(request: Request, identity: Identified) -> HTMLResponse:
    with reader().snapshot() as snapshot:
        present = _present(snapshot)
        values = {
            **identity.values,
            "since": present - timedelta(days=3660),
            "until": present,
            "limit": MOST_HISTORY + 1,
            "bytes": MOST_BYTES,
        }
        rows = snapshot.rows("changes", values, asked={"context", "plural", "uid"})
        changes = with_differences(rows[:MOST_HISTORY], snapshot)
        known = snapshot.rows("history_since", {"context": identity.context, "target": identity.target})
    return page(
        request,
        "history.html",
        identity=identity,
        changes=changes,
        more=len(rows) > MOST_HISTORY,
        since=known[0]["history_since"] if known else None,
    )


@views.get("/object/yaml")
def object_yaml(request: Request, identity: Identified, part: Text) -> HTMLResponse:
    if part not in ("spec", "status", "data"):
        raise HTTPException(404, "There is spec, status and data.")
    with reader().snapshot() as snapshot:
        row = identity.row(snapshot)
    return page(request, "yaml.html", folds=folded(row[part]) if row and row.get(part) else [], part=part)


# -- changes ---------------------------------------------------------------------------------------


@views.get("/changes")
def changes(
    request: Request,
    context: Name = "",
    namespace: Text = "",
    kind: Text = "",
    q: Text = "",
    change: Text = "",
    column: Text = "",
    run_id: Name = "",
    since: Text = "",
    until: Text = "",
    after: Token = "",
) -> HTMLResponse:
    given = {
        "context": context,
        "namespace": namespace,
        "kind": kind,
        "q": q,
        "change": change,
        "column": column,
        "run_id": run_id,
        "since": since,
        "until": until,
    }
    shown: dict[str, Any] = {
        "given": given,
        "rows": [],
        "unknown": [],
        "bars": [],
        "next": "",
        "wrong": None,
        "no_cluster": False,
    }
    shown |= {"kinds": NAMES_OF_KINDS}
    try:
        named = kind_named(kind)
        asked = {name for name in ("context", "namespace", "change", "column", "run_id", "q") if given[name]}
        values: dict[str, Any] = {name: given[name] for name in asked} | {
            "limit": PAGE + 1,
            "bytes": MOST_BYTES,
        }
        values["q"] = like(q)
        if named:
            asked.add("plural")
            values |= {"plural": named[2], "group": named[1]}
        if after:
            asked.add("after_id")
            values |= _after(after)
        with reader().snapshot() as snapshot:
            begin, end = _period(since, instant(until, "until") or _present(snapshot))
            values |= {"since": begin, "until": end}
            rows = snapshot.rows("changes", values, asked=asked)
            shown["rows"] = with_differences(rows[:PAGE], snapshot)
            of_place = {"context": context or None, "namespace": namespace or None}
            counted = snapshot.rows("changes_counted", {"since": begin, "until": end, "parts": PARTS, **of_place})
            of_target = target({"group": named[1], "plural": named[2]}) if named else None
            unknown = {"since": begin, "context": context or None, "target": of_target}
            shown["unknown"] = snapshot.rows("unknown_since", unknown)
            shown["no_cluster"] = bool(context) and not rows and not is_cluster(context, snapshot)
    except Unanswerable as error:
        return page(
            request, "changes.html", 422, active="changes", **{**shown, "wrong": error, "begin": None, "end": None}
        )
    for row in shown["rows"]:
        row["target"] = target(row)
    if len(rows) > PAGE:
        shown["next"] = f"{rows[PAGE - 1]['seen_at'].isoformat()}~{rows[PAGE - 1]['id']}"
    shown["bars"] = pages.bars(counted, PARTS)
    return page(request, "changes.html", active="changes", begin=begin, end=end, **shown)


_PERIODS = {"": 1, "1d": 1, "7d": 7, "30d": 30, "90d": 90}


def _present(snapshot: Snapshot) -> datetime:
    present: datetime = snapshot.rows("present")[0]["present"]
    return present


def _period(since: str, end: datetime) -> tuple[datetime, datetime]:
    if since in _PERIODS:
        try:
            return end - timedelta(days=_PERIODS[since]), end
        except OverflowError:
            raise Unanswerable("until", "nothing is earlier than that") from None
    begin = instant(since, "since")
    if begin is None or begin >= end:
        raise Unanswerable("since", "it must be earlier than `until`")
    return begin, end


def _after(token: str) -> dict[str, Any]:
    seen_at, _, number = token.partition("~")
    found = instant(seen_at, "after")
    if found is None or not number.isdecimal() or len(number) > 18:
        raise Unanswerable("after", "the address of this page is damaged: begin anew")
    return {"after_seen_at": found, "after_id": int(number)}


# -- compare ---------------------------------------------------------------------------------------


class Sides:
    """What is compared, as the user wrote it."""

    def __init__(
        self,
        left: Name = "",
        right: Name = "",
        left_namespace: Text = "",
        right_namespace: Text = "",
        left_at: Text = "",
        right_at: Text = "",
        kind: Text = "",
        only: Text = "",
    ) -> None:
        self.left, self.right, self.kind, self.only = left, right, kind, only
        self.left_namespace, self.right_namespace = left_namespace, right_namespace
        self.left_at, self.right_at = left_at, right_at

    @property
    def given(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value}

    def both(self) -> tuple[comparing.Side, comparing.Side]:
        """A namespace of one side alone is that of both: names of all namespaces are not those of one. Raises
        `Unanswerable`."""
        left = comparing.side(self.left, self.left_namespace or self.right_namespace, self.left_at)
        right = comparing.side(self.right or self.left, self.right_namespace or self.left_namespace, self.right_at)
        return left, right


Sided = Annotated[Sides, Depends(Sides)]


@views.get("/compare")
def compare(request: Request, sides: Sided) -> HTMLResponse:
    shown: dict[str, Any] = {"sides": sides, "given": sides.given, "families": FAMILIES, "kinds": NAMES_OF_KINDS}
    shown |= {"found": None, "wrong": None, "left": None, "right": None, "most": comparing.MOST}
    with reader().snapshot() as snapshot:
        shown["clusters"] = [row["context_name"] for row in snapshot.rows("clusters")]
        if not sides.left:
            return page(request, "compare.html", active="compare", **shown)
        try:
            shown["left"], shown["right"] = left, right = sides.both()
            if sides.only not in ("", "left", "right", "different"):
                raise Unanswerable("only", "it is left, right or different")
            shown["found"] = comparing.compare(left, right, sides.kind, sides.only, snapshot)
        except Unanswerable as error:
            return page(request, "compare.html", 422, active="compare", **{**shown, "wrong": error})
    return page(request, "compare.html", active="compare", **shown)


@views.get("/compare/object")
def compare_object(request: Request, sides: Sided, of: Text, left_uid: Name, right_uid: Name) -> HTMLResponse:
    """What differs between two objects of one kind, `of`."""
    left, right = sides.both()
    with reader().snapshot() as snapshot:
        first = Identity(left.context, of, left_uid, sides.left_at)
        rows = (first.row(snapshot), Identity(right.context, of, right_uid, sides.right_at).row(snapshot))
    found = comparing.differences_of(*rows, first.kind)
    return page(request, "compare_object.html", differences=found)


# -- answers ---------------------------------------------------------------------------------------


@views.get("/answers")
def answers(request: Request, q: Text = "") -> HTMLResponse:
    folders: dict[str, list[Answer]] = {}
    for each in query_pack().values():
        if q.lower() in f"{each.title} {each.meaning} {each.path}".lower():
            folders.setdefault(each.folder or "other", []).append(each)
    return page(request, "answers.html", active="answers", folders=folders, q=q, all=len(query_pack()))


@views.get("/answers/{folder}/{name}.{form}")
def answer_file(folder: str, name: str, form: Form) -> Response:
    """All rows, those too that say of what nothing is known: a file without them would claim more."""
    headings, rows, _ = _run(_query(folder, name), MOST_EXPORTED)
    return _as_file(form, name, headings, rows)


@views.get("/answers/{folder}/{name}")
def answer(request: Request, folder: str, name: str) -> HTMLResponse:
    query = _query(folder, name)
    start = datetime.now(UTC)
    headings, rows, is_cut = _run(query)
    known = [row for row in rows if not _is_lack(headings, row)]
    lacks = [dict(zip(headings, row, strict=True)) for row in rows if _is_lack(headings, row)]
    shown: dict[str, Any] = {
        "query": query,
        "headings": [each for each in headings if each != NOT_KNOWN],
        "lacks": lacks,
        "is_cut": is_cut,
    }
    shown["rows"] = [[pages.shown(value) for value in _without_lack(headings, row)] for row in known]
    seconds = (datetime.now(UTC) - start).total_seconds()
    return page(request, "answer.html", active="answers", seconds=seconds, most=MOST_ANSWERED, **shown)


def _query(folder: str, name: str) -> Answer:
    found = query_pack().get(f"{folder}/{name}")
    if found is None:
        raise HTTPException(404, "There is no such question.")
    return found


def _run(query: Answer, most: int = MOST_ANSWERED) -> tuple[list[str], list[list[object]], bool]:
    """Headings, rows, and whether there are more. The statement is our own; nothing is bound."""
    with reader().snapshot() as snapshot:
        snapshot.at_most(ANSWER_SECONDS)
        with snapshot.connection.cursor() as cursor:
            # Not kept as a plan: one of `*` fails when what it stands for has become more.
            cursor.execute(query.sql.encode(), prepare=False)
            headings = [column.name for column in cursor.description or ()]
            rows = [list(row) for row in cursor.fetchmany(most + 1)]
    return headings, rows[:most], len(rows) > most


def _is_lack(headings: list[str], row: list[object]) -> bool:
    return NOT_KNOWN in headings and row[headings.index(NOT_KNOWN)] is not None


def _without_lack(headings: list[str], row: list[object]) -> list[object]:
    return [value for heading, value in zip(headings, row, strict=True) if heading != NOT_KNOWN]
