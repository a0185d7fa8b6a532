"""The API server's binary form of metadata: what is read of it, and what is refused before it takes memory."""

from __future__ import annotations

import json
from contextlib import suppress
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_inventory.collector import Envelope, last_write
from k8s_inventory.kube import metadata
from tests.metadata_pages import list_metadata, put_together

FIELDS = ("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cc", "Cs"]), max_size=12)
ENTRY = st.fixed_dictionaries(
    {
        "manager": TEXT.filter(bool),
        "operation": st.sampled_from(["Apply", "Update"]),
        "fieldsType": st.just("FieldsV1"),
    },
    optional={
        "apiVersion": st.sampled_from(["v1", "apps/v1"]),
        "subresource": st.just("status"),
        "seconds": st.integers(1, 4_000_000_000),
        "fields": st.dictionaries(TEXT, st.just({}), max_size=3),
    },
)


def _message(name: str, **values: object) -> bytes:
    made: bytes = metadata._message(name)(**values).SerializeToString()
    return made


def _page(*items: bytes, header: bytes = list_metadata("7", "next")) -> bytes:
    return put_together(header, items)


def _go(value: object) -> str:
    """As encoding/json of Go writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for each in "<>&\u2028\u2029":
        text = text.replace(each, f"\\u{ord(each):04x}")
    return text


@given(st.lists(ENTRY, max_size=3), st.integers(0, 5), st.integers(0, 4_000_000_000), st.booleans())
def test_both_forms_say_the_same_of_the_last_write(
    entries: list[dict[str, object]], generation: int, deleted: int, is_custom: bool
) -> None:
    written, binary = [], []
    for entry in entries:
        seconds, fields = entry.get("seconds"), entry.get("fields", {})
        plain = {name: value for name, value in entry.items() if name not in ("seconds", "fields")}
        time = {"time": metadata._time(seconds).decode()[8:-2]} if isinstance(seconds, int) else {}
        full = {**plain, **time, "fieldsV1": fields}
        order = sorted(FIELDS) if is_custom else FIELDS
        written.append({name: full[name] for name in order if name in full})
        raw = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        more = {"time": {"seconds": seconds}} if seconds else {}
        binary.append(
            {**{name: str(value).encode() for name, value in plain.items()}, **more, "fieldsV1": {"raw": raw}}
        )
    own: dict[str, object] = {"uid": "u", "resourceVersion": "5", "name": "n"}
    as_json = dict(own)
    more_binary: dict[str, object] = {}
    if generation:
        as_json["generation"] = more_binary["generation"] = generation
    if deleted:
        as_json["deletionTimestamp"] = metadata._time(deleted).decode()[8:-2]
        more_binary["deletionTimestamp"] = {"seconds": deleted}
    if written:
        as_json["managedFields"] = written
    envelope = msgspec.json.decode(_go({"metadata": as_json}), type=Envelope)
    item = _message("PartialObjectMetadata", metadata={**own, **more_binary, "managedFields": binary})
    (stub,) = metadata.decode(_page(item), most=1, sorted_keys=is_custom).items
    assert (stub.metadata.uid, stub.metadata.resource_version, stub.metadata.name) == ("u", "5", "n")
    assert last_write(stub.metadata) == last_write(envelope.metadata)


def test_nothing_owned_is_null() -> None:
    (stub,) = metadata.decode(_page(_message("PartialObjectMetadata")), most=1, sorted_keys=False).items
    assert stub.metadata.managed_fields == crc32(b"null")


def test_the_continue_token_stands_alone() -> None:
    assert metadata.continue_token(_page()) == "next"
    assert metadata.decode(_page(), most=1, sorted_keys=False) == ({"resourceVersion": "7", "continue": "next"}, [])


HOSTILE = {
    "more objects than were asked for": _page(*[b""] * 3),
    "an object of gigabytes": _page(b"\x0a\x00" * (1 << 22)),
    "empty": b"k8s\0",
    "another kind": put_together(list_metadata("7"), [], kind=b"\x0a\x02v1\x12\x07PodList"),
    "no kind": put_together(list_metadata("7"), [], kind=b""),
    "a length beyond its end": _page()[:-1],
    "a length without end": b"k8s\0\x0a" + b"\xff" * 20,
    "a length that breaks off": b"k8s\0\x0a\xff",
    "numbers in the place of bytes": b"k8s\0\x08\x01",
    "a time beyond all calendars": _page(
        _message("PartialObjectMetadata", metadata={"deletionTimestamp": {"seconds": 1 << 62}})
    ),
    "a write beyond all calendars": _page(
        _message("PartialObjectMetadata", metadata={"managedFields": [{"time": {"seconds": -(1 << 62)}}]})
    ),
    "no text": _page(b"\x0a\x03\x2a\x01\xff"),
    "a message that breaks off": _page(b"\x0a\x05\x2a"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_metadata_is_refused(what: str) -> None:
    with pytest.raises(metadata.NotMetadata):
        metadata.decode(HOSTILE[what], most=2, sorted_keys=False)


@given(st.binary(max_size=200))
def test_whatever_comes_it_is_refused_or_read(body: bytes) -> None:
    for each in (b"k8s\0" + body, _page(body), put_together(body, [body], kind=body)):
        for read in (metadata.continue_token, lambda found: metadata.decode(found, most=2, sorted_keys=True)):
            with suppress(metadata.NotMetadata):
                read(each)
