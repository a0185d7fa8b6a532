"""The dashboard for Grafana, include/grafana/k8s_inventory.json: panels over the statements of include/sql/grafana."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from k8s_inventory.queries import query_pack
from k8s_inventory.store.statements import environment

Json = dict[str, Any]

DATASOURCE = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}

FINDINGS = (
    *("security/privileged", "security/host_namespaces", "security/host_paths"),
    *("rbac/cluster_admins", "rbac/who_can_read_secrets"),
    *("network/ingresses_without_tls", "network/services_without_pods"),
    *("images/latest_tags", "images/pull_errors"),
    *("reliability/crash_loops", "reliability/unschedulable", "reliability/failed_jobs", "reliability/nodes_not_ready"),
    *("orphans/missing_references", "upgrades/objects_in_versions_that_go"),
)
"""The ready-made queries whose hits are counted. All of them run whenever the panel is loaded."""

ANSWERS = ("images/running", "reliability/pods_by_status")
"""Those that have a panel of their own."""

_OUTCOMES = {
    "complete": "green",
    "absent": "text",
    "unsupported": "text",
    "running": "blue",
    "partial": "yellow",
    "forbidden": "orange",
    "unauthorized": "red",
    "unreachable": "red",
    "failed": "red",
    "busy": "blue",
}
_CHANGES = {"created": "green", "updated": "blue", "deleted": "red"}
_DAY = 86400


def dashboard() -> str:
    """All of it, as JSON."""
    pack = query_pack()
    panels = [
        _row("How far it can be trusted"),
        _stat(
            "now",
            "Clusters that are configured; kinds whose last attempt was complete, or not; age of the oldest rows.",
        ),
        _table("clusters", "Clusters", "Those of which most is not known come first.", _OLDEST, _NOT_COMPLETE),
        _table("objects", "Objects now", "Rows of each kind.", _bar("objects")),
        _table(
            "coverage",
            "Coverage",
            "The last attempt of each kind. Rows are exact as of their age, whatever came after that.",
            _coloured("outcome", _OUTCOMES),
            _old("age"),
            _field("seconds", unit="s"),
            width=24,
        ),
        _row("Over time"),
        _series("counts", "Objects", "What complete listings of the chosen kinds had.", {"spanNulls": True}),
        _series("changes", "Changes", "In all kinds, where history is kept.", _BARS, colours=_CHANGES),
        _series("attempts", "How attempts ended", "Of the chosen kinds.", _BARS, colours=_OUTCOMES),
        _series(
            "taken",
            "Time that reading took",
            "Of the chosen kinds, which are read side by side.",
            _BARS,
            unit="s",
            measure="seconds",
        ),
        _series("taken", "Bytes that were read", "Of the chosen kinds.", _BARS, unit="bytes", measure="bytes"),
        _table("latest_changes", "Latest changes", "200 of the time that is shown.", _coloured("change", _CHANGES)),
        _row("Answers"),
        _panel(
            "table",
            "Hits of ready-made queries",
            "docs/queries.md says what to do. Of a cluster for which it can not speak, `not_known` says why.",
            [_sql("finding", query=pack[path]) for path in FINDINGS],
            transformations=[{"id": "merge", "options": {}}],
            overrides=[_bar("hits")],
            width=24,
        ),
        _series(
            "hits",
            "Hits over time",
            "Of all clusters, as the DAG k8s_inventory_report has counted them; of queries that had any.",
            {"spanNulls": True},
            width=24,
        ),
        *(
            _panel("table", pack[path].title, pack[path].meaning, [_sql("answer", query=pack[path])])
            for path in ANSWERS
        ),
    ]
    return json.dumps(_whole(_placed(panels)), indent=1, ensure_ascii=False) + "\n"


def _whole(panels: Sequence[Json]) -> Json:
    database = {"name": "datasource", "label": "Database", "type": "datasource", "query": DATASOURCE["type"]}
    return {
        "uid": "k8s-inventory",
        "title": "Kubernetes inventory",
        "description": "What the inventory holds of Kubernetes clusters, how well that is known, and what changed.",
        "tags": ["kubernetes", "k8s-inventory"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-7d", "to": "now"},
        "refresh": "5m",
        "annotations": {"list": []},
        "templating": {
            "list": [
                database,
                _variable("context", "Cluster", "SELECT context_name FROM k8s_clusters"),
                _variable("kind", "Kind", "SELECT DISTINCT kind FROM k8s_sync_targets"),
            ]
        },
        "panels": list(panels),
    }


def _variable(name: str, label: str, query: str) -> Json:
    """A choice of several; that of all is the query itself, so that a list of none is no syntax error."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": f"{query} ORDER BY 1",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": query,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _placed(panels: Sequence[Json]) -> Sequence[Json]:
    """With ids and places: from left to right, where 24 is the width of all."""
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        size = panel["gridPos"]
        if x + size["w"] > 24:
            x, y, height = 0, y + height, 0
        panel["id"] = number
        size |= {"x": x, "y": y}
        x, height = x + size["w"], max(height, size["h"])
    return panels


def _sql(name: str, **given: Any) -> str:
    return environment().get_template(f"grafana/{name}.sql").render(given) + "\n"


# -- panels ----------------------------------------------------------------------------------------


def _row(title: str) -> Json:
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"h": 1, "w": 24}}


def _panel(
    type: str,
    title: str,
    description: str,
    statements: Sequence[str],
    *,
    width: int = 12,
    height: int = 9,
    format: str = "table",
    defaults: Json | None = None,
    overrides: Sequence[Json] = (),
    **more: Any,
) -> Json:
    query = {"datasource": DATASOURCE, "format": format, "rawQuery": True, "editorMode": "code"}
    return {
        "type": type,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"h": height, "w": width},
        "targets": [{**query, "refId": chr(65 + number), "rawSql": sql} for number, sql in enumerate(statements)],
        "fieldConfig": {"defaults": defaults or {}, "overrides": list(overrides)},
        **more,
    }


def _stat(name: str, description: str) -> Json:
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "/.*/"},
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "value_and_name",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }
    overrides = [_OLDEST, _NOT_COMPLETE]
    return _panel("stat", "Now", description, [_sql(name)], width=24, height=4, options=options, overrides=overrides)


def _table(name: str, title: str, description: str, *overrides: Json, width: int = 12) -> Json:
    return _panel("table", title, description, [_sql(name)], width=width, overrides=overrides)


_BARS = {"drawStyle": "bars", "fillOpacity": 70, "stacking": {"mode": "normal"}}


def _series(
    name: str,
    title: str,
    description: str,
    drawn: Json,
    *,
    unit: str = "short",
    colours: Mapping[str, str] | None = None,
    width: int = 12,
    **given: str,
) -> Json:
    overrides = [
        _field(series, color={"mode": "fixed", "fixedColor": colour}) for series, colour in (colours or {}).items()
    ]
    defaults = {"unit": unit, "min": 0, "custom": drawn}
    legend = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    return _panel(
        *("timeseries", title, description, [_sql(name, **given)]),
        width=width,
        format="time_series",
        defaults=defaults,
        overrides=overrides,
        options=options,
        interval="5m",
    )


# -- fields ----------------------------------------------------------------------------------------


def _field(name: str, **properties: Any) -> Json:
    found = [{"id": key.replace("_", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": found}


def _from(*steps: tuple[float, str]) -> Json:
    """Green, and from each of these values on another colour."""
    return {
        "mode": "absolute",
        "steps": [{"value": None, "color": "green"}, *({"value": v, "color": c} for v, c in steps)],
    }


def _old(name: str) -> Json:
    """Seconds, yellow after a day and a bit, red after two days."""
    thresholds = _from((1.25 * _DAY, "yellow"), (2 * _DAY, "red"))
    return _field(name, unit="s", thresholds=thresholds, custom_cellOptions={"type": "color-text"})


def _coloured(name: str, colours: Mapping[str, str]) -> Json:
    options = {text: {"color": colour, "index": number} for number, (text, colour) in enumerate(colours.items())}
    return _field(name, mappings=[{"type": "value", "options": options}], custom_cellOptions={"type": "color-text"})


def _bar(name: str) -> Json:
    return _field(name, custom_cellOptions={"type": "gauge", "mode": "basic"}, min=0)


_OLDEST = _old("oldest")
_NOT_COMPLETE = _field("not_complete", thresholds=_from((1, "orange")), custom_cellOptions={"type": "color-text"})
