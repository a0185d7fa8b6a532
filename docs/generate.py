"""Writes the pages of docs/ that come from the code; `--check` fails where one is stale.

python -m docs.generate [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS, TABLES, Column, Kind
from k8s_inventory.settings import AIRFLOW_ONLY, Settings, environment_name, per_run_settings

FOLDER = Path(__file__).parent


def tables() -> str:
    """docs/tables.md: every table and column."""
    return "\n".join(_tables()) + "\n"


def _tables() -> Iterator[str]:
    yield "# Tables"
    yield "\nGenerated from the registry (`plugins/k8s_inventory/kinds/`) by `make docs`.\n"
    yield "The primary key is `(context_name, uid)`, of `k8s_custom_objects` `(context_name, group, plural, uid)`. Labels, annotations and arrays are empty rather than null."
    yield "Where a type has a default, that is what Kubernetes means by an object that has no such value: false, zero and the like. Null says that it is not known: it is redacted, or no value that the column can hold; or, without a default, that there is none."
    yield "CloudQuery's PostgreSQL destination keeps a timestamptz as `timestamp`, in UTC. `now() - created_at` is right there only in a session whose `TimeZone` is UTC; `now() - created_at AT TIME ZONE 'UTC'`, or `SET timezone TO 'UTC'` before, is everywhere.\n"
    yield "How fresh and how certain the rows are is in `k8s_sync_status`; see [status.md](status.md). Each table has a function, `k8s_pods_at(instant)` and so on, with the rows of then; see [history.md](history.md).\n"
    yield "| table | resource | short | kind | what it holds |"
    yield "| --- | --- | --- | --- | --- |"
    for kind in TABLES:
        short = ", ".join(kind.short_names)
        name = "any" if kind.shared_by else kind.kind
        yield f"| [`{kind.table}`](#{kind.table}) | {_resource(kind)} | {short} | {name} | {kind.description} |"
    for kind in TABLES:
        yield f"\n## {kind.table}\n\n{kind.description}\n"
        if not kind.has_history:
            yield "It has no history.\n"
        elif kind.noise:
            yield f"Noise, which the history leaves out: {', '.join(f'`{path}`' for path in kind.noise)}.\n"
        yield "| column | type | description |"
        yield "| --- | --- | --- |"
        yield "| `context_name` | text, not null | Context that the object was read through. |"
        for column in kind.columns:
            yield f"| `{column.name}` | {_type(column)} | {column.description} |"


def _resource(kind: Kind) -> str:
    """How `resources` chooses the kind."""
    if kind is CUSTOM_OBJECTS:
        return "`custom`, or each by `plural.group`"
    return f"`{kind.name}` (`{kind.plural}.{kind.group}`)" if kind.group else f"`{kind.name}` (`{kind.plural}`)"


def _type(column: Column) -> str:
    if column.required:
        return f"{column.type}, not null"
    return column.type if column.default is None else f"{column.type}, default {str(column.default).lower()}"


def settings() -> str:
    """docs/settings.md: every setting, its environment variable and default."""
    lines = [
        "# Settings",
        "\nGenerated from `plugins/k8s_inventory/settings.py` by `make docs`.\n",
        "What wins: the DAG's Params where they are not null, or the `spec` of CloudQuery's source, then the",
        'environment, then the default. A run of the DAG may choose what is read now, by the settings that have "yes" under',
        "Param, and is refused by name for any other key of its conf: where rows go, by which credentials, and what is kept out",
        "of them is the operator's ([security.md](security.md)). Lists in the environment are separated by commas, or in JSON. The DAG file itself reads `K8S_SCHEDULE` (default `@daily`; empty: none), `K8S_INCREMENTAL_SCHEDULE` (default `*/5 * * * *`),",
        "`K8S_POOL` (default `default_pool`), `K8S_RETRIES`, `K8S_TASK_TIMEOUT` and `K8S_RUN_TIMEOUT` when Airflow parses it.\n",
        "| setting | environment | Param | spec | default | what it does |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, []) else f"`{field.default}`"
        param = "yes" if name in per_run_settings() else ""
        spec = "" if name in AIRFLOW_ONLY else "yes"
        lines.append(f"| `{name}` | `{environment_name(name)}` | {param} | {spec} | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def rbac() -> str:
    """docs/rbac.md: the least rights that a full sync needs."""
    return (
        "# Rights in a cluster\n\n"
        "Generated from the registry by `make docs`; a test grants exactly this on a real API server and syncs.\n\n"
        "The inventory only ever lists. `get` on the one namespace `kube-system` tells clusters apart by its UID;\n"
        "without it, identity is the server's URL and CA. Any other line may be left out, too: the kind is then `forbidden`,\n"
        "its task says so, and nothing else changes. The lists of APIServices and CustomResourceDefinitions are also the\n"
        "proof that a kind is gone: without them, rows of a kind that is not served any more stay. So are discovery and\n"
        "`/readyz`, which every user that is known may read unless somebody took that away (`system:discovery`,\n"
        "`system:public-info-viewer`).\n\n"
        "**`list` on `secrets` allows reading them.** Kubernetes has no right to names alone. The inventory asks for\n"
        "metadata and the number of keys, never for data; who must not rely on that leaves `secrets` out.\n\n"
        "```yaml\n" + cluster_role() + "```\n\n"
        "Objects of custom kinds need a rule for each API group that you want to have in `k8s_custom_objects`; a kind\n"
        "without one is `forbidden`, by its name, and nothing else changes:\n\n"
        "```yaml\n- apiGroups:\n  - cert-manager.io\n  resources:\n  - '*'\n  verbs:\n  - list\n```\n\n"
        "In single namespaces, a Role with the same rules does for these; see [choosing.md](choosing.md). A kind that is read\n"
        "under a selector also takes `get`, to learn whether what is missing is gone.\n"
    )


def cluster_role() -> str:
    """The ClusterRole as YAML, a rule for each API group."""
    groups: dict[str, list[str]] = {}
    for kind in KINDS.values():
        groups.setdefault(kind.group, []).append(kind.plural)
    rules: list[dict[str, list[str]]] = [
        {"apiGroups": [group], "resources": plurals, "verbs": ["list"]} for group, plurals in groups.items()
    ]
    kube_system = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "k8s-inventory"},
        "rules": [*rules, kube_system],
    }
    return yaml.safe_dump(role, sort_keys=False)


PAGES = {"tables.md": tables, "settings.md": settings, "rbac.md": rbac}


def main() -> int:
    stale = []
    for name, make in PAGES.items():
        path = FOLDER / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != make():
                stale.append(name)
        else:
            path.write_text(make())
    if stale:
        print(f"stale: {', '.join(stale)}; run `make docs`", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
