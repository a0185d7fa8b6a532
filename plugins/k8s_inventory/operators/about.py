"""What Airflow shows of the DAGs to their users, and where its pages are."""

from __future__ import annotations

from collections.abc import Mapping

from airflow.sdk.configuration import conf

from k8s_inventory.outcome import Outcome
from k8s_inventory.settings import Settings, per_run_settings

_INVENTORY = """
Reads all objects of Kubernetes clusters, and makes the tables in PostgreSQL hold just them.

**Tasks.** `plan` finds the contexts, and refuses what is not there. `sync` reads: a mapped task takes a context and a
family of kinds. `views` keeps a view for each CRD. `report` says what every kind of every context came to, and fails
the run if one of them failed. A task that is cleared is done again.

**Params** are for one run. What is left empty is what the operator has set for all, by default everything.

{params}

**Outcomes** of a kind of a context, in the report and in SQL. Only `complete` and, once it is proven, `absent` delete
rows; after all others they are as they were last known.

{outcomes}

**In SQL**: `SELECT * FROM k8s_sync_status` says how well all is known, then `k8s_pods`, `k8s_deployments` and so on.

**Pages**: [the runs]({runs}) and their reports · [{forget}]({forget_page}), for a context that is gone for good.
Tables, settings, rights of a cluster's user: the folder `docs/` of the project.
"""

_FOLLOWING = """
{what} It goes on from what [{inventory}]({inventory_page}) has read, which has to run first, and daily: new kinds and
views are its matter.

**Tasks.** `plan` finds the contexts. `sync` watches: a mapped task takes all kinds of a context, and lists what it can
not go on from. `announce` gives each table that has changed an event of its asset. What counts is the outcome of
`sync`.

**Params** are for one run. What is left empty is what the operator has set for all, by default everything.

{params}

**Outcomes** of a kind of a context, in `k8s_sync_status`. After all but `complete` rows are as they were last known.

{outcomes}

In a cluster it needs the right `watch` beside `list`: `docs/rbac.md` of the project. When to use it: `docs/modes.md`.
"""

_WHAT = {
    "incremental": "Brings the tables in PostgreSQL up to date, by what has changed in clusters since the last run.",
    "watch": "Holds the tables in PostgreSQL up to date: what changes in a cluster is there a second or two later.",
}

_FORGETTING = """
Deletes all that the inventory holds of one context, its history included. It does not come back.

**Param** `context`: its name, as `SELECT context_name, unconfigured_since FROM k8s_clusters` has it. Its cluster is not
asked, and nothing is changed in it. While a sync writes the context this waits for it, and a sync for this.

The next run of [{inventory}]({inventory_page}) reads the context again where it is still configured.
"""


_REPORT = """
Asks the ready-made queries of the inventory after each run of [{inventory}]({inventory_page}), and tells which hits are
new.

**The task** `ask` asks each query once, and says of each how many hits it has, how many are new, and how many gone. The
run's note is the short of it. A query that fails does not keep others from being asked; the run fails at its end.

**New** is a hit that the answer before did not have. The first time that a query is asked, or speaks of a context,
nothing is new. Of a context that is not known just now nothing is new, and nothing gone.

**Where it is**: a CSV file of each answer and the picture `counts.svg` in the folder that the operator has set; counts
in SQL: `SELECT * FROM k8s_answers ORDER BY asked_at DESC`. New hits go to whom the operator has set, once.

What each query means, and what to do about a hit: `docs/queries.md` of the project. Settings: `docs/report.md`.
"""


def about_inventory(*, inventory: str, forget: str) -> str:
    """What the DAG does, its Params, outcomes and pages, in Markdown. `inventory`, `forget`: the ids of the DAGs."""
    return _INVENTORY.format(
        params=_params(),
        outcomes=_outcomes(),
        forget=forget,
        forget_page=page(f"dags/{forget}"),
        runs=page(f"dags/{inventory}/runs"),
    )


def about_following(*, inventory: str, mode: str) -> str:
    """The same of the DAG of a mode, `incremental` or `watch`."""
    return _FOLLOWING.format(
        what=_WHAT[mode],
        params=_params(),
        outcomes=_outcomes(),
        inventory=inventory,
        inventory_page=page(f"dags/{inventory}"),
    )


def about_report(*, inventory: str) -> str:
    """What the DAG of the report does, in Markdown."""
    return _REPORT.format(inventory=inventory, inventory_page=page(f"dags/{inventory}"))


def about_forgetting(*, inventory: str) -> str:
    """What the other DAG does, in Markdown."""
    return _FORGETTING.format(inventory=inventory, inventory_page=page(f"dags/{inventory}"))


def page(path: str) -> str:
    """The address of a page of Airflow's, for a browser."""
    base_url = conf.get("api", "base_url", fallback="") or ""
    return f"{base_url.rstrip('/')}/{path}"


def _params() -> str:
    fields = Settings.model_fields
    return _table("Param", {name: fields[name].description or "" for name in per_run_settings()})


def _outcomes() -> str:
    return _table("outcome", {each.value: each.advice for each in reversed(Outcome)})


def _table(title: str, rows: Mapping[str, str]) -> str:
    lines = [f"| `{name}` | {text.replace('|', chr(92) + '|')} |" for name, text in rows.items()]
    return "\n".join([f"| {title} | |", "| --- | --- |", *lines])
