"""The secrets of the kubeconfigs and connections that were loaded, and text without them: the last line.

Messages are made so that no secret comes into them. Where one does all the same, in the text of another library or of
a program, it is taken out here, as it is and as it may have been written: in base64, for a URL, in JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from k8s_inventory.credentials import REDACTED, names_a_secret

_SHORTEST, _SHORTEST_WORD, _BLOCK = 6, 8, 24
"""Characters. What is shorter is no secret to this filter: it would blank `true` and `admin` in every message.

So would words: what has letters alone, or digits alone, must have more, and counts below `_FREE` as a whole word only.
Of what is at least twice as long as a block, each part counts that has a block in it: messages are cut.
"""
_FREE = 12

_LONGEST = 1 << 16
"""Characters that are learned of one value: a key has some thousands."""

_MOST = 250_000
"""Pieces that are kept before the oldest half is forgotten: some thousand users with keys, in 40 MB."""

_OPEN = frozenset(
    (
        *("name", "cluster", "user", "namespace", "current-context", "kind", "apiVersion", "preferences", "colors"),
        *("command", "installHint", "interactiveMode", "tls-server-name", "description", "expiry"),
        *("username", "as", "as-uid", "as-groups", "as-user-extra", "client-id", "idp-issuer-url", "extra-scopes"),
        *("certificate-authority-data", "client-certificate-data", "idp-certificate-authority-data"),
    )
)
"""Fields of a kubeconfig whose values are no secrets, unless they hold a private key."""
_FILES = frozenset(
    ("certificate-authority", "client-certificate", "client-key", "tokenFile", "idp-certificate-authority", "cmd-path")
)
_URLS = frozenset(("server", "proxy-url"))
_SECRET = re.compile(r"(?i)client-?key|auth")
_USERINFO = re.compile(r"^[A-Za-z][\w+.-]*:/*([^/?#]*)@|^([^/?#@]*:[^/?#]*)@")
_PATH = re.compile(r"[/.~][^\r\n]*")
_LONGEST_PART_OF_PATH = 255
_SHORTEST_KEY = len(base64.b64encode(b"PRIVATE KEY"))


class _Pieces:
    """What is looked for, as hashes of texts in lower case: `wholes` and `words` by their lengths, and blocks."""

    def __init__(self) -> None:
        self.values: set[int] = set()
        self.wholes: dict[int, set[int]] = {}
        self.words: dict[int, set[int]] = {}
        self.blocks: set[int] = set()
        self.ends: set[int] = set()
        self.count = 0

    def add(self, text: str) -> None:
        text = _lower(text)
        size = len(text)
        if size >= 2 * _BLOCK:
            found = [hash(text[start : start + _BLOCK]) for start in (*range(0, size - _BLOCK, _BLOCK), size - _BLOCK)]
            self.blocks.update(found)
            self.ends |= {found[0], found[-1]}
            self.count += len(found)
        else:
            kept = self.words if size < _FREE and _is_word(text) else self.wholes
            kept.setdefault(size, set()).add(hash(text))
            self.count += 1


_lock = threading.Lock()
_new, _old = _Pieces(), _Pieces()


def learn(*values: str | bytes | None, beside: Iterable[object] = ()) -> None:
    """Secrets that are about to be used: what is learned last is kept longest.

    What is shown `beside` it is none: a password that is the name of its user would blank that in every message.
    """
    for value in values:
        text = value.decode(errors="replace") if isinstance(value, bytes) else value
        if text and text not in beside:
            _learn(text.strip())


def learn_kubeconfig(content: Any) -> None:
    """The secrets of a kubeconfig, or of one that is not well-formed: whatever stands under a user, but for fields that
    hold none, and what stands elsewhere under a name of a secret, or is a private key. What is one of the names and
    hosts in it is none.
    """
    found, shown = set[str](), set[str]()
    for value, is_open in _values(content):
        (shown if is_open else found).add(value)
    shown |= {label for host in shown for label in host.split(".")}
    for value in found - shown:
        learn(value)


def learn_connection(connection: Any) -> None:
    """Those of an Airflow connection."""
    learn(connection.password, beside=(connection.login, connection.host, connection.schema))
    learn_kubeconfig(connection.extra_dejson)


def learn_url(url: str) -> None:
    """The password of a URL, or what else stands before its host, also where it should have been escaped."""
    user, _, password = url.partition("://")[2].rpartition("@")[0].partition(":")
    learn(*_userinfo(url), password, beside=(user, *re.split(r"\W+", url.rpartition("@")[2])))


def without_known(text: str) -> str:
    """The text with `<redacted>` in the place of each known secret. Takes time linear in the text, however many there
    are."""
    if len(text) < _SHORTEST or not _new.count + _old.count:
        return text
    lower = _lower(text)
    covered = sorted(span for pieces in (_new, _old) for span in _spans(pieces, lower))
    if not covered:
        return text
    parts: list[str] = []
    end = 0
    for start, stop in covered:
        if start > end or not parts:
            parts += [text[end:start], REDACTED]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _spans(pieces: _Pieces, text: str) -> Iterator[tuple[int, int]]:
    size = len(text)
    for known, is_word in ((pieces.wholes, False), (pieces.words, True)):
        for length, hashes in tuple(known.items()):
            for start in range(size - length + 1):
                if hash(text[start : start + length]) in hashes:
                    stop = start + length
                    if not is_word or not re.search(r"\w", text[start - 1 : start] + text[stop : stop + 1]):
                        yield start, stop
    if pieces.blocks:
        for start in range(size - _BLOCK + 1):
            block = hash(text[start : start + _BLOCK])
            if block in pieces.blocks:
                yield (start, start + _BLOCK) if block in pieces.ends else _word_around(text, start, start + _BLOCK)


_BEFORE, _AFTER = re.compile(r"[\w+/=-]{1,23}\Z"), re.compile(r"[\w+/=-]{1,23}")


def _word_around(text: str, start: int, stop: int) -> tuple[int, int]:
    """With what is left of the secret on both sides, where it was cut within a block."""
    before, after = _BEFORE.search(text[max(0, start - _BLOCK + 1) : start]), _AFTER.match(text, stop)
    return start - len(before[0]) if before else start, after.end() if after else stop


def _lower(text: str) -> str:
    """As long as the text was: hosts are made lower case, and with them what was taken for a host."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text


def _is_word(text: str) -> bool:
    return text.isalpha() or text.isdigit()


def _can_be_secret(text: str) -> bool:
    return len(text) >= (_SHORTEST_WORD if _is_word(text) else _SHORTEST)


def _learn(value: str) -> None:
    global _new, _old
    value = value[:_LONGEST]
    if not _can_be_secret(value):
        return
    with _lock:
        if hash(value) in _new.values:
            return
        if _new.count >= _MOST:
            _new, _old = _Pieces(), _new
        _new.values.add(hash(value))
        for form in _forms(value):
            if len(form) >= _SHORTEST:
                _new.add(form)


def _forms(value: str) -> set[str]:
    """How a secret may be written."""
    lines = [line.strip() for each in (value, _decoded(value)) for line in each.splitlines()]
    found = {line for line in lines if _can_be_secret(line) and not line.startswith("-----")}
    if len(value) > 2000:  # a key, in PEM or base64: nobody writes it otherwise
        return found
    for text in {*found, value, unquote(value)}:
        quoted = quote(text, safe="")
        found |= {text, quoted, quoted.replace("%2F", "/"), quoted.replace("%20", "+"), unquote(text)}
        found |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], ascii(text)[1:-1]}
    for text in {value, unquote(value)}:
        found |= _in_base64(text.encode(errors="replace"))
    return found


def _in_base64(value: bytes) -> set[str]:
    """What of the value shows in the base64 of a text that it is in: it begins at one of three places of a group."""
    found = set()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + value).decode()
        shows = encoded[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
        quoted = shows.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        found |= {shows, shows.replace("+", "-").replace("/", "_"), quoted}
    return found


def _decoded(value: str) -> str:
    """What it is in base64, where that is text; else nothing."""
    try:
        text = base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return text if "".join(text.split()).isprintable() else ""


def _userinfo(url: str) -> Iterable[str]:
    """The password, and all of it where there is none."""
    found = _USERINFO.match(url)
    if not found:
        return ()
    user, _, password = (found[1] or found[2] or "").partition(":")
    return (password,) if password else (user,)


# -- kubeconfigs -----------------------------------------------------------------------------------


def _values(content: Any) -> Iterator[tuple[str, bool]]:
    """Each value that is a secret, or shown in the open (True)."""
    waiting: list[tuple[Any, str, bool]] = [(content, "", False)]
    seen: set[int] = set()
    while waiting:
        value, field, is_user = waiting.pop()
        if isinstance(value, Mapping):
            if id(value) in seen:
                continue
            seen.add(id(value))
            yield from _of_entry(value)
            for name, each in value.items():
                if isinstance(name, str) and is_user and len(name) >= 2 * _BLOCK:
                    yield name, False
                # A list stands for its field: as-groups.
                waiting.append((each, str(name), is_user or (name in ("user", "users") and not isinstance(each, str))))
        elif isinstance(value, list | tuple):
            if id(value) not in seen:
                seen.add(id(value))
                waiting += [(each, field, is_user) for each in value]
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield from _of_field(field, str(value), is_user)


def _of_field(field: str, value: str, is_user: bool) -> Iterator[tuple[str, bool]]:
    if "PRIVATE KEY" in value or (len(value) >= _SHORTEST_KEY and "PRIVATE KEY" in _decoded(value)):
        yield value, False
    elif field in _OPEN:
        yield value, True
    elif field in _URLS:
        yield from ((each, False) for each in _userinfo(value))
        host = re.sub(r"^[A-Za-z]+:/*|[/?#].*$", "", value).rpartition("@")[2]
        # A token in the wrong place has no dot, and is longer than the names of hosts that have none.
        yield host, "." in host or ":" in host or len(host) < 20
    elif field in _FILES:
        if not _PATH.fullmatch(value) or any(len(part) > _LONGEST_PART_OF_PATH for part in value.split("/")):
            yield value, False
    elif "://" in value:
        yield from ((each, False) for each in _userinfo(value))
        if names_a_secret(field):
            yield value, False
    elif field == "args" or (_PATH.match(value) and not names_a_secret(field)):
        return
    elif is_user or names_a_secret(field) or _SECRET.search(field):
        yield value, False


def _of_entry(entry: Mapping[Any, Any]) -> Iterator[tuple[str, bool]]:
    """What the arguments of a program are, by what stands before each."""
    args = entry.get("args")
    texts = [each for each in args if isinstance(each, str)] if isinstance(args, list | tuple) else []
    for before, each in zip(["", *texts], texts, strict=False):
        name, _, value = each.rpartition("=")
        if name and names_a_secret(name):
            yield value, False
        elif before.startswith("-") and "=" not in before and names_a_secret(before) and not each.startswith("-"):
            yield each, False
        yield from ((one, False) for one in _userinfo(value if "://" in value else each))
