"""Brings the redaction of now to stored rows that were not listed: what became stricter holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter

from k8s_inventory.collector import Columns, Decoder, UndecodableObject
from k8s_inventory.store import Target

ROWS_AT_ONCE = 50


def restate(target: Target, decoder: Decoder) -> None:
    """Decodes once more, by the rules of `decoder`, what is stored of rows that others wrote.

    A row that can not be read so stays as it is, and is counted in the status (`under_other_rules`). Raises
    `StoreError`.
    """
    if target.under_other_rules():
        _restate(target, decoder)


def _restate(target: Target, decoder: Decoder, *, gone: bool = False) -> None:
    after = ""
    while objects := target.stored_objects(after, most=ROWS_AT_ONCE, gone=gone):
        after = objects[-1][0]
        by_version = groupby(sorted(objects, key=itemgetter(1)), key=itemgetter(1))
        made = [
            chunk for version, group in by_version for chunk in _decoded(decoder, version, [each[2] for each in group])
        ]
        if made:
            target.restate(made, gone=gone)


def restate_history(target: Target, decoder: Decoder) -> None:
    """The same of what rows held before, and of rows that stayed when their objects went; of what can not be read so no
    value is left. Raises `StoreError`."""
    if not target.has_history_by_other_rules:
        return
    after = ("-infinity", 0)
    while changes := target.changed_objects(after, most=ROWS_AT_ONCE):
        after = changes[-1][:2]
        for version, group in groupby(sorted(changes, key=itemgetter(2)), key=itemgetter(2)):
            _restate_changes(target, decoder, version, [(seen_at, each) for seen_at, _, _, each in group])
    if target.keeps_rows:
        _restate(target, decoder, gone=True)
    target.history_is_restated()


def _restate_changes(target: Target, decoder: Decoder, api_version: str, changes: Sequence[tuple[str, str]]) -> None:
    """(seen_at, JSON) of changes: all at once, or where one can not be read, one by one."""
    try:
        (chunk,) = _columns(decoder, api_version, [each for _, each in changes])
    except UndecodableObject:
        for each in changes if len(changes) > 1 else ():
            _restate_changes(target, decoder, api_version, [each])
    else:
        target.restate_changes(chunk, [seen_at for seen_at, _ in changes])


def _decoded(decoder: Decoder, api_version: str, objects: Sequence[str]) -> Iterator[Columns]:
    """The columns of the objects: of all at once, or where one can not be read, of the others one by one."""
    try:
        yield from _columns(decoder, api_version, objects)
    except UndecodableObject:
        for each in objects if len(objects) > 1 else ():
            with suppress(UndecodableObject):
                yield from _columns(decoder, api_version, [each])


def _columns(decoder: Decoder, api_version: str, objects: Sequence[str]) -> list[Columns]:
    body = f'{{"items":[{",".join(objects)}]}}'.encode()
    total = len(objects)
    made = list(decoder.columns(body, api_version=api_version, wanted=range(total), total=total, at_once=total))
    if decoder.unstored:
        message = str(decoder.unstored)
        decoder.unstored.clear()
        raise UndecodableObject(message)
    return made
