"""Statements of a dashboard, as Grafana's data source for PostgreSQL sends them.

First the browser puts in variables (of several values a list, quoted; what stands for all, as it is), then the server
intervals and macros: `$__interval`, and every `$name(arguments)`, of which it refuses those that it does not know. By
packages/grafana-sql/src/datasource/SqlDatasource.ts and pkg/tsdb/grafana-postgresql-datasource/macros.go of Grafana 12.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

_VARIABLE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::\w+)?\]\]|\$\{(\w+)(?:\.[^:^}]+)?(?::[^}]+)?\}")
_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def as_sent(
    statement: str, variables: Mapping[str, str | Sequence[str]], *, since: datetime, until: datetime, interval: str
) -> str:
    """`variables`: the chosen values, or the text that stands for all. Raises `ValueError` for a macro that is none."""

    def variable(found: re.Match[str]) -> str:
        value = variables.get(next(filter(None, found.groups())))
        if value is None:
            return found.group()
        return value if isinstance(value, str) else ",".join("'" + each.replace("'", "''") + "'" for each in value)

    def macro(found: re.Match[str]) -> str:
        name, arguments = found.group(1), [each.strip(" ") for each in found.group(2).split(",")]
        return _macro(name, arguments, _text(since), _text(until))

    return _MACRO.sub(macro, _VARIABLE.sub(variable, statement).replace("$__interval", interval))


def _text(instant: datetime) -> str:
    return f"'{instant.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}'"


def _macro(name: str, arguments: Sequence[str], since: str, until: str) -> str:
    match name:
        case "__timeFilter":
            return f"{arguments[0]} BETWEEN {since} AND {until}"
        case "__timeFrom":
            return since
        case "__timeTo":
            return until
        case "__timeGroup" | "__timeGroupAlias":
            amount = re.fullmatch(r"(\d+)([smhd])", arguments[1].strip("'"))
            if amount is None:
                raise ValueError(f"no interval: {arguments[1]}")
            seconds = int(amount[1]) * _UNITS[amount[2]]
            group = f"floor(extract(EPOCH FROM {arguments[0]}) / {seconds}) * {seconds}"
            return f'{group} AS "time"' if name == "__timeGroupAlias" else group
    raise ValueError(f"unknown macro {name}")
