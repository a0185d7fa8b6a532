"""Which queries are asked."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from k8s_inventory.queries import Query, query_pack
from k8s_inventory.settings import SettingsError, environment_name


def choose(words: Sequence[str]) -> list[Query]:
    """The queries that the words name: folders, `folder/name`, patterns of either, exclusions by a `-` before them.

    Raises `SettingsError` for a word that names none, and where none is left.
    """
    pack = query_pack()
    named = {word: _named(word.removeprefix("-")) for word in words}
    of_none = [word for word, found in named.items() if not found]
    if of_none:
        known = [*{query.folder: None for query in pack.values()}, *pack]
        close = difflib.get_close_matches(of_none[0].removeprefix("-"), known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "; docs/queries.md has them all"
        raise SettingsError(f"{_SETTING}: no query is called {of_none[0][:100]!r}{hint}")
    kept = {path for word, found in named.items() if not word.startswith("-") for path in found}
    kept = kept or set(pack)
    kept -= {path for word, found in named.items() if word.startswith("-") for path in found}
    if not kept:
        raise SettingsError(f"{_SETTING}: no query is left to ask")
    return [query for path, query in pack.items() if path in kept]


_SETTING = f"settings: report_queries ({environment_name('report_queries')})"


def _named(word: str) -> list[str]:
    return [
        path
        for path, query in query_pack().items()
        if fnmatchcase(path, word.removesuffix(".sql")) or fnmatchcase(query.folder, word)
    ]
