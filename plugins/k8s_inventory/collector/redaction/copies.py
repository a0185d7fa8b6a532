"""Texts that are copies of objects: what appliers leave in annotations, releases of Helm, manifests in fields.

A copy brings back what is redacted where it stands: values of a Secret or of a ConfigMap, literal values of an
environment. It is known by what it is, a text with the fields of an object in it: JSON, YAML, either within the other,
plain or packed (base64, gzip, zlib, zip), in any order. Nothing is parsed: a text may be as long and as hostile as an
object.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from functools import lru_cache

from k8s_inventory.collector.redaction.policy import Redaction

_KNOWN = re.compile(r"/[\w.-]*last[_-]?[aA]pplied|/applied$|^kapp\.k14s\.io/original")
_KNOWN_PARTS = (b"pplied", b"kapp.k14s.io/original")
"""Names of annotations in which an applier keeps a copy: kubectl and those that follow it, Rancher, kapp."""

# How a key may stand: quoted (JSON, and JSON within JSON), at the start of a line of YAML, or in its braces.
_BEFORE = rb"(?:[\"']|\\u0022|(?:\A|[\n\r{,]|\\[nr])[ \t\-]*+)"
_AFTER = rb"(?:\\*+[\"']|\\++u0022)?[ \t]*+:"


def _keys(*names: bytes) -> re.Pattern[bytes]:
    return re.compile(_BEFORE + rb"(?:" + rb"|".join(names) + rb")" + _AFTER)


_OBJECT = _keys(b"kind", b"apiVersion", b"containers", b"initContainers", b"ephemeralContainers")
_VALUES = _keys(b"data", b"stringData", b"binaryData")
_ENV = _keys(b"env", rb"\w{1,40}Env")
_SECRET_VALUES = _keys(b"stringData")
_SECRET_TYPE = re.compile(
    rb"(?:[\"' ]|u0022)(?:Opaque|kubernetes\.io/(?:tls|dockerc|basic-auth|ssh-auth|service-account-token))"
)
_RELEASE = (_keys(b"manifest"), _keys(b"chart"))

_KEY_ENDS = bytes.maketrans(b"\\'", b"::")
"""What stands after a key in a string of JSON: an escaped quote, or a colon."""

_SHORTEST = 40
"""Characters of a packed copy: an object with a single value is longer."""

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_CLASSES = bytes(ord("x") if each in _BASE64 else ord(" ") for each in range(256))
_RUN = b"x" * _SHORTEST
_PACKED = re.compile(rb"[A-Za-z0-9+/_-]{%d,}+(?:(?:\s|\\[nr])++[A-Za-z0-9+/_-]++)*+" % _SHORTEST)
_CAPITAL = re.compile(rb"[A-Z]")
_HEX = re.compile(rb"(?<![0-9a-fA-F])[0-9a-fA-F]{%d}" % _SHORTEST)
_BREAKS = re.compile(rb"\s|\\[nr]")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_OPAQUE = (b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")
"""How bzip2, xz, zstd and lz4 begin. What they hold is not looked at; nothing else is packed like that."""

_MOST_UNPACKED, _LEAST_UNPACKED = 32, 1 << 16
"""Bytes that are unpacked of one text, in all: for each of its own, and whatever it has. More is taken for a copy."""

_DEEPEST = 8
"""How often a text is unpacked: what is packed deeper is taken for a copy."""


def may_hold_copies(value: bytes) -> bool:
    """A look at JSON, in a fraction of the time that decoding it takes."""
    if any(each in value for each in _KNOWN_PARTS):
        return True
    classes = value.translate(_CLASSES) + b" "
    at = classes.find(_RUN)
    while at >= 0:
        end = classes.find(b" ", at)
        if value[at:end].lower() != value[at:end]:  # or else a digest, a path, a name
            return True
        at = classes.find(_RUN, end)
    keys = value.translate(_KEY_ENDS)
    return b"ata:" in keys or b"nv:" in keys or b"ifest:" in keys


def is_known_copy(name: str) -> bool:
    """Whether an annotation of this name is a copy, whatever it holds."""
    return _KNOWN.search(name) is not None


def is_copy(text: str, redaction: Redaction) -> bool:
    """Whether a text is, or holds, a copy of an object with values that are redacted where that stands."""
    if len(text) < _LEAST:
        return False
    return (_remembered if len(text) <= _LONGEST_REMEMBERED else _is_copy)(text, redaction.env)


_LEAST = 16


def _is_copy(text: str, env: bool) -> bool:
    layers = [(text.encode(), 0)]
    left = _MOST_UNPACKED * len(text) + _LEAST_UNPACKED
    while layers:
        layer, depth = layers.pop()
        if _shows_values(layer, env=env):
            return True
        for inner in _unpacked(layer, left):
            left -= len(inner)
            if left <= 0 or depth == _DEEPEST or inner.startswith(_OPAQUE):
                return True
            layers.append((inner, depth + 1))
    return False


_remembered = lru_cache(2048)(_is_copy)
"""Objects of one template have the same texts: checksums, for one."""

_LONGEST_REMEMBERED = 2048


def _shows_values(text: bytes, *, env: bool) -> bool:
    has_values = _VALUES.search(text) is not None
    if has_values and (_SECRET_VALUES.search(text) or _SECRET_TYPE.search(text)):
        return True
    if all(each.search(text) for each in _RELEASE):
        return True
    if not (has_values or (env and _ENV.search(text))):
        return False
    return _OBJECT.search(text) is not None


def _unpacked(text: bytes, most: int) -> Iterator[bytes]:
    """What is packed in the text, each piece as far as it can be unpacked."""
    for found in _PACKED.finditer(text):
        if not _CAPITAL.search(found[0]):  # a digest, a path, a name
            continue
        lines = _BREAKS.split(found[0])
        for packed in [b"".join(lines), *(each for each in lines if len(lines) > 1 and len(each) >= _SHORTEST)]:
            packed = packed.translate(_URL_SAFE)
            piece = b64decode(packed[: len(packed) // 4 * 4] + _rest(packed))
            yield _inflated(piece, most)


def _rest(packed: bytes) -> bytes:
    """The last characters, where they are no whole four."""
    over = len(packed) % 4
    return packed[-over:] + b"=" * (4 - over) if over > 1 else b""


_ANY = 47
"""What zlib calls gzip or zlib, whichever it is."""

_MOST_MEMBERS = 16
"""Streams of gzip, one after the other; where there are more, it is not looked at what they hold."""


def _inflated(piece: bytes, most: int) -> bytes:
    """At most so many bytes, and one more where there are more."""
    if piece.startswith(b"\x1f\x8b") or (piece[:1] == b"\x78" and int.from_bytes(piece[:2], "big") % 31 == 0):
        bits, start = _ANY, 0
    elif piece.startswith(b"PK\x03\x04") and len(piece) > 30 and piece[8:10] == b"\x08\x00":
        bits, start = -15, 30 + int.from_bytes(piece[26:28], "little") + int.from_bytes(piece[28:30], "little")
    else:
        return piece
    made, left = b"", piece[start:]
    try:
        for _ in range(_MOST_MEMBERS):
            packed = zlib.decompressobj(bits)
            made += packed.decompress(left, max(most - len(made), 1))
            left = packed.unused_data if bits == _ANY else b""
            if not left or len(made) >= most:
                return made or piece
    except zlib.error:
        return made or piece
    return _OPAQUE[0]


_LONGEST_PLAIN = 1024
_STRUCTURED = re.compile(r"[{}\[\]\"'\\<>|%\n\r]|:\s+\S")


def is_plain(text: str) -> bool:
    """Whether an annotation of a Secret says no more than a name, an address, a number or a time.

    One line, in which nothing is quoted, in braces or after a `key: `, and no word looks packed or hashed.
    """
    if len(text) > _LONGEST_PLAIN or _STRUCTURED.search(text):
        return False
    encoded = text.encode()
    if _HEX.search(encoded):
        return False
    return not any(_CAPITAL.search(found[0]) for found in _PACKED.finditer(encoded))
