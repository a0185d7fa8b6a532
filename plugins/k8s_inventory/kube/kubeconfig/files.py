"""Kubeconfig files, read and joined as kubectl does.

https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from k8s_inventory.known_secrets import learn_kubeconfig
from k8s_inventory.kube.errors import KubeconfigError, NoKubeconfig, Unusable

MOST_OF_FILE = 1 << 24
"""Bytes of a kubeconfig: five thousand contexts with certificates have as many."""

_MOST_VALUES, _DEEPEST = 300_000, 100
SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
"""The lists in a kubeconfig, and what stands beside the name in each of their entries."""


class Unreadable(Exception):
    """Why a file is not read, without its path, which may be the credential itself."""


class _Twice:
    """Stands in the place of a value whose key is there twice."""


TWICE = _Twice()


@dataclass(frozen=True, repr=False)
class Entry:
    """What is under a name in one of the lists. `value` is anything; the files that it names are beside `folder`."""

    section: str
    name: str
    value: Any
    folder: Path

    def __str__(self) -> str:
        return f'{SECTIONS[self.section]} "{self.name}"'


class Kubeconfig:
    """One or several kubeconfigs as one: the first that has an entry of a name gives it.

    `missing` are the files that were asked for and are not there.
    """

    def __init__(self, files: list[_File], missing: tuple[Path, ...] = ()) -> None:
        self._files = files
        self.missing = missing

    @property
    def contexts(self) -> list[str]:
        """Names of the contexts."""
        return list(dict.fromkeys(name for file in self._files for name in file.entries["contexts"]))

    @property
    def current_context(self) -> str:
        """The name of the first that is there; empty if none is."""
        found = (file.current_context for file in self._files)
        return next((name for name in found if isinstance(name, str) and name), "")

    def entry(self, section: str, name: str) -> Entry | None:
        """The entry of a name. Raises `Unusable` where it can not be told which of several is meant."""
        for file in self._files:
            if name in file.entries[section]:
                if name in file.ambiguous[section]:
                    raise Unusable(f'{SECTIONS[section]} "{name}" is more than once in one file')
                return Entry(section, name, file.entries[section][name], file.folder)
        return None


class _File:
    """One file's entries by section and name."""

    def __init__(self, content: Mapping[str, Any], folder: Path, where: str) -> None:
        learn_kubeconfig(content)
        self.folder = folder
        self.current_context = content.get("current-context")
        self.entries: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        self.ambiguous: dict[str, set[str]] = {section: set() for section in SECTIONS}
        kind = content.get("kind")
        if kind not in (None, "", "Config"):
            raise KubeconfigError(f"{where} is YAML but no kubeconfig: its `kind` is not Config")
        for key in content:
            if key not in SECTIONS and isinstance(key, str) and key.lower() in SECTIONS:
                raise KubeconfigError(f"{where}: `{key}` must be written `{key.lower()}`")
        for section in SECTIONS:
            entries = content.get(section)
            if entries is TWICE:
                raise KubeconfigError(f"{where}: `{section}` is there more than once")
            if not isinstance(entries, list | None):
                raise KubeconfigError(f"{where} is YAML but no kubeconfig: `{section}` must be a list of named entries")
            for each in entries or ():
                self._add(section, each, where)

    def _add(self, section: str, each: Any, where: str) -> None:
        name = each.get("name") if isinstance(each, dict) else None
        if isinstance(name, str) and name:
            if name in self.entries[section]:
                self.ambiguous[section].add(name)
            self.entries[section][name] = each.get(SECTIONS[section])
        elif section == "contexts":  # of the others nobody can speak who has no name to call them by
            raise KubeconfigError(
                f"{where} is YAML but no kubeconfig: each of its `contexts` must have a name that is text, once; dates "
                "apart, what YAML takes for a number or true or false must be in quotes"
            )


def read_files(paths: str) -> Kubeconfig:
    """The kubeconfigs at several paths, joined by `:`. Raises `KubeconfigError`."""
    files: list[_File] = []
    missing, empty = [], []
    for path in _expanded(paths):
        try:
            state = path.stat()
            file = _file(path, state.st_mtime_ns, state.st_size, state.st_ino)
            files += [file] if file else []
            empty += [] if file else [path]
        except FileNotFoundError:
            missing.append(path)
        except Unreadable as error:
            raise KubeconfigError(f"kubeconfig {path} can not be read: {error}") from None
        except OSError as error:
            raise KubeconfigError(f"kubeconfig {path} can not be read: {error.strerror}") from None
        except ValueError:
            raise KubeconfigError("kubeconfig: no path can hold what is given for one") from None
    if empty and not files:
        raise KubeconfigError(f"no kubeconfig at {' or '.join(map(str, empty))}: nothing is in it")
    if not files:
        raise NoKubeconfig(f"no kubeconfig at {' or '.join(map(str, missing)) or 'an empty path'}")
    return Kubeconfig(files, tuple(missing))


def read_content(content: Mapping[str, Any]) -> Kubeconfig:
    """A kubeconfig by its content, as JSON has it. Raises `KubeconfigError`."""
    return Kubeconfig([_File(content, Path(), "the kubeconfig")])


def _expanded(paths: str) -> Iterator[Path]:
    for path in paths.split(os.pathsep):
        if path:
            try:
                yield Path(path).expanduser()
            except RuntimeError:
                raise KubeconfigError(
                    f"kubeconfig {path}: there is no home directory to find it in: set HOME, or an absolute path"
                ) from None


@lru_cache(32)
def _file(path: Path, modified: int, size: int, number: int) -> _File | None:
    """A file, read once however many contexts are in it, and again when it is another; None if nothing is in it.

    Raises `KubeconfigError`, `Unreadable`, `OSError`.
    """
    where = f"kubeconfig {path}"
    content = parsed(read_bounded(path, MOST_OF_FILE), where)
    if content is not None and not isinstance(content, dict):
        raise KubeconfigError(f"{where} is YAML but no kubeconfig: it must be a mapping with a list of contexts")
    return None if content is None else _File(content, path.absolute().parent, where)


def parsed(text: bytes, where: str) -> Any:
    """What the first document of a file holds; None if that is nothing. Raises `KubeconfigError`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)  # libyaml's is ten times as fast
    try:
        return _Values(loader).of_first_document()
    except _TooMuch:
        raise KubeconfigError(f"{where} holds more than a kubeconfig has") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise KubeconfigError(f"{where} is not YAML{f' (line {mark.line + 1})' if mark else ''}") from None
    finally:
        loader.dispose()


def read_bounded(path: Path, most: int) -> bytes:
    """The bytes of a regular file. Raises `Unreadable`: for a folder, a device, or a pipe, which may never end, too."""
    try:
        # Opening a pipe that nobody writes to would not end.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from None
    except ValueError:
        raise Unreadable("no path can hold this") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise Unreadable("it is no regular file")
    with os.fdopen(number, "rb") as file:
        try:
            content = file.read(most + 1)
        except OSError as error:
            raise Unreadable(error.strerror or type(error).__name__) from None
    if len(content) > most:
        raise Unreadable(f"it has more than {most} bytes")
    return content


class _TooMuch(Exception):
    pass


_RESOLVERS = {
    first: [
        (tag, re.compile(r"^[-+]?(0x[0-9a-fA-F]+|0o?[0-7]+|[0-9]+)$") if tag.endswith(":int") else pattern)
        for tag, pattern in resolvers
        if not tag.endswith(":timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
"""What a text without quotes is, by its first character. Names such as 2024-01-01 and 1:30 are texts, as to kubectl."""
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?")
_TEXT, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


@dataclass(frozen=True, repr=False)
class _Anchored:
    """What an alias stands for: so many values, nested in so many levels. `event` is that of a text."""

    value: Any
    size: int = 1
    levels: int = 0
    event: yaml.ScalarEvent | None = None


class _Values:
    """The values of a document, made of libyaml's events as they come: its nodes would cost twice the time of all else.

    Aliases count each time: a few lines of them can stand for more than any memory holds, and one that is in what it
    stands for never ends.
    """

    def __init__(self, loader: Any) -> None:
        self._next = loader.get_event
        self._left = _MOST_VALUES
        self._deepest = 0
        self._anchors: dict[str, _Anchored | None] = {}

    def of_first_document(self) -> Any:
        """None if there is none. Raises `YAMLError`, `ValueError`, `_TooMuch`."""
        self._next()
        if type(self._next()) is yaml.StreamEndEvent:
            return None
        value = self._of(self._next(), 0)
        self._next()
        return value

    def _of(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._count(1)
            value = _scalar(_tag(event), event.value)
            if event.anchor is not None:
                self._anchor(event, _Anchored(value, event=event))
            return value
        if kind is yaml.AliasEvent:
            return self._aliased(event, depth).value
        if depth >= _DEEPEST:
            raise _TooMuch
        make = self._mapping if kind is yaml.MappingStartEvent else self._sequence
        if event.anchor is None:
            self._count(1)
            self._deepest = max(self._deepest, depth + 1)
            return make(depth + 1)
        self._anchor(event, None)
        before, left, self._deepest = self._deepest, self._left, depth + 1
        self._count(1)
        value = make(depth + 1)
        self._anchors[event.anchor] = _Anchored(value, left - self._left, self._deepest - depth)
        self._deepest = max(self._deepest, before)
        return value

    def _sequence(self, depth: int) -> list[Any]:
        found = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            found.append(self._of(event, depth))
        return found

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key = event
            if type(event) is yaml.AliasEvent:
                key = self._aliased(event, depth).event
            if type(key) is not yaml.ScalarEvent:
                raise ValueError("a key that is no text")
            if key is event:
                self._of(event, depth)
            value = self._of(self._next(), depth)
            if key.value == "<<" and _tag(key) == _MERGE:
                for each in value if isinstance(value, list) else [value]:
                    if not isinstance(each, dict):
                        raise ValueError("merges what is no mapping")
                    merged = {**each, **merged}
            else:
                found[key.value] = TWICE if key.value in found else value
        return {**merged, **found} if merged else found

    def _anchor(self, event: Any, anchored: _Anchored | None) -> None:
        if event.anchor in self._anchors:
            raise yaml.composer.ComposerError(None, None, "an anchor twice", event.start_mark)
        self._anchors[event.anchor] = anchored

    def _aliased(self, event: Any, depth: int) -> _Anchored:
        if event.anchor not in self._anchors:
            raise yaml.composer.ComposerError(None, None, "an alias of nothing", event.start_mark)
        anchored = self._anchors[event.anchor]
        if anchored is None or depth + anchored.levels > _DEEPEST:
            raise _TooMuch
        self._count(anchored.size)
        self._deepest = max(self._deepest, depth + anchored.levels)
        return anchored

    def _count(self, more: int) -> None:
        self._left -= more
        if self._left < 0:
            raise _TooMuch


def _tag(event: yaml.ScalarEvent) -> str:
    """What the text of an event is, by its tag or by itself."""
    if event.tag is not None and event.tag != "!":
        return str(event.tag)
    if event.implicit[0]:
        for tag, pattern in _RESOLVERS.get(event.value[:1], ()):
            if pattern.match(event.value):
                return str(tag)
    return _TEXT


def _scalar(tag: str, text: str) -> Any:
    kind = tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind in ("int", "float"):
        # No field of ours is a number; those of extensions go to plugins.
        return (float if "." in text else int)(text) if _NUMBER.fullmatch(text) else _Number()
    return text


class _Number:
    """A number that nobody needs to know."""
