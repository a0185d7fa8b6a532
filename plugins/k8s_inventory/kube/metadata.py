"""Lists read as no more than the metadata of their objects, in the API server's binary form: a fifth of the bytes.

https://kubernetes.io/docs/reference/using-api/api-concepts/#kubernetes-protobuf-encoding, and the messages of
https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/generated.proto, of which only what is read here
is declared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

ACCEPT = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
"""Who can not answer so, may answer as ever."""

_MAGIC = b"k8s\0"
_LARGEST = 1 << 22
"""Bytes of one object's metadata. etcd holds 1.5 MB of an object; however it is made, more can not take much memory."""

_BYTES, _TEXT, _INT64 = (
    getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{each}") for each in ("BYTES", "STRING", "INT64")
)
_MESSAGES: dict[str, dict[str, tuple[int, Any]]] = {
    "TypeMeta": {"apiVersion": (1, _TEXT), "kind": (2, _TEXT)},
    "ListMeta": {"resourceVersion": (2, _TEXT), "continue_token": (3, _TEXT)},
    "Time": {"seconds": (1, _INT64)},
    "FieldsV1": {"raw": (1, _BYTES)},
    "ManagedFieldsEntry": {
        "manager": (1, _BYTES),
        "operation": (2, _BYTES),
        "apiVersion": (3, _BYTES),
        "time": (4, "Time"),
        "fieldsType": (6, _BYTES),
        "fieldsV1": (7, "FieldsV1"),
        "subresource": (8, _BYTES),
    },
    "ObjectMeta": {
        "name": (1, _TEXT),
        "namespace": (3, _TEXT),
        "uid": (5, _TEXT),
        "resourceVersion": (6, _TEXT),
        "generation": (7, _INT64),
        "deletionTimestamp": (9, "Time"),
        "managedFields": (17, ["ManagedFieldsEntry"]),
    },
    "PartialObjectMetadata": {"metadata": (1, "ObjectMeta")},
    "PartialObjectMetadataList": {"items": (2, ["PartialObjectMetadata"])},
}


class NotMetadata(Exception):
    """An answer that is not the metadata that was asked for; the message says what it is."""


class Metadata(msgspec.Struct, frozen=True, gc=False):
    """Of one object. `managed_fields` is the CRC-32 of the JSON that the API server would write of them."""

    uid: str
    resource_version: str
    namespace: str | None
    name: str
    generation: int | None
    deletion_timestamp: datetime | None
    managed_fields: int


class Stub(msgspec.Struct, frozen=True, gc=False):
    """In the place of an object: its metadata alone."""

    metadata: Metadata


class Stubs(NamedTuple):
    """A page of them."""

    header: dict[str, str]
    items: list[Stub]


def is_binary(body: bytes) -> bool:
    return body.startswith(_MAGIC)


def continue_token(body: bytes) -> str:
    """The page's continue token. Raises `NotMetadata`."""
    try:
        return str(_header(body, *_list_in(body)).continue_token)
    except _FAULTS as error:
        raise NotMetadata(f"it can not be read ({type(error).__name__})") from None


def decode(body: bytes, *, most: int, sorted_keys: bool) -> Stubs:
    """The page, of `most` objects at most. Raises `NotMetadata`.

    `sorted_keys`: the API server writes the keys of the kind's objects in their order, as of all custom objects.
    """
    try:
        inside = _list_in(body)
        header = _header(body, *inside)
        items: list[Stub] = []
        for start, end in _blocks(body, *inside, most):
            for each in _message("PartialObjectMetadataList").FromString(body[start:end]).items:
                items.append(_stub(each.metadata, sorted_keys))
    except _FAULTS as error:
        raise NotMetadata(f"it can not be read ({type(error).__name__})") from None
    return Stubs({"resourceVersion": header.resourceVersion, "continue": header.continue_token}, items)


def _blocks(body: bytes, begin: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    """Where objects begin and end in a list, as many at once as may be decoded."""
    count, last = 0, begin
    for number, start, after in _parts(body, begin, end):
        count += number == 2
        if count > most or after - start > _LARGEST:
            raise NotMetadata(f"it holds more than {most} objects, or one of more than {_LARGEST} bytes")
        if after - begin > _LARGEST:
            yield begin, last
            begin = last
        last = after
    yield begin, last


_FAULTS = (DecodeError, ValueError, IndexError, OverflowError, OSError)


def _list_in(body: bytes) -> tuple[int, int]:
    """Where the list begins and ends in an answer that says it holds one: a runtime.Unknown."""
    what, found = None, (0, 0)
    for number, start, end in _parts(body, len(_MAGIC), len(body)):
        if number == 1:
            what = _message("TypeMeta").FromString(body[start:end])
        elif number == 2:
            found = start, end
    if what is None or (what.kind, what.apiVersion) != ("PartialObjectMetadataList", "meta.k8s.io/v1"):
        raise NotMetadata("it is no PartialObjectMetadataList")
    return found


def _header(body: bytes, begin: int, end: int) -> Any:
    for number, start, after in _parts(body, begin, end):
        if number == 1:
            return _message("ListMeta").FromString(body[start:after])
    raise NotMetadata("it has no resourceVersion")


def _parts(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields that a message is made of, one by one: number, and where its bytes begin and end. All have some."""
    while start < end:
        tag = data[start]
        if tag & 7 != 2 or tag > 127:
            raise ValueError(tag)
        length = shift = 0
        while True:
            start += 1
            byte = data[start]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift > 28:
                raise ValueError(shift)
        start += 1
        if start + length > end:
            raise ValueError(length)
        yield tag >> 3, start, start + length
        start += length


def _stub(metadata: Any, sorted_keys: bool) -> Stub:
    deleted = metadata.deletionTimestamp if metadata.HasField("deletionTimestamp") else None
    return Stub(
        Metadata(
            metadata.uid,
            metadata.resourceVersion,
            metadata.namespace or None,
            metadata.name,
            metadata.generation or None,
            datetime.fromtimestamp(deleted.seconds, UTC) if deleted is not None else None,
            _managed_fields(metadata.managedFields, sorted_keys),
        )
    )


def _managed_fields(entries: Sequence[Any], sorted_keys: bool) -> int:
    """The checksum goes from one piece of the text to the next, as putting them together would copy all of it."""
    if not entries:
        return crc32(b"null")
    sum_, before = 0, b"[{"
    for each in entries:
        head, middle, tail = _around(
            sorted_keys, each.manager, each.operation, each.apiVersion, each.fieldsType, each.subresource
        )
        time = _time(each.time.seconds)
        fields = each.fieldsV1.raw
        if b"<" in fields or b">" in fields or b"&" in fields or not fields.isascii():
            fields = _escaped(fields)
        if sorted_keys:
            before, after = before + head + middle, (tail + time)[:-1] + b"},{"
        else:
            before, after = before + head + time + middle, tail + b"},{"
        sum_, before = crc32(fields, crc32(before, sum_)), after
    return crc32(before[:-2] + b"]", sum_)


_ESCAPED = {each.encode(): f"\\u{ord(each):04x}".encode() for each in "<>&\u2028\u2029"}
"""What encoding/json of Go writes so in strings."""


def _escaped(text: bytes) -> bytes:
    for each, escaped in _ESCAPED.items():
        text = text.replace(each, escaped)
    return text


@lru_cache(1024)
def _around(sorted_keys: bool, *values: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands in the text of an entry before the time, before the fields, and after them.

    The order of the keys is that of the declaration, or of the alphabet, where the time comes last.
    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
    """
    manager, operation, version, fields_type, subresource = values
    if sorted_keys:
        rest = _pairs(manager=manager, operation=operation, subresource=subresource)
        return _pairs(apiVersion=version, fieldsType=fields_type), b'"fieldsV1":', b"," + rest
    last = _pairs(subresource=subresource)
    return (
        _pairs(manager=manager, operation=operation, apiVersion=version),
        _pairs(fieldsType=fields_type) + b'"fieldsV1":',
        b"," + last[:-1] if last else b"",
    )


def _pairs(**pairs: bytes) -> bytes:
    """Keys and values with a comma after each."""
    return _escaped("".join(f'"{key}":{_text(value)},' for key, value in pairs.items() if value).encode())


def _text(value: bytes) -> str:
    return json.dumps(value.decode("utf-8", "replace"), ensure_ascii=False)


@lru_cache(4096)
def _time(seconds: int) -> bytes:
    """Nothing for 0, which stands for none."""
    return f'"time":"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}",'.encode() if seconds else b""


@cache
def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"k8s_inventory.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    """The messages in a pool of their own, so that no other library's of the same names are in the way."""
    file = descriptor_pb2.FileDescriptorProto(name="metadata.proto", package="k8s_inventory", syntax="proto3")
    for name, declared in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, type_) in declared.items():
            added = message.field.add(name=field, number=number, label=1)
            if isinstance(type_, list):
                added.label, type_ = 3, type_[0]
            if isinstance(type_, str):
                added.type, added.type_name = added.TYPE_MESSAGE, f".k8s_inventory.{type_}"
            else:
                added.type = type_
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
