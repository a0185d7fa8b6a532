"""Texts that are copies of objects: what appliers leave in annotations, releases of Helm, manifests in fields.

A copy brings back what is redacted where it stands: values of a Secret or of a ConfigMap, literal values of an
environment. It is known by what it is, a text with the fields of an object in it: JSON, YAML, either within the other,
plain or packed (base64, base32, hex, gzip, zlib, zip), in any order. Nothing is parsed: a text may be as long and as
hostile as an object.
"""

from __future__ import annotations

import re
import zlib
from base64 import b32decode, b64decode
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from k8s_inventory.collector.redaction.policy import Redaction

_KNOWN = re.compile(r"(?i)/[\w.-]*last[_-]?(?:applied|handled)|/applied$|^kapp\.k14s\.io/original")
_KNOWN_PARTS = (b"pplied", b"handled", b"k14s.io/original")
"""Names of annotations in which an applier keeps a copy: kubectl and those that follow it, Rancher, kopf, kapp."""

# Keys are looked for unescaped and in lower case: how they are written is up to whoever wrote them.
_ENDS = rb"[\"']?\s*+(?::|=\s)"
_VALUES = re.compile(
    rb"data(?:(?<![\w./-]data)|(?<=stringdata)|(?<=string_data)|(?<=binarydata)|(?<=binary_data))" + _ENDS
)
_SECRET_VALUES = re.compile(rb"string_?data" + _ENDS)
_SECRET_TYPE = re.compile(
    rb"[\"':\s](?:opaque|kubernetes\.io/(?:tls|dockerc|basic-auth|ssh-auth|service-account-token))"
)
_OBJECT = re.compile(rb"(?<![\w./-])(?:kind|api_?version|metadata|spec|(?:init_?|ephemeral_?)?containers)" + _ENDS)
_RELEASE = (re.compile(rb"manifest" + _ENDS), re.compile(rb"chart" + _ENDS))
_VARIABLES = rb"(?:s|[_-]?vars?|[_-]?variables?)?"
_OPENS = rb"[ \t]*+(?:[\[{|>&\n\r]|map\[)"
_ENV = re.compile(rb"env" + _VARIABLES + _ENDS)
_ENV_OPENS = re.compile(rb"env" + _VARIABLES + _ENDS + _OPENS)
_ENVIRONMENT_OPENS = re.compile(rb"environment" + _VARIABLES + _ENDS + _OPENS)

_ENV_IN_TEXT = re.compile(rb"env" + _VARIABLES + rb":")
_IN_STRUCTURE = (b"\\", b"'", b" ", b"[", b"%", b"&")
"""Of these a text has one, however it is structured: as JSON it has backslashes once it is in JSON."""

_KEY_ENDS = bytes.maketrans(b"\\'= \tABCDEFGHIJKLMNOPQRSTUVWXYZ", b":::::abcdefghijklmnopqrstuvwxyz")
"""What stands after a key in a string of JSON: an escaped quote, a colon, or what may stand before that."""

_SHORTEST = 40
"""Characters of a packed copy: an object with a single value is longer."""

_SHORTEST_LINE = 16
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_CLASSES = bytes(ord("x") if each in _BASE64 else ord(" ") for each in range(256))
_RUN = b"x" * _SHORTEST
_WORD = re.compile(rb"[A-Za-z0-9+/_-]{%d,}+" % _SHORTEST)
_PACKED = re.compile(rb"[A-Za-z0-9+/_-]{%d,}+(?:[\s\"',]++[A-Za-z0-9+/_-]++)*+" % _SHORTEST_LINE)
_LINE = re.compile(rb"\\[nr](?:\\[nrt]| ){0,40}+[A-Za-z0-9+/_-]{%d,}" % _SHORTEST_LINE)
_CAPITAL = re.compile(rb"[A-Z]")
_HEX = re.compile(rb"(?<![0-9a-fA-F])[0-9a-fA-F]{%d}" % _SHORTEST)
_ALL_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})++")
_ALL_BASE32 = re.compile(rb"[A-Z2-7]++")
_BREAKS = re.compile(rb"[\s\"',]+")
_PREFIX = re.compile(rb"[A-Za-z0-9]{1,12}[/_-]")
_LONGEST_PREFIX = 40
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_OPAQUE = (
    *(b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x5d\0\0", b"\xff\x06\0\0sNaPpY"),
    *(b"7z\xbc\xaf\x27\x1c", b"\x1f\x9d\x90", b"k8s\0", b"\xd9\xd9\xf7"),
)
"""How bzip2, xz, zstd, lz4, LZMA, snappy, 7z and compress begin, and what Kubernetes writes in protobuf or CBOR. What
they hold is not looked at; nothing else begins like that."""

_MOST_UNPACKED, _LEAST_UNPACKED = 32, 1 << 16
"""Bytes that are unpacked of one text, in all: for each of its own, and whatever it has. More is taken for a copy."""

_DEEPEST = 16
"""Steps in which a text is unpacked: what is packed deeper is taken for a copy."""

_ESCAPED_LETTER = re.compile(rb"\\\\(?:u00[2-7]|x[2-7])")
_QUOTED = re.compile(rb"%(?:22|27|3[aA]|7[bB])")
_ENTITY = re.compile(rb"(?:&|\\u0026)(?:quot|apos|#)")


def may_hold_copies(value: bytes) -> bool:
    """A look at JSON, in a fraction of the time that decoding it takes."""
    if any(each in value for each in _KNOWN_PARTS) or holds_packed(value):
        return True
    if not any(each in value for each in _IN_STRUCTURE):
        return False
    keys = value.translate(_KEY_ENDS)
    if b"ata:" in keys or b"ifest:" in keys or b"ronment" in keys or (b"env" in keys and _ENV_IN_TEXT.search(keys)):
        return True
    if b"\\" in value and (_LINE.search(value) or _ESCAPED_LETTER.search(value) or _ENTITY.search(value)):
        return True
    return bool((b"%" in value and _QUOTED.search(value)) or (b"&" in value and _ENTITY.search(value)))


def holds_packed(value: bytes) -> bool:
    """Whether something in one piece may be packed, and is no digest, path or name."""
    classes = value.translate(_CLASSES) + b" "
    at = classes.find(_RUN)
    while at >= 0:
        end = classes.find(b" ", at)
        run = value[at:end]
        if run.lower() != run or (len(run) >= 2 * _SHORTEST and _ALL_HEX.fullmatch(run)):
            return True
        at = classes.find(_RUN, end)
    return False


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
        layer = _unescaped(layer)
        if _shows_values(layer.lower(), env=env):
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

_BACKSLASHES = re.compile(rb"(?<!\\)\\++(?=[\"'/])")
_ESCAPED_BREAK = re.compile(rb"(?<!\\)\\++[nrt]")
_ESCAPED = re.compile(rb"(?<!\\)\\++(?:u00|x)([0-7][0-9a-fA-F])")
_QUOTE_ENTITY = re.compile(rb"&(?:quot|apos|#0{0,4}3[49]|#[xX]0{0,4}2[27]);")


def _unescaped(text: bytes) -> bytes:
    """The text as it was before it became a string of JSON, YAML or HTML, however often; binary data stays."""
    if b"\0" in text[:64]:
        return text
    if b"\\" in text:
        if b"\\u00" in text or b"\\x" in text:
            text = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text)
        text = _ESCAPED_BREAK.sub(b"\n", _BACKSLASHES.sub(b"", text))
    return _QUOTE_ENTITY.sub(b'"', text) if b"&" in text else text


def _shows_values(text: bytes, *, env: bool) -> bool:
    has_values = _VALUES.search(text) is not None
    if has_values and (_SECRET_VALUES.search(text) or _SECRET_TYPE.search(text)):
        return True
    if all(each.search(text) for each in _RELEASE) or (env and _ENV_OPENS.search(text)):
        return True
    if not (has_values or (env and (_ENV.search(text) or _ENVIRONMENT_OPENS.search(text)))):
        return False
    return _OBJECT.search(text) is not None


def _unpacked(text: bytes, most: int) -> Iterator[bytes]:
    """What is packed in the text, each piece as far as one step unpacks it."""
    yield from _inflated(text, most)
    if text.count(b"\0") > len(text) // 3:  # UTF-16 or UTF-32
        yield text.translate(None, b"\0")
    if b"%" in text and _QUOTED.search(text):
        yield unquote_to_bytes(text.replace(b"+", b" "))
    for found in _PACKED.finditer(text):
        lines = [each for each in _BREAKS.split(found[0]) if each != b"+"]  # of sums of strings
        joined = b"".join(lines)
        if len(joined) >= 2 * _SHORTEST and _ALL_HEX.fullmatch(joined):
            yield bytes.fromhex(joined.decode())
        if len(joined) < _SHORTEST or not _CAPITAL.search(joined):  # a digest, a path, a name
            continue
        if _ALL_BASE32.fullmatch(joined):
            yield b32decode(joined[: len(joined) // 8 * 8])
        yield from _of_base64(joined)
        for each in lines if len(lines) > 1 else ():
            if len(each) >= _SHORTEST:
                yield from _of_base64(each)


def _of_base64(packed: bytes) -> Iterator[bytes]:
    """What is packed so; also after a prefix, as in `gzip/H4sI...`, where that is then text or compressed."""
    yield _decoded(packed)
    at = 0
    while (prefix := _PREFIX.match(packed, at)) and prefix.end() < min(_LONGEST_PREFIX, len(packed) - 8):
        at = prefix.end()
        start = _decoded(packed[at : at + 8])
        if start.isascii() or start.startswith((b"\x1f\x8b", b"\x78", *_OPAQUE)):
            yield _decoded(packed[at:])


def _decoded(packed: bytes) -> bytes:
    packed = packed.translate(_URL_SAFE)
    return b64decode(packed[: len(packed) // 4 * 4] + _rest(packed))


def _rest(packed: bytes) -> bytes:
    """The last characters, where they are no whole four."""
    over = len(packed) % 4
    return packed[-over:] + b"=" * (4 - over) if over > 1 else b""


_WITH_HEAD, _BARE = 47, -15
"""What zlib calls gzip or zlib, whichever it is, and what has no head."""

_MOST_MEMBERS = 16
"""Streams of gzip, or files of a zip; where there are more, it is not looked at what they hold."""

_FILE = b"PK\x03\x04"


def _inflated(piece: bytes, most: int) -> Iterator[bytes]:
    """What is compressed in the piece, once: at most so many bytes, and one more where there are more."""
    if piece.startswith(_FILE):
        files = piece.split(_FILE, _MOST_MEMBERS)[1:]
        for each in files:
            method = each[4:6]
            if len(files) == _MOST_MEMBERS or method not in (b"\0\0", b"\x08\0") or each[2] & 1:
                yield _OPAQUE[0]
                continue
            start = 26 + int.from_bytes(each[22:24], "little") + int.from_bytes(each[24:26], "little")
            yield _members(each[start:], _BARE, most) if method[:1] == b"\x08" else each[start:]
    elif piece.startswith(b"\x1f\x8b") or (piece[:1] and piece[0] & 15 == 8 and int.from_bytes(piece[:2]) % 31 == 0):
        yield _members(piece, _WITH_HEAD, most)
    elif not piece[:64].isascii():
        yield _members(piece, _BARE, most)


def _members(left: bytes, bits: int, most: int) -> bytes:
    made = b""
    try:
        for _ in range(_MOST_MEMBERS):
            packed = zlib.decompressobj(bits)
            made += packed.decompress(left, max(most - len(made), 1))
            left = packed.unused_data if bits == _WITH_HEAD else b""
            if not left or len(made) >= most:
                return made
    except zlib.error:
        return made
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
    return not any(_CAPITAL.search(found[0]) for found in _WORD.finditer(encoded))
