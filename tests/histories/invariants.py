"""What holds after each step of a history, whatever happened in it. Each check returns what it found to be wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.cluster.cluster import Object, Rejected
from tests.histories.cluster_changes import (
    DECLARED,
    KINDS,
    NAMESPACED,
    PLANTED,
    Changes,
    printer_columns,
    served_versions,
)
from tests.histories.syncs import DISCOVERY, REDACTED, Ended, Held, Order, Part, Row, Sent, Status

Objects = dict[str, Object]
"""By uid."""


@dataclass(frozen=True)
class Living:
    """What the cluster holds at one moment, by kind; a kind that it does not serve is not in it."""

    objects: dict[str, Objects]
    crds: dict[str, Object]

    @classmethod
    def now(cls, changes: Changes) -> Living:
        crds = changes.crds()
        served = [kind for kind in KINDS if kind in DECLARED or kind in crds]
        return cls({kind: _by_uid(changes.objects(kind)) for kind in served}, crds)

    def of(self, kind: str) -> Objects:
        return self.objects.get(kind, {})

    @property
    def namespaces(self) -> set[str]:
        return {each["metadata"]["name"] for each in self.of("namespaces").values()}


@dataclass(frozen=True)
class Around:
    """A step with what was before and after it."""

    before: Held
    after: Held
    living_before: Living
    living: Living

    def gone(self, context: str, kind: str) -> dict[str, Row]:
        stays = self.after.of(context, kind)
        return {uid: row for uid, row in self.before.of(context, kind).items() if uid not in stays}

    def attempted(self, context: str, kind: str) -> Status | None:
        """The last attempt on the target, if the step made one."""
        status = self.after.status.get((context, kind))
        return None if status == self.before.status.get((context, kind)) else status


@dataclass
class Done:
    """What a step did: its syncs with how each target ended, and what may have changed by other means.

    `alone`: no other sync or forget of the same targets ran at the same time, so that each one answers for all changes.
    `undisturbed`: nothing went wrong, nothing changed, and its user may read everything.
    """

    orders: list[tuple[Order, list[Ended]]] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)
    alone: bool = True
    undisturbed: bool = False
    lost_sessions: bool = False
    never_complete: Collection[str] = ()
    hidden: Collection[str] = ()
    """Namespaces that its user was not shown."""


def violations(changes: Changes, around: Around, done: Done) -> list[str]:
    """Everything that does not hold after a step."""
    found = [*_rows_of_the_living(around, done), *_rows_have_a_target(around.after)]
    found += _others_are_unchanged(around, done)
    for order, ended in done.orders:
        found += _each_target_has_a_row(around, order, ended, done)
        for each in ended:
            if each.kind == DISCOVERY:
                continue
            status = around.attempted(order.context, each.kind)
            if status is None:
                if done.alone:
                    found += _is_unchanged(around, order.context, each.kind, "it has no status of this run")
                continue
            found += _outcome(changes, around, order, each, status, done)
    return found


# -- whatever was done ---------------------------------------------------------------------------------


def _rows_of_the_living(around: Around, done: Done) -> Iterable[str]:
    """No row goes whose object lives, unless its context was forgotten."""
    for (context, kind, uid), row in around.before.rows.items():
        if (context, kind, uid) in around.after.rows or context in done.forgotten:
            continue
        if uid in around.living.of(kind):
            yield f"{context} {kind}: the row of {_place(row)} went, which lives"


def _rows_have_a_target(after: Held) -> Iterable[str]:
    for context, kind in sorted({(context, kind) for context, kind, _ in after.rows}):
        if (context, kind) not in after.targets:
            yield f"{context} {kind}: rows without a target in the status"


def _others_are_unchanged(around: Around, done: Done) -> Iterable[str]:
    """Of kinds and contexts that were neither synced nor forgotten."""
    synced = {(order.context, each.kind) for order, ended in done.orders for each in ended}
    every = {(context, kind) for held in (around.before, around.after) for context, kind, _ in held.rows}
    for context, kind in sorted(every - synced):
        if context not in done.forgotten:
            yield from _is_unchanged(around, context, kind, "it was not synced")


def _each_target_has_a_row(around: Around, order: Order, ended: Sequence[Ended], done: Done) -> Iterable[str]:
    """Every kind that was asked for has an attempt of this run, and so has each custom kind that has rows."""
    if not done.alone:
        return
    asked = set(order.kinds)
    discovered = {each.kind: each.outcome for each in ended}.get(DISCOVERY)
    if order.custom:
        asked.add(DISCOVERY)
        if discovered == "complete":
            asked |= {kind for context, kind, _ in around.before.rows if context == order.context} - set(DECLARED)
            asked |= around.living_before.objects.keys() & around.living.objects.keys() - set(DECLARED)
    for kind in sorted(asked):
        if around.attempted(order.context, kind) is None:
            yield f"{order.context} {kind}: asked for, and the run has no status of it"


def _is_unchanged(around: Around, context: str, kind: str, why: str, within: Collection[str] = ()) -> Iterable[str]:
    """The rows are, byte for byte, what they were; `within` these namespaces, where some are given."""
    before, after = around.before.of(context, kind), around.after.of(context, kind)
    for uid in sorted(before.keys() | after.keys()):
        old, new = before.get(uid), after.get(uid)
        row = old or new
        assert row
        if within and row.namespace not in within:
            continue
        if old is None or new is None or old.beside_redaction != new.beside_redaction:
            how = "came" if old is None else "went" if new is None else "changed"
            yield f"{context} {kind}: the row of {_place(row)} {how}, though {why}"


# -- one target ----------------------------------------------------------------------------------------


def _outcome(changes: Changes, around: Around, order: Order, ended: Ended, status: Status, done: Done) -> Iterable[str]:
    context, kind = order.context, ended.kind
    said = {each.outcome for _, all_ended in done.orders for each in all_ended if each.kind == kind}
    if status.outcome not in said and not done.lost_sessions:
        yield f"{context} {kind}: it ended {' and '.join(sorted(said))}, and the status says {status.outcome}"
    if status.outcome == "complete" and kind.partition(".")[0] in done.never_complete:
        yield f"{context} {kind}: complete, though its listing held an object twice"
    if done.undisturbed:
        yield from _is_well(around, order, kind, status)
    if not status.is_whole:
        yield from _parts(changes, around, order, kind, status, done)
    elif status.outcome == "complete":
        yield from _equals_the_list(changes, around, order, kind, status.resource_version)
    elif status.outcome == "partial":
        if done.alone:
            yield from _of_a_partial(around, order, kind)
    elif status.outcome == "absent" and not around.after.of(context, kind):
        served = kind in around.living.objects and kind in around.living_before.objects
        if served and around.before.of(context, kind):
            yield f"{context} {kind}: its rows went as absent, though the cluster serves it"
    elif done.alone and status.mode != "watch":
        yield from _is_unchanged(around, context, kind, f"it ended {status.outcome}")


def _is_well(around: Around, order: Order, kind: str, status: Status) -> Iterable[str]:
    """Where nothing goes wrong, everything is complete; and custom objects are shown as their CRD says."""
    crd = around.living.crds.get(kind)
    wanted = "complete" if kind in DECLARED or crd else "absent"
    if status.outcome != wanted:
        yield f"{order.context} {kind}: nothing went wrong, and it ended {status.outcome}"
    elif crd and status.is_whole:
        version = f"{kind.partition('.')[2]}/{served_versions(crd)[-1]}"
        for row in around.after.of(order.context, kind).values():
            size = (row.values["spec"] or {}).get("size")
            columns = dict.fromkeys(printer_columns(crd), size)
            shown = (row.values["api_version"], row.values["printer_columns"])
            if shown != (version, columns):
                yield f"{order.context} {kind}: the row of {_place(row)} shows {shown}, not {(version, columns)}"


def _of_a_partial(around: Around, order: Order, kind: str) -> Iterable[str]:
    """No row goes; those that came or changed hold what their objects do, as far as these have stayed as they were."""
    said = f"{order.context} {kind}"
    status = around.after.status[order.context, kind]
    for row in around.gone(order.context, kind).values() if status.mode == "full" else ():  # a watch says what is gone
        yield f"{said}: the row of {_place(row)} went by a partial listing"
    for uid, row in around.after.of(order.context, kind).items():
        old, item = around.before.rows.get((order.context, kind, uid)), around.living.of(kind).get(uid)
        is_written = old is None or old.beside_redaction != row.beside_redaction
        if is_written and item and item["metadata"]["resourceVersion"] == row.values["resource_version"]:
            yield from _row_differs(said, kind, row.values, item, order.settings)


def _exact(changes: Changes, kind: str, version: str | None, where: str = "", **query: str) -> Objects | str:
    """What the API server says that it held at that revision, or why it does not say."""
    try:
        return _by_uid(
            changes.objects(kind, where, resourceVersion=str(version), resourceVersionMatch="Exact", **query)
        )
    except Rejected as error:
        return str(error)


def _equals_the_list(changes: Changes, around: Around, order: Order, kind: str, version: str | None) -> Iterable[str]:
    """What is complete is what the API server held at exactly that revision."""
    rows = around.after.of(order.context, kind)
    if kind not in around.living.objects:
        return  # it went in the meantime; nobody can say any more
    expected = _exact(changes, kind, version)
    if isinstance(expected, str):
        yield f"{order.context} {kind}: complete at {version}, which can't be listed: {expected}"
        return
    yield from _differ(f"{order.context} {kind} at {version}", kind, rows, expected, order.settings)


def _parts(changes: Changes, around: Around, order: Order, kind: str, status: Status, done: Done) -> Iterable[str]:
    context = order.context
    read = {
        where: part
        for (of_context, of_kind, where), part in around.after.parts.items()
        if (of_context, of_kind) == (context, kind) and around.before.parts.get((context, kind, where)) != part
    }
    for where, part in sorted(read.items()):
        if where and not _in_namespaces(where, order.settings):
            yield f"{context} {kind}: {where} was read, which is not in {order.settings['namespaces']}"
        yield from _part(changes, around, order, kind, where, part, done)
    if done.alone and "" not in read:
        # What was not read is as it was, but for what is gone from the cluster, which the first rule has.
        for uid, new in around.after.of(context, kind).items():
            old = around.before.rows.get((context, kind, uid))
            if new.namespace not in read and (old is None or old.beside_redaction != new.beside_redaction):
                yield f"{context} {kind}: the row of {_place(new)} changed outside of what was read"
    if status.outcome == "complete" and "" not in read and done.alone:
        lasting = around.living_before.namespaces & around.living.namespaces - set(done.hidden)
        wanted = {name for name in lasting if _in_namespaces(name, order.settings)}
        for name in sorted(wanted - {where for where, part in read.items() if part.outcome == "complete"}):
            yield f"{context} {kind}: complete in {status.scope}, though {name} is not"


def _part(
    changes: Changes, around: Around, order: Order, kind: str, where: str, part: Part, done: Done
) -> Iterable[str]:
    context = order.context
    inside = {uid: row for uid, row in around.after.of(context, kind).items() if where in ("", row.namespace)}
    gone = {uid: row for uid, row in around.gone(context, kind).items() if where in ("", row.namespace)}
    query = _selectors(kind, order.settings)
    mode = around.after.status[context, kind].mode
    is_listed = mode == "full"
    if part.outcome == "partial" and done.alone and is_listed:
        for row in gone.values():
            yield f"{context} {kind}: the row of {_place(row)} went by a partial listing"
    if part.outcome not in ("complete", "partial"):
        if done.alone and where in around.living.namespaces and mode != "watch":  # it has others before its last
            yield from _is_unchanged(around, context, kind, f"{where} ended {part.outcome}", [where])
        return
    if part.outcome != "complete" or kind not in around.living.objects:
        return
    expected = _exact(changes, kind, part.resource_version, where, **query)
    said = f"{context} {kind} in {where or 'all namespaces'} {query or ''} at {part.resource_version}"
    if isinstance(expected, str):
        yield f"{said}: can't be listed: {expected}"
        return
    if not query:
        yield from _differ(said, kind, inside, expected, order.settings)
        return
    yield from _differ(said, kind, {uid: inside[uid] for uid in inside.keys() & expected}, expected, order.settings)
    for uid, row in inside.items():
        old = around.before.rows.get((context, kind, uid))
        if done.alone and uid not in expected and (old is None or old.beside_redaction != row.beside_redaction):
            yield f"{said}: the row of {_place(row)} changed, which the selector leaves out"


def _differ(
    said: str, kind: str, rows: Mapping[str, Row], expected: Objects, settings: Mapping[str, Any]
) -> Iterable[str]:
    for uid in sorted(rows.keys() - expected.keys()):
        yield f"{said}: the row of {_place(rows[uid])} is of no object"
    for uid in sorted(expected.keys() - rows.keys()):
        yield f"{said}: {_named(expected[uid])} has no row"
    for uid in sorted(rows.keys() & expected.keys()):
        yield from _row_differs(said, kind, rows[uid].values, expected[uid], settings)
        if _keeps_out(kind, settings) and PLANTED in rows[uid].text:
            yield f"{said}: the row of {_place(rows[uid])} holds a literal that the settings keep out"


def _row_differs(
    said: str, kind: str, values: Mapping[str, Any], item: Object, settings: Mapping[str, Any]
) -> Iterable[str]:
    for name, value in _columns(kind, item, settings).items():
        if values[name] != value:
            yield f"{said}: {_named(item)} has {name} {value!r}, its row {values[name]!r}"


def _columns(kind: str, item: Object, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a row must hold of an object: identity, version, metadata, and what else can change."""
    metadata = item["metadata"]
    columns = {
        "uid": metadata["uid"],
        "name": metadata["name"],
        "namespace": metadata.get("namespace"),
        "resource_version": metadata["resourceVersion"],
        "labels": metadata.get("labels", {}),
        "annotations": metadata.get("annotations", {}),
    }
    if kind == "pods":
        spec = dict(item["spec"])
        if _keeps_out(kind, settings):
            spec["containers"] = [
                {**each, "env": [{**one, "value": REDACTED} for one in each["env"]]} if "env" in each else each
                for each in spec["containers"]
            ]
        columns["spec"] = spec
    elif kind == "configmaps":
        data = item.get("data", {})
        columns["data"] = {"data": dict.fromkeys(data, REDACTED) if _keeps_out(kind, settings) else data}
        columns["keys"] = sorted(data)
        if not data:
            del columns["data"]
    elif kind == "events":
        columns["count"] = item["count"]
    elif kind not in DECLARED:
        columns["spec"] = item.get("spec")
    return columns


def _keeps_out(kind: str, settings: Mapping[str, Any]) -> bool:
    if kind == "pods":
        return bool(settings.get("redact_env", True))
    return kind == "configmaps" and not settings.get("config_map_values", False)


# -- CloudQuery ----------------------------------------------------------------------------------------


def of_source(order: Order, sent: Sequence[Sent], before: Living, after: Living) -> Iterable[str]:
    """What was sent without a problem is all there is: whatever was there all the time, and nothing else."""
    good = {each.kind: each for each in sent if each.problem is None}
    asked = set(order.kinds) & good.keys()
    if DISCOVERY in good or "custom" in good:
        asked |= before.objects.keys() & after.objects.keys() - set(DECLARED)
    for kind in sorted(asked):
        rows = {row["uid"]: row for row in good[kind].rows} if kind in good else {}
        was, is_now = _wanted(order, kind, before), _wanted(order, kind, after)
        said = f"source, {order.context} {kind}"
        failed = any(each.kind == kind and each.problem for each in sent)
        for uid in sorted(was.keys() & is_now.keys() - rows.keys()):
            if not failed:
                yield f"{said}: {_named(is_now[uid])} was not sent"
        for uid, row in sorted(rows.items()):
            if kind in NAMESPACED and not _in_namespaces(row["namespace"], order.settings):
                yield f"{said}: {row['namespace']}/{row['name']} was sent, which was not asked for"
            candidates = [each[uid] for each in (before.of(kind), after.of(kind)) if uid in each]
            same = [each for each in candidates if each["metadata"]["resourceVersion"] == row["resource_version"]]
            if same:
                yield from _row_differs(said, kind, row, same[0], order.settings)
            elif len(candidates) == 2 and len({each["metadata"]["resourceVersion"] for each in candidates}) == 1:
                yield f"{said}: {_named(candidates[0])} was sent at another version, {row['resource_version']}"
    known = {uid for living in (before, after) for each in living.objects.values() for uid in each}
    if before.objects == after.objects:  # else it may have come and gone
        for each in sent:
            for row in each.rows:
                if row["uid"] not in known:
                    yield f"source, {order.context} {each.kind}: {row['name']} was sent, and is not there"


def _wanted(order: Order, kind: str, living: Living) -> Objects:
    """What the settings select."""
    query = _selectors(kind, order.settings)
    found = {}
    for uid, each in living.of(kind).items():
        metadata = each["metadata"]
        if kind in NAMESPACED and not (
            _in_namespaces(metadata["namespace"], order.settings) and _is_read(metadata["namespace"], order, living)
        ):
            continue
        of_labels = {f"{key}={value}" for key, value in metadata.get("labels", {}).items()}
        if not set(filter(None, [query.get("labelSelector")])) <= of_labels:
            continue
        if query.get("fieldSelector", f"metadata.name={metadata['name']}") != f"metadata.name={metadata['name']}":
            continue
        found[uid] = each
    return found


def _is_read(namespace: str, order: Order, living: Living) -> bool:
    """What was left in a namespace that is gone is not in a list of namespaces."""
    return order.settings.get("namespaces") is None or namespace in living.namespaces


def _selectors(kind: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """As a list request has them: a label of one value, a name."""
    found = {
        "labelSelector": settings.get("label_selectors", {}).get(kind),
        "fieldSelector": settings.get("field_selectors", {}).get(kind),
    }
    return {name: value for name, value in found.items() if value}


def _in_namespaces(name: str, settings: Mapping[str, Any]) -> bool:
    words = settings.get("namespaces") or ["*"]
    wanted = [word for word in words if not word.startswith("-")] or ["*"]
    unwanted = [word[1:] for word in words if word.startswith("-")]
    return any(fnmatchcase(name, word) for word in wanted) and not any(fnmatchcase(name, word) for word in unwanted)


def _by_uid(items: Iterable[Object]) -> Objects:
    return {each["metadata"]["uid"]: each for each in items}


def _named(item: Object) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def _place(row: Row) -> str:
    return f"{row.namespace or ''}/{row.values['name']}"
