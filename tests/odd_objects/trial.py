"""Makes odd objects in a cluster, syncs them, and tells what is not stored as it is."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Run, find_custom, refresh_crd_views
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import Rejected
from tests.equality import TABLE
from tests.histories import syncs
from tests.integration.kubectl_cells import COMPOSED, TIMES
from tests.odd_objects.making import Edit, Object, dotted, edited
from tests.odd_objects.plain import GROUP, OddKind, name_of, named, odd_kinds
from tests.odd_objects.values import SECRET_FORMS

CONTEXT = "odd"
SETTINGS = {"requests_per_second": 10_000, "kinds_at_once": 2}
ROUNDED = {"Duration", "Last Schedule", "Last Seen", "First Seen", "RequestedDuration"}
"""Cells that say in words how long something is, or how long ago."""


@dataclass
class Odd:
    """The object of a seed, as the API server took it."""

    seed: int
    kind: OddKind
    name: str
    plain: Object
    edits: list[Edit]
    uid: str = ""

    def __str__(self) -> str:
        edits = "".join(f"\n    {edit}" for edit in self.edits)
        return f"seed {self.seed}, {self.kind.name} {self.name[:60]}{edits or ' (as plain as any)'}"


@dataclass(frozen=True)
class Fault:
    """What is wrong of a kind, or of one object of it."""

    kind: str
    uid: str
    text: str


@dataclass
class World:
    """Where odd objects are tried; `counts` are of objects made and of those that the API server refused."""

    cluster: Cluster
    folder: Path
    new_database: Callable[[], str]
    drop_database: Callable[[str], None]
    made: int = 0
    refused: int = 0
    edits_made: int = 0
    edits_refused: int = 0

    @cached_property
    def kinds(self) -> dict[str, OddKind]:
        return odd_kinds(self.cluster)

    @cached_property
    def kubeconfig(self) -> Path:
        path = self.folder / "kubeconfig"
        path.write_text(kubeconfig({CONTEXT: self.cluster}))
        return path

    # -- making --------------------------------------------------------------------------------------

    def make(self, seed: int) -> Odd | None:
        """The object of a seed, with as many of its edits as the API server takes; None where it takes none."""
        kind = list(self.kinds.values())[seed % len(self.kinds)]
        random = Random(seed)
        plain = random.choice(kind.plain)
        edits = kind.maker.edits(named(kind, plain, "x"), random)
        for name in name_of(kind, seed):
            odd = Odd(seed, kind, name, plain, list(edits))
            self.edits_made += len(edits)
            if self.create(odd, Random(seed)):
                self.made += 1
                self.edits_refused += len(edits) - len(odd.edits)
                return odd
        self.refused += 1
        return None

    def create(self, odd: Odd, random: Random | None = None) -> bool:
        """Creates it and sets its status; edits that are refused are left out, where there is a `random`."""
        kind = odd.kind
        while True:
            body = edited(named(kind, odd.plain, odd.name), odd.edits)
            status = body.pop("status", None)
            try:
                created = self.cluster.create(kind.path, body)
                break
            except Rejected as error:
                of_spec = [each for each in odd.edits if each.path[0] != "status"]
                if random is None or not of_spec:
                    return False
                self._leave_out(odd, of_spec, error, random)
        odd.uid = created["metadata"]["uid"]
        path = f"{kind.path}/{_quoted(odd.name)}"
        while status is not None:
            try:
                self.cluster.replace_status(path, {**created, "status": status})
                break
            except Rejected as error:
                of_status = [each for each in odd.edits if each.path[0] == "status"]
                if error.status in (404, 405) or not of_status:
                    break
                self._leave_out(odd, of_status, error, random or Random(0))
                status = edited(named(kind, odd.plain, odd.name), odd.edits).get("status")
        return True

    def _leave_out(self, odd: Odd, among: Sequence[Edit], error: Rejected, random: Random) -> None:
        """The edits that the API server names, else half of them."""
        causes = _causes(error)
        named_ones = [
            each
            for each in among
            for cause in causes
            if _overlap(cause, dotted(each.path)) or _overlap(cause.partition("[")[0], dotted(each.path))
        ]
        exact = [each for each in named_ones if any(_overlap(cause, dotted(each.path)) for cause in causes)]
        gone = exact or named_ones or random.sample(list(among), (len(among) + 1) // 2)
        odd.edits = [each for each in odd.edits if not any(each is one for one in gone)]

    def delete(self, odd: Odd) -> None:
        path = f"{odd.kind.path}/{_quoted(odd.name)}"
        with suppress(Rejected):
            held = self.cluster.request("GET", path)  # a patch would mend texts, of fields that must not change
            if held["metadata"].pop("finalizers", None):
                self.cluster.request("PUT", path, held)
        with suppress(Rejected):
            self.cluster.delete(path)
        if odd.kind.name == "namespaces":
            with suppress(Rejected):
                left = self.cluster.request("GET", path)
                left["spec"]["finalizers"] = []
                self.cluster.request("PUT", f"{path}/finalize", left)

    # -- looking -------------------------------------------------------------------------------------

    def faults(self, kinds: Iterable[OddKind], *, cloudquery: bool = False) -> list[Fault]:
        """Syncs these kinds into a new database, and looks at every row."""
        kinds = list(kinds)
        database_url = self.new_database()
        try:
            with _logged() as logged, Store.connect(database_url) as store:
                found = list(self._synced(store, database_url, kinds))
                found += [fault for kind in kinds for fault in self._of_rows(store, kind)]
                found += self._of_views(store, kinds)
            if cloudquery:
                found += self._of_cloudquery(kinds)
            return found + [Fault("", "", f"logged: {each}") for each in logged]
        finally:
            self.drop_database(database_url)

    def _synced(self, store: Store, database_url: str, kinds: Sequence[OddKind]) -> Iterator[Fault]:
        settings, run = Settings.load(SETTINGS), Run("odd")
        chosen = [kind.declared for kind in kinds if kind.declared]
        with Session(kubeconfig_contexts(str(self.kubeconfig))[CONTEXT], syncs.LIMITS) as session:
            if len(chosen) < len(kinds):
                _, custom = find_custom(session, store, Custom((f"*.{GROUP}",)), run=run, settings=settings)
                names = {kind.name for kind in kinds}
                chosen += [each for each in custom if each.name in names]
            open_store = lambda: Store.connect(database_url)  # noqa: E731
            results = syncs.sync_kinds(session, open_store, chosen, run=run, settings=settings)
            ended = {each.kind: each.attempt for each in results}
        for kind in kinds:
            attempt = ended.get(kind.name)
            if attempt is None or attempt.outcome != "complete":
                yield Fault(kind.name, "", f"{attempt and attempt.outcome}: {attempt and attempt.error}")

    def _of_rows(self, store: Store, kind: OddKind) -> Iterator[Fault]:
        items = {each["metadata"]["uid"]: each for each in self.cluster.list(kind.list_path)}
        rows = _rows(store, kind)
        for uid, item in items.items():
            row = rows.get(uid)
            wrong = [*_of_object(kind, row, item), *_of_secrets(row)] if row else ["has no row"]
            yield from (Fault(kind.name, uid, each) for each in wrong)
        yield from (Fault(kind.name, uid, "is no object any more") for uid in rows.keys() - items.keys())
        table = self.cluster.request("GET", f"{kind.list_path}?includeObject=Metadata", accept=TABLE)
        yield from _of_cells(kind, rows, table)

    def _of_views(self, store: Store, kinds: Sequence[OddKind]) -> Iterator[Fault]:
        if not any(kind.name == "crds" for kind in kinds):
            return
        refresh_crd_views(store)
        for (view,) in store.connection.execute(
            "SELECT table_name FROM k8s_schema_tables WHERE table_name LIKE 'crd%'"
        ).fetchall():
            try:
                store.connection.execute(f'SELECT shown::text FROM "{view}" AS shown').fetchall()
            except psycopg.Error as error:
                yield Fault("crds", "", f"{view}: {error}")

    def _of_cloudquery(self, kinds: Sequence[OddKind]) -> Iterator[Fault]:
        order = syncs.Order(CONTEXT, tuple(kind.name for kind in kinds if kind.declared))
        for sent in syncs.read(order, self.kubeconfig, None, "odd"):
            if sent.problem:
                yield Fault(sent.kind, "", f"CloudQuery: {sent.problem}")
                continue
            items = {each["metadata"]["uid"]: each for each in self.cluster.list(self.kinds[sent.kind].list_path)}
            rows = {row["uid"]: row for row in sent.rows}
            yield from (Fault(sent.kind, uid, "CloudQuery: not as listed") for uid in items.keys() ^ rows.keys())
            for uid in items.keys() & rows.keys():
                of_object = _of_object(self.kinds[sent.kind], rows[uid], items[uid], of_arrow=True)
                wrong = [*of_object, *_of_secrets(rows[uid])]
                yield from (Fault(sent.kind, uid, f"CloudQuery: {each}") for each in wrong)

    # -- finding the smallest ------------------------------------------------------------------------

    def smallest(self, odd: Odd, *, cloudquery: bool, tries: int = 60) -> tuple[Odd, str] | None:
        """The object of a seed alone, without the edits that the fault needs not; None where it has none alone."""
        text = self._fault_alone(odd, cloudquery)
        if text is None:
            return None
        left, sort = tries, _sort(text)
        for edit in list(odd.edits):
            left -= 1
            fewer = Odd(odd.seed, odd.kind, odd.name, odd.plain, [each for each in odd.edits if each is not edit])
            found = self._fault_alone(fewer, cloudquery)
            if found is not None and _sort(found) == sort:
                odd, text = fewer, found
        while left > 0:
            for candidate in _smaller(odd):
                left -= 1
                found = self._fault_alone(candidate, cloudquery)
                if found is not None and _sort(found) == sort:
                    odd, text = candidate, found
                    break
                if left <= 0:
                    break
            else:
                break
        return odd, text

    def _fault_alone(self, odd: Odd, cloudquery: bool) -> str | None:
        if not self.create(odd):
            return None
        try:
            for fault in self.faults([odd.kind], cloudquery=cloudquery):
                if fault.uid in (odd.uid, "") and fault.text.startswith("CloudQuery") is cloudquery:
                    return fault.text
            return None
        finally:
            self.delete(odd)


def run(world: World, seeds: Sequence[int], *, cloudquery: bool = False, all_kinds: bool = True) -> list[str]:
    """Tries the objects of these seeds together; returns what is wrong, each with the smallest object that shows it."""
    odds = [odd for odd in map(world.make, seeds) if odd]
    kinds = list(world.kinds.values()) if all_kinds else list({odd.kind.name: odd.kind for odd in odds}.values())
    try:
        found = world.faults(kinds, cloudquery=cloudquery)
    finally:
        for odd in odds:
            world.delete(odd)
    told: dict[str, str] = {}
    others: defaultdict[str, set[str]] = defaultdict(set)
    by_uid = {odd.uid: odd for odd in odds}
    for fault in found:
        suspects = (
            [by_uid[fault.uid]] if fault.uid in by_uid else [each for each in odds if each.kind.name == fault.kind]
        )
        key = _sort(fault.text)
        others[key].add(fault.kind)
        if key in told:
            continue
        told[key] = f"{fault.kind}: {fault.text[:600]}"
        for odd in suspects:
            smallest = world.smallest(odd, cloudquery=fault.text.startswith("CloudQuery"))
            if smallest:
                told[key] = f"{fault.kind}: {smallest[1][:600]}\n  {smallest[0]}"
                break
    return [f"{text}\n  of {', '.join(sorted(others[key]))}" for key, text in told.items()]


def _sort(text: str) -> str:
    """What is the same of two faults of one cause."""
    return re.sub(r"\d+|'.*|\".*|=.*", "#", re.sub(r"^(CloudQuery: )?annotations\.\S+", "annotations", text))[:80]


def _smaller(odd: Odd) -> Iterator[Odd]:
    """The same with one member less in the value of an edit, or with a shorter text."""
    for position, edit in enumerate(odd.edits):
        for value in _less(edit.value):
            edits = [*odd.edits]
            edits[position] = Edit(edit.path, value)
            yield Odd(odd.seed, odd.kind, odd.name, odd.plain, edits)


def _less(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in value:
            yield {each: value[each] for each in value if each != key}
        for key, inner in value.items():
            yield from ({**value, key: each} for each in _less(inner))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
        for index, inner in enumerate(value):
            yield from ([*value[:index], each, *value[index + 1 :]] for each in _less(inner))


# -- one object ----------------------------------------------------------------------------------------


def _rows(store: Store, kind: OddKind) -> dict[str, Object]:
    with store.connection.cursor(row_factory=dict_row) as cursor:
        if kind.declared:
            cursor.execute(f"SELECT * FROM {kind.declared.table}".encode())
        else:
            plural, _, group = kind.name.partition(".")
            cursor.execute('SELECT * FROM k8s_custom_objects WHERE plural = %s AND "group" = %s', [plural, group])
        return {row["uid"]: row for row in cursor}


def _of_object(kind: OddKind, row: Object, item: Object, *, of_arrow: bool = False) -> Iterator[str]:
    metadata = item["metadata"]
    if kind.name != "leases" and row["resource_version"] != metadata["resourceVersion"]:
        yield f"resource_version = {row['resource_version']}"
    if row["labels"] != metadata.get("labels", {}):
        yield f"labels = {str(row['labels'])[:200]}"
    for name, value in metadata.get("annotations", {}).items() if kind.name != "secrets" else ():
        if name in row["annotations"]:  # else it is dropped, as a copy of the whole object
            yield from _differences(f"annotations.{name}", row["annotations"][name], value)
        elif not _is_planted(value):
            yield f"annotations.{name} is missing"
    if kind.name in ("leases", "secrets"):
        return
    rest = kind.declared.rest if kind.declared else ("spec", "status", "data")
    whole = {part: item.get(part) for part in rest if part != "data"}
    others = {each: item[each] for each in item if each not in ("apiVersion", "kind", "metadata", *whole)}
    for part in rest:
        yield from _differences(part, row[part], others if part == "data" else whole[part])
    if kind.declared:
        yield from _of_columns(kind.declared, row, item, of_arrow=of_arrow)


def _of_columns(kind: Kind, row: Object, item: Object, *, of_arrow: bool) -> Iterator[str]:
    """Columns that are a field of the object: they hold its value, or null where their type can not (`of_arrow`: of
    Arrow)."""
    for column in kind.typed_columns:
        if column.path is None or (column.compute and column.type != "numeric") or re.search(r"[\[?]", column.path):
            continue
        value: Any = item
        for step in column.path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        expected = column.default if value is None else _fitting(column.type, value)
        if expected is None and column.required:
            continue
        stored = row[column.name]
        if of_arrow and stored is None and isinstance(expected, Decimal) and not _fits_arrow(expected):
            continue
        if isinstance(stored, Decimal) and isinstance(expected, Decimal) and stored == expected:
            continue
        yield from _differences(column.name, stored, expected)


def _fits_arrow(number: Decimal) -> bool:
    """Whether it has at most 29 digits before the point and nine after it."""
    with localcontext(prec=2000):
        return abs(number) < 10**29 and number * 10**9 == int(number * 10**9)


def _fitting(sort: str, value: Any) -> Any:
    if sort in ("integer", "bigint"):
        bits = 31 if sort == "integer" else 63
        return value if isinstance(value, int) and -(2**bits) <= value < 2**bits else None
    if sort == "timestamptz":
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
    if sort == "numeric":
        return quantity(value)
    return value


_UNITS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def quantity(text: str) -> Decimal | None:
    """The number that a quantity is, whatever its length."""
    number, unit = re.fullmatch(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)", text).groups()  # type: ignore[union-attr]
    with localcontext(prec=2000):
        if unit in _BINARY:
            return Decimal(number) * 1024 ** (_BINARY.index(unit) + 1)
        return Decimal(number).scaleb(_UNITS[unit])


def _differences(place: str, stored: Any, live: Any) -> Iterator[str]:
    """A text with what is planted in it has to be another."""
    if isinstance(live, dict) and isinstance(stored, dict):
        shown = {_storable(key): value for key, value in live.items()}
        if shown.keys() != stored.keys():
            yield f"{place} has other fields = {sorted(shown.keys() ^ stored.keys())}"
        for key in shown.keys() & stored.keys():
            yield from _differences(f"{place}.{key}", stored[key], shown[key])
    elif isinstance(live, list) and isinstance(stored, list) and len(live) == len(stored):
        for index, (one, other) in enumerate(zip(stored, live, strict=True)):
            yield from _differences(f"{place}[{index}]", one, other)
    elif stored == "<redacted>" and _REDACTED_PLACES.search(place):
        return
    elif isinstance(live, str) and _is_planted(live):
        if stored == live:
            yield f"{place} is stored"
    elif isinstance(live, str) and "://" in live:
        return
    elif isinstance(live, float) and isinstance(stored, int | float):
        if float(stored) != live:
            yield f"{place} is not as it is = {stored!r} for {live!r}"
    elif stored != _storable(live) or isinstance(stored, bool) != isinstance(live, bool):
        yield f"{place} is not as it is = {str(stored)[:100]!r} for {str(live)[:100]!r}"


def _storable(value: Any) -> Any:
    """What PostgreSQL does not hold of a text, U+0000 and halves of surrogate pairs, is U+FFFD there."""
    return re.sub("[\0\ud800-\udfff]", "\ufffd", value) if isinstance(value, str) else value


_REDACTED_PLACES = re.compile(r"\.env\[\d+\]\.value$|^data\.(data|binaryData)\.")
"""Where any value is redacted."""


def _is_planted(text: str) -> bool:
    return any(form in text for form in SECRET_FORMS) or _hidden(text)


def _hidden(text: str) -> bool:
    """Whether a text is a secret in base64, zipped or not."""
    try:
        plain = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    if plain[:2] == b"\x1f\x8b":
        plain = gzip.decompress(plain)
    return any(form.encode() in plain for form in SECRET_FORMS)


def _of_secrets(row: Object) -> Iterator[str]:
    for name, value in row.items():
        text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        if any(form in text for form in SECRET_FORMS):
            yield f"{name} holds a secret = {_around(text)}"
        for word in re.findall(r"H4sI[\w+/]+=*", text):
            if _hidden(word):
                yield f"{name} holds a zipped secret"


def _around(text: str) -> str:
    at = min(at for at in (text.find(form) for form in SECRET_FORMS) if at >= 0)
    return text[max(0, at - 100) : at + 60]


def _of_cells(kind: OddKind, rows: dict[str, Object], table: Object) -> Iterator[Fault]:
    titles = [column["name"] for column in table["columnDefinitions"]]
    for printed in table["rows"] or ():
        metadata = printed["object"]["metadata"]
        row = rows.get(metadata["uid"])
        for title, cell in zip(titles, printed["cells"], strict=False) if row else ():
            if title in ROUNDED or (isinstance(cell, str) and _is_planted(cell)):
                continue
            try:
                if title in TIMES:
                    ours: Any = row[TIMES[title]]
                    cell = datetime.fromisoformat(metadata["creationTimestamp"])
                elif kind.declared is None:
                    ours = row["name"] if title == "Name" else row["printer_columns"][title]
                else:
                    ours = COMPOSED[kind.name][title](row)
                    cell = str(cell).partition(" (")[0] if title == "Restarts" else cell
            except Exception as error:  # noqa: BLE001  # whatever odd values do to the composition
                ours = repr(error)
            if re.search(r"(?:<|\\u003c)redacted", str(ours)):  # in an `env`, where any value is
                continue
            if title == "Name" and str(ours)[500:] == "\ufffd":
                cell = f"{cell[:500]}\ufffd"  # as documented
            escaped = cell.replace("\\u0000", "\ufffd") if isinstance(cell, str) else cell  # in an object that is shown
            in_order = escaped == cell or _without_order(ours) != _without_order(escaped)
            if in_order and ours not in (_storable(cell), _storable(escaped)):
                yield Fault(kind.name, metadata["uid"], f"{title} is not as kubectl shows it = {ours!r} for {cell!r}")


# -- small things --------------------------------------------------------------------------------------


def _without_order(cell: Any) -> Any:
    """An object that is shown; U+FFFD is at another place in the order of its fields than U+0000."""
    with suppress(TypeError, ValueError):
        return json.loads(cell)
    return cell


def _causes(error: Rejected) -> list[str]:
    try:
        details = json.loads(error.body).get("details") or {}
    except ValueError:
        return []
    return [each["field"] for each in details.get("causes") or () if each.get("field") not in (None, "<nil>", "")]


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _quoted(name: str) -> str:
    return quote(name, safe="")


@contextmanager
def _logged() -> Iterator[list[str]]:
    """What is logged as an error, or with an exception."""
    found: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info or record.levelno >= logging.ERROR:
                found.append(f"{record.getMessage()} {record.exc_info or ''}")

    handler = Keep()
    logging.getLogger().addHandler(handler)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(handler)
