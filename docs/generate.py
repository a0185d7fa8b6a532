"""Writes the pages of docs/ that come from the code, and the dashboard; `--check` fails where one is stale.

python -m docs.generate [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from docs.dashboard import dashboard
from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS, TABLES, Column, Kind
from k8s_inventory.queries import query_pack
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
            kept = (
                f" Rows whose objects are gone stay in `{kind.kept_in}`; see [history.md](history.md)."
                if kind.kept_in
                else ""
            )
            yield f"It has no history.{kept}\n"
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
        "of them is the operator's ([security.md](security.md)). Lists in the environment are separated by commas, or in JSON. The",
        "DAG files themselves read `K8S_SCHEDULE` (default `@daily`) and `K8S_INCREMENTAL_SCHEDULE` (default `*/5 * * * *`), each",
        "cron, a preset, or `none` or empty for none; `K8S_REPORT_SCHEDULE` (empty, as by default: after each run; `none`: never), `K8S_POOL`",
        "(default `default_pool`), `K8S_RETRIES`, `K8S_TASK_TIMEOUT` and `K8S_RUN_TIMEOUT` when Airflow parses them.\n",
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
        "The inventory only ever lists, or watches what it has listed: `watch` may be left out, which has\n"
        "the runs that go on from where rows are list instead ([modes.md](modes.md)). `get` on the one namespace `kube-system` tells clusters apart by its UID;\n"
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
        "```yaml\n- apiGroups:\n  - cert-manager.io\n  resources:\n  - '*'\n  verbs:\n  - list\n  - watch\n```\n\n"
        "In single namespaces, a Role with the same rules does for these; see [choosing.md](choosing.md). A kind that is read\n"
        "under a selector also takes `get`, to learn whether what is missing is gone.\n"
    )


def cluster_role() -> str:
    """The ClusterRole as YAML, a rule for each API group."""
    groups: dict[str, list[str]] = {}
    for kind in KINDS.values():
        groups.setdefault(kind.group, []).append(kind.plural)
    rules: list[dict[str, list[str]]] = [
        {"apiGroups": [group], "resources": plurals, "verbs": ["list", "watch"]} for group, plurals in groups.items()
    ]
    kube_system = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "k8s-inventory"},
        "rules": [*rules, kube_system],
    }
    return yaml.safe_dump(role, sort_keys=False)


def queries() -> str:
    """docs/queries.md: every ready-made query, by its header."""
    return "\n".join(_queries()) + "\n"


_FOLDERS = {
    "security": "how pods are locked in",
    "rbac": "who may do what",
    "network": "what is reached, and from where",
    "images": "what runs",
    "reliability": "what fails, or will",
    "capacity": "what is asked for, and what there is",
    "orphans": "what nothing uses",
    "upgrades": "what the next Kubernetes breaks",
    "drift": "what differs between clusters",
    "inventory": "what the inventory itself knows",
    "history": "what was; see [history.md](history.md)",
}


def _queries() -> Iterator[str]:
    pack = query_pack()
    yield "# Ready-made queries"
    yield "\nGenerated from the headers of `include/sql/queries/` by `make docs`.\n"
    yield f"{len(pack)} questions, each a file for `psql -f`, or any other client: one statement, no parameters. What is asked,"
    yield "where that can be chosen, stands at the top, in `asked`.\n"
    yield "```\nmake psql\n=> \\i include/sql/queries/security/privileged.sql\n```\n"
    yield "**Forbidden does not look like no finding.** Each answer has the columns `context_name` and `not_known`. A row whose"
    yield "`not_known` is null is a hit. Any other row is a context of which the answer can not speak, or not as of now, and says why:\n"
    yield "```"
    yield " context_name |                           not_known                           | namespace | ..."
    yield "--------------+---------------------------------------------------------------+-----------+-----"
    yield " prod         |                                                               | shop      | ..."
    yield " staging      | unreachable, rows as of 2026-11-26 03:54Z: pods               |           |"
    yield " edge         | forbidden, never whole: serviceaccounts; never read: pods     |           |"
    yield "```\n"
    yield "A query that finds what is missing (orphans, pods without a policy) has no hits in a context of which it has not read all"
    yield "that it needs as of the last attempt: it says so in place of a guess. An answer over all contexts together has a null"
    yield "`context_name` in its hits. `k8s_not_known(ARRAY['pods', 'nodes'])` is what all of them ask; use it in queries of yours.\n"
    yield "The DAG `k8s_inventory_report` asks them after each run and tells of hits that are new: see [report.md](report.md).\n"
    yield "In Python, `k8s_inventory.queries.query_pack()` has them with title, meaning, action, source, kinds and SQL. Each has a test"
    yield "with a hit and a near miss on a real API server; those on Pod Security Standards and RBAC agree with its own admission and"
    yield "SubjectAccessReview. What they cost is in [performance.md](performance.md#ready-made-queries).\n"
    yield "Sources are named, not quoted: the [NSA/CISA Kubernetes Hardening Guide](https://media.defense.gov/2022/Aug/29/2003066362/-1/-1/0/CTR_KUBERNETES_HARDENING_GUIDANCE_1.2_20220829.PDF), the [Pod Security Standards](https://kubernetes.io/docs/concepts/security/pod-security-standards/), the CIS Kubernetes Benchmark, and the [Kubernetes documentation](https://kubernetes.io/docs/)."
    for folder, about in _FOLDERS.items():
        yield f"\n## {folder}\n\n{about[0].upper()}{about[1:]}.\n"
        for query in pack.values():
            if query.folder != folder:
                continue
            yield f"### {query.title}\n"
            yield f"`{query.path}.sql`" + (f", of {', '.join(query.kinds)}." if query.kinds else ".")
            yield f"{query.meaning}\n"
            yield f"- To do: {query.action}"
            yield f"- Known again by: {', '.join(query.key)}"
            yield from [f"- It can not say: {query.limits}"] if query.limits else []
            yield f"- Source: {query.source}\n"


PAGES = {
    "tables.md": tables,
    "settings.md": settings,
    "rbac.md": rbac,
    "queries.md": queries,
    "../include/grafana/k8s_inventory.json": dashboard,
}


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
