"""Takes pages of metadata apart, in the API server's binary form, and puts others together."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_inventory.kube.metadata import _MAGIC, _list_in, _parts

_KIND = b"\x0a\x0emeta.k8s.io/v1\x12\x19PartialObjectMetadataList"


def taken_apart(body: bytes) -> tuple[bytes, list[bytes]]:
    """The list's own metadata, and that of each object."""
    header, items = b"", []
    for number, start, end in _parts(body, *_list_in(body)):
        if number == 1:
            header = body[start:end]
        else:
            items.append(body[start:end])
    return header, items


def put_together(header: bytes, items: Iterable[bytes], kind: bytes = _KIND) -> bytes:
    found = _field(1, header) + b"".join(_field(2, each) for each in items)
    return _MAGIC + _field(1, kind) + _field(2, found)


def list_metadata(resource_version: str, continue_token: str = "") -> bytes:
    return _field(2, resource_version.encode()) + (_field(3, continue_token.encode()) if continue_token else b"")


def _field(number: int, value: bytes) -> bytes:
    length, rest = b"", len(value)
    while rest > 127:
        length += bytes([rest & 127 | 128])
        rest >>= 7
    return bytes([number << 3 | 2]) + length + bytes([rest]) + value
