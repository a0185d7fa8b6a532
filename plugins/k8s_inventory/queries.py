"""The ready-made queries of include/sql/queries: what each asks, what a hit means, and how to run it.

A file begins with comments: the question, then `Hit:` (what a row means), `Do:`, `Key:` (the columns by which, in its
context, a hit is known again), `Source:` (of the rule) and maybe `Limits:` (what it can not say). The rest is one
statement without parameters. Of its rows those with a null `not_known` are hits; each other row is a context, or a kind
of one, of which the answer can not speak, and says why there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from k8s_inventory.store.statements import FOLDER

NOT_KNOWN = "not_known"
"""The column that is null in hits."""

_KEYS = {"Hit": "meaning", "Do": "action", "Key": "key", "Source": "source", "Limits": "limits"}
_KINDS = re.compile(r"k8s_not_known\(ARRAY\[([^\]]*)\]")


@dataclass(frozen=True)
class Query:
    """`kinds` are those that it reads, by the names of `k8s_sync_status`; queries of the history name none."""

    folder: str
    name: str
    title: str
    meaning: str
    action: str
    key: tuple[str, ...]
    source: str
    limits: str
    kinds: tuple[str, ...]
    sql: str

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}"


@cache
def query_pack() -> dict[str, Query]:
    """All queries by `folder/name`, sorted. Raises `ValueError` for a file whose header lacks something."""
    root = FOLDER / "queries"
    found = [read_query(path, path.parent.relative_to(root).as_posix()) for path in sorted(root.rglob("*.sql"))]
    return {query.path: query for query in found}


def read_query(path: Path, folder: str) -> Query:
    """The query of a file. Raises `ValueError` for a header that lacks something."""
    text = path.read_text()
    comments = re.match(r"(?:--.*\n)*", text)
    header: dict[str, list[str]] = {"title": []}
    key = "title"
    for line in (comments.group() if comments else "").splitlines():
        words = line.removeprefix("--").strip()
        named, colon, rest = words.partition(":")
        if colon and named in _KEYS:
            key, words = _KEYS[named], rest.strip()
        header.setdefault(key, []).append(words)
    said = {name: " ".join(lines) for name, lines in header.items()}
    lacking = [name for name, key in _KEYS.items() if key != "limits" and not said.get(key)]
    if lacking or not said["title"].endswith("?"):
        raise ValueError(f"{path}: its header lacks {', '.join(lacking) or 'a question'}")
    kinds = {kind for found in _KINDS.findall(text) for kind in re.findall(r"'([^']*)'", found)}
    columns: tuple[str, ...] = tuple(re.findall(r"\w+", said.pop("key")))
    about = {"limits": "", **said}
    return Query(folder=folder, name=path.stem, key=columns, kinds=tuple(sorted(kinds)), sql=text, **about)
