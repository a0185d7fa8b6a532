"""The one settings model. What wins: what is given, then the environment, then the default.

Who may give what: a DAG run chooses what is read now (`PER_RUN`), and nothing else. Where rows go, by which
credentials, and what is kept out of them is the operator's, who sets the environment of Airflow or writes the
`spec` of CloudQuery's source. A setting that does not say `PER_RUN` is the operator's.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from k8s_inventory.known_secrets import learn
from k8s_inventory.printable import ReportedError

AIRFLOW_ONLY = frozenset(
    {
        "postgres_conn_id",
        "page_conn_id",
        "page_role",
        "kubernetes_conn_ids",
        "kinds_at_once",
        "start_on_changes",
        "start_apart",
        "report_queries",
        "report_notifiers",
        "report_path",
        "report_rows",
        "report_seconds",
        "report_days",
        "max_tasks",
        "retries",
        "task_timeout",
        "run_timeout",
    }
)
"""Settings that mean something to the DAG alone."""

PER_RUN = "a DAG run may choose it"
"""Marks, in the annotation of a setting, those that a DAG run may choose by its Params."""

_MOST_OF_RUN = 100_000
"""Characters. Every word is compared with all names there are, and each task of the run is given them all."""

_MOST_NAMED = 20
"""Of what is wrong, that a message lists."""

NAMESPACE = r"-?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?|[-a-z0-9\]!]*[*?\[][-a-z0-9*?\[\]!]*)"
"""A name, an RFC 1123 label, or a pattern of names; one more `-` before either leaves it out.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
"""

NOT_IN_SELECTORS = (
    "[\x00-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\ue000-\uf8ff\ufeff\ufff0-\uffff\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
"""What a selector may say is the API server's to know; it is stored and shown, so it has no controls, formats or blanks
but the space in it: the Unicode categories Cc, Cf, Co and Z."""

Names = Annotated[list[str], NoDecode]
Selectors = Annotated[dict[str, str], NoDecode]


class SettingsError(ReportedError):
    """A setting that can not be used; the message names it, how to set it, and what is wrong."""


class Settings(BaseSettings):
    """Every setting of a sync. In the environment: `DATABASE_URL`, and `K8S_` with the name for the others."""

    model_config = SettingsConfigDict(
        env_prefix="K8S_", extra="forbid", env_ignore_empty=True, hide_input_in_errors=True
    )

    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("database_url", "DATABASE_URL"),
        description="PostgreSQL to write to, as a libpq URL. Without it the Airflow connection is used.",
    )
    postgres_conn_id: str = Field(
        default="k8s_inventory", description="Airflow connection to PostgreSQL, where DATABASE_URL is not set."
    )
    page_conn_id: str | None = Field(
        default=None,
        description="Airflow connection that the inventory page reads by. By default that of the DAG.",
    )
    page_role: str | None = Field(
        default=None, description="Role of PostgreSQL that the inventory page takes on (SET ROLE), to read by."
    )
    schema_name: str | None = Field(
        default=None, description="Schema of the tables; by default the first of the connection's search path."
    )
    source_name: str | None = Field(
        default=None,
        max_length=200,
        description="What this Airflow, or this source of CloudQuery, is called in an inventory that others write: "
        "only who had a context says that it is gone. By default the Airflow Variable `k8s_inventory_source`, which is "
        "made once; CloudQuery has none, and calls no context gone.",
    )
    kubeconfig: str | None = Field(
        default=None, description="Kubeconfig files, joined by `:`. By default $KUBECONFIG, then ~/.kube/config."
    )
    allow_missing_kubeconfigs: bool = Field(
        default=False,
        description="Let CloudQuery's source go on without a kubeconfig that is named and not there. The CLI then "
        "deletes the rows of the contexts in it. The DAG keeps rows, and only warns.",
    )
    on_incomplete: Literal["error", "keep"] = Field(
        default="error",
        description="How a sync of CloudQuery's source ends that lacks something: `error`, and nothing is deleted; "
        "`keep`, well, and stale rows go of complete kinds alone, which needs `backend_options`: see cloudquery.md.",
    )
    kubernetes_conn_ids: Names = Field(
        default=[],
        description="Airflow connections of type kubernetes, each a context of its name. They replace the kubeconfig.",
    )
    in_cluster_name: str | None = Field(
        default=None,
        description="Name under which the cluster that this runs in is read, too, by its service account.",
    )
    contexts: Annotated[list[str] | None, NoDecode, PER_RUN] = Field(
        default=None,
        description="Contexts to read; `*` is all, as by default. Names with commas or outer blanks in them "
        'must be in a list: in the environment, in JSON (`["a, b"]`).',
    )
    resources: Annotated[list[str] | None, NoDecode, PER_RUN] = Field(
        default=None,
        description="What to read: families, `custom`, kinds (plural, short name or plural.group), "
        "patterns (*.cert-manager.io), exclusions (-events). By default every family.",
    )
    namespaces: Annotated[list[str] | None, NoDecode, PER_RUN] = Field(
        default=None,
        description="Namespaces to read: names, patterns (shop-*), exclusions (-kube-system). Cluster-wide kinds are "
        "read all the same. By default all.",
    )
    label_selectors: Annotated[Selectors, PER_RUN] = Field(
        default={}, description='Label selectors by kind, such as {"pods": "app=web"}. Other objects are left alone.'
    )
    field_selectors: Annotated[Selectors, PER_RUN] = Field(
        default={}, description='Field selectors by kind, such as {"events": "type=Warning"}.'
    )
    page_size: Annotated[int, PER_RUN] = Field(
        default=500, ge=1, le=10_000, description="Objects asked for in one request."
    )
    verify: Annotated[bool, PER_RUN] = Field(
        default=False, description="Write every row whatever its version. Happens by itself once a week."
    )
    redact_env: bool = Field(
        default=True, description="Replace literal environment values of containers by <redacted>."
    )
    keep_env: Names = Field(
        default=[], description="Environment variables whose literal values are kept all the same: names or patterns."
    )
    keep_labels: Names = Field(default=[], description="Labels to store, names or patterns. By default all.")
    drop_labels: Names = Field(default=[], description="Labels not to store: names or patterns.")
    keep_annotations: Names = Field(default=[], description="Annotations to store, names or patterns. By default all.")
    drop_annotations: Names = Field(
        default=[],
        description="Annotations not to store: names or patterns. last-applied-configuration never is.",
    )
    redact: Names = Field(
        default=[],
        description="Values to replace by <redacted>, each `kind:JSONPath`, such as `pods:.spec.containers[*].args` or "
        "`*.example.com:..password`.",
    )
    config_map_values: bool = Field(default=False, description="Store the values of ConfigMaps.")
    privacy: Literal["default", "strict"] = Field(
        default="default",
        description="`strict` also redacts every text that is not known to be harmless, and what looks like a "
        "credential: see privacy.md.",
    )
    digest_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Key of the digests in `k8s_configmaps.value_digests`, by which equal values show. At least 16 "
        "characters.",
    )
    accept_repointed: Annotated[Names, PER_RUN] = Field(
        default=[],
        description="Contexts that may lead to another cluster than last time; its rows then replace the old ones. A "
        "run may name them only under `runs_may_accept_repointed`.",
    )
    runs_may_accept_repointed: bool = Field(
        default=False,
        description="Let who may trigger the DAG say, by `accept_repointed`, that another cluster is meant.",
    )
    history_days: int = Field(
        default=90,
        ge=0,
        le=36_500,
        description="Days for which it is kept what objects were before: see history.md. 0 keeps none.",
    )
    runs_days: int = Field(
        default=365,
        ge=1,
        le=36_500,
        description="Days for which attempts are kept in `k8s_sync_runs`; longer where there is history, which "
        "they account for, and always the last of each target.",
    )
    history_ignore: Names = Field(
        default=[],
        description="Changes that the history leaves out, each `kind:path`, such as "
        "`deployments.apps:.metadata.annotations['example.com/checked-at']`.",
    )
    history_ignore_noise: bool = Field(
        default=True,
        description="Leave what kinds declare as noise out of it: heartbeats of nodes, renewals of leases and leaders.",
    )
    event_days: int = Field(
        default=30,
        ge=0,
        le=36_500,
        description="Days for which Events are kept once they are gone from their cluster: see history.md. 0: none.",
    )
    connect_timeout: float = Field(default=5, gt=0, le=60, description="Seconds to wait for a connection to a cluster.")
    read_timeout: float = Field(
        default=60, gt=0, le=600, description="Seconds to wait for the next bytes of an answer."
    )
    request_timeout: float = Field(
        default=300, gt=0, le=3600, description="Seconds for an answer as a whole, however its bytes drip in."
    )
    context_timeout: float = Field(
        default=120,
        gt=0,
        le=3600,
        description="Seconds of waiting in which a context may answer nothing at all. It then counts as unreachable, "
        "for all its kinds.",
    )
    listing_timeout: float = Field(
        default=900,
        gt=0,
        le=86_400,
        description="Seconds that a listing waits for the cluster without a new object. It then ends as partial, or as "
        "failed where none came at all.",
    )
    credential_timeout: float = Field(
        default=60,
        gt=0,
        le=600,
        description="Seconds for a credential: for an exec plugin to print one, or an OIDC issuer to give one. A "
        "plugin that takes longer is ended, with all that it started.",
    )
    max_page_bytes: int = Field(
        default=1 << 26,
        ge=1 << 10,
        le=1 << 31,
        description="Bytes of one answer, unpacked. A page that has more is asked for again with half as many objects. "
        "A process takes some ten times as much memory for each kind that it reads.",
    )
    max_listing_bytes: int = Field(
        default=1 << 36, ge=1 << 10, description="Bytes of a whole listing, unpacked. It then ends as partial."
    )
    max_empty_pages: int = Field(
        default=20, ge=1, description="Pages in a row without a new object, after which a listing ends as partial."
    )
    max_custom_kinds: int = Field(
        default=10_000,
        ge=1,
        description="Kinds without a table of their own. A cluster that serves more has none read.",
    )
    max_printer_columns: int = Field(
        default=100, ge=0, le=1000, description="Printer columns of a custom kind. Those after them are left out."
    )
    max_printer_values: int = Field(
        default=50_000,
        ge=1,
        description="Values of an object that are looked at to find what its printer columns show. A column that would "
        "take more is null, and so are those after it.",
    )
    max_printer_bytes: int = Field(
        default=1 << 18, ge=1, description="Bytes of an object's printer columns. Of those that have more: the same."
    )
    requests_in_flight: int = Field(
        default=4, ge=1, le=64, description="Requests at a time to a cluster, for one process."
    )
    requests_per_second: float = Field(
        default=50,
        gt=0,
        description="Requests a second to a cluster, for one process; one for a single object counts a tenth.",
    )
    compress: bool | None = Field(
        default=None, description="Have answers sent as gzip. By default yes, unless the API server is on this machine."
    )
    lock_wait: float = Field(
        default=60, ge=0, le=3600, description="Seconds to wait for a target that another task writes."
    )
    kinds_at_once: int = Field(
        default=4,
        ge=1,
        le=16,
        description="Kinds that a task reads side by side, each with a database session of its own.",
    )
    watch_seconds: int = Field(
        default=3300,
        ge=1,
        le=30 * 86_400,
        description="Seconds for which a run of `k8s_inventory_watch` holds its watches open. The next one follows it.",
    )
    start_on_changes: Names = Field(
        default=[],
        description="Kinds whose changes start `k8s_inventory_incremental`, beside its schedule: see event-driven.md. "
        "At most 20, by any spelling, or families.",
    )
    start_apart: float = Field(
        default=10,
        ge=1,
        le=86_400,
        description="Seconds between a change and the start; whatever else changes in them starts nothing more.",
    )
    report_queries: Names = Field(
        default=["security", "rbac", "network", "upgrades"],
        description="Queries that `k8s_inventory_report` asks: folders of docs/queries.md, queries (`rbac/wildcards`), "
        "patterns, exclusions (-network/*).",
    )
    report_notifiers: SecretStr | None = Field(
        default=None,
        description="Who tells of new hits: notifiers of Airflow with their arguments, a JSON object such as "
        '{"airflow.providers.smtp.notifications.smtp.SmtpNotifier": {"to": "me@example.com"}}: see report.md.',
    )
    report_path: str | None = Field(
        default=None,
        description="Folder of the report's files: a path, or a URL of object storage, such as "
        "s3://connection@bucket/k8s. By default `k8s_inventory_report` in AIRFLOW_HOME.",
    )
    report_rows: int = Field(default=10_000, ge=1, le=1_000_000, description="Most rows of a CSV file of the report.")
    report_seconds: float = Field(
        default=60, gt=0, le=3600, description="Seconds that a query of the report may take. The others go on."
    )
    report_days: int = Field(
        default=365, ge=1, le=36_500, description="Days for which the report keeps its files and counts of hits."
    )
    max_tasks: int = Field(
        default=300,
        ge=1,
        le=1024,
        description="Most mapped tasks of a run, or Airflow's `max_map_length` where that is less. If that is few, "
        "each takes all kinds of a context, or of several contexts.",
    )
    retries: int = Field(default=2, ge=0, le=100, description="How often Airflow repeats a task that failed.")
    task_timeout: int = Field(
        default=7200, ge=1, le=30 * 86_400, description="Seconds after which Airflow ends an attempt of a task."
    )
    run_timeout: int = Field(
        default=12 * 3600,
        ge=1,
        le=30 * 86_400,
        description="Seconds after which Airflow ends a run, so that the next one can begin.",
    )

    @field_validator(
        "kubernetes_conn_ids",
        "contexts",
        "resources",
        "namespaces",
        "accept_repointed",
        "keep_env",
        "keep_labels",
        "drop_labels",
        "keep_annotations",
        "drop_annotations",
        "redact",
        "history_ignore",
        "start_on_changes",
        "report_queries",
        mode="before",
    )
    @classmethod
    def _listed(cls, value: Any, info: ValidationInfo) -> Any:
        """A list, one in JSON, or words separated by commas. Names of contexts may have commas and blanks in them: in a
        list they are exact."""
        if isinstance(value, str):
            found = _json_list(value)
            value = [each.strip() for each in value.split(",")] if found is None else found
        if isinstance(value, list):
            words = [str(each) for each in value]
            if info.field_name not in ("contexts", "accept_repointed"):
                words = [word.strip() for word in words]
            value = list(dict.fromkeys(word for word in words if word.strip()))
        return value

    @field_validator("namespaces")
    @classmethod
    def _are_namespaces(cls, value: list[str] | None) -> list[str] | None:
        for word in value or []:
            if not re.fullmatch(NAMESPACE, word):
                raise ValueError(
                    f"{ascii(word)[:100]} names no namespace: a name is at most 63 of a-z, 0-9 and `-`, with no `-` at "
                    "its ends; a pattern may have *, ? and [] in it; one more `-` before either leaves it out"
                )
        return value

    @field_validator("label_selectors", "field_selectors", mode="before")
    @classmethod
    def _json_object(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise ValueError('must be a JSON object, such as {"pods": "app=web"}') from None
        return value

    @field_validator("label_selectors", "field_selectors")
    @classmethod
    def _are_text(cls, value: dict[str, str]) -> dict[str, str]:
        for kind, selector in value.items():
            as_sent = selector.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # half a pair is U+FFFD
            if re.search(NOT_IN_SELECTORS, as_sent):
                raise ValueError(f"the selector of {ascii(kind)[:60]} has characters in it that do not print")
        return value

    @field_validator("privacy")
    @classmethod
    def _not_contradicted(cls, value: str, others: ValidationInfo) -> str:
        """By settings that keep everything of a kind in clear; exceptions by name, such as `keep_env`, are none."""
        for name, contradicts in (("redact_env", False), ("config_map_values", True)):
            if value == "strict" and others.data.get(name) is contradicts:
                raise ValueError(f"strict contradicts {_name((name,))}: leave out one of the two")
        return value

    @field_validator("contexts", "resources", "namespaces")
    @classmethod
    def _not_empty(cls, value: list[str] | None) -> list[str] | None:
        if value == []:
            raise ValueError("an empty list names nothing to read; leave it out to read all")
        return value

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Any, env_settings: Any, *_: Any, **__: Any
    ) -> tuple[Any, ...]:
        """What is given, then the environment, in which a blank counts as empty, and what is empty as not set."""
        env_settings.env_vars = {name: text for name, text in env_settings.env_vars.items() if text and text.strip()}
        return init_settings, env_settings

    @classmethod
    def load(cls, given: Mapping[str, Any] | None = None) -> Settings:
        """The settings from what the operator gives, where it is not null, and the environment.

        Raises `SettingsError`.
        """
        given = given or {}
        refuse_unknown_keys(given, cls.model_fields)
        try:
            settings = cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            problems = [f"{_name(each['loc'])}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors()]
            raise SettingsError("settings: " + "; ".join(problems)) from None
        learn(settings.digest_key.get_secret_value() if settings.digest_key else None)
        return settings

    @classmethod
    def of_run(cls, params: Mapping[str, Any]) -> Settings:
        """The settings of a DAG run, from its Params and the environment. `params` holds every key of the run's conf;
        what is null, or a list of nothing, is left to the environment.

        Raises `SettingsError`, above all for a key that is not `PER_RUN`, whatever its value.
        """
        refuse_unknown_keys(params, per_run_settings())
        if len(json.dumps(dict(params))) > _MOST_OF_RUN:
            raise SettingsError(
                f"settings: a run may say no more than {_MOST_OF_RUN:,} characters: choose by patterns, or in the "
                "environment of Airflow's tasks"
            )
        given = {name: value for name, value in params.items() if not _is_empty_list(value)}
        settings = cls.load(given)
        if given.get("accept_repointed") and not settings.runs_may_accept_repointed:
            raise SettingsError(
                "settings: accept_repointed: runs may not say this here: it deletes the rows of the cluster before. "
                f"Set {environment_name('accept_repointed')} where Airflow's tasks run, or let runs say it by "
                f"{environment_name('runs_may_accept_repointed')}=true"
            )
        return settings


def per_run_settings() -> list[str]:
    """The names of the settings that a DAG run may choose."""
    return [name for name, field in Settings.model_fields.items() if PER_RUN in field.metadata]


def refuse_unknown_keys(given: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises `SettingsError`, naming each key of `given` that is none of `known`; a value is never repeated."""
    problems = []
    unknown = sorted(map(str, given.keys() - set(known)), key=lambda key: (key not in Settings.model_fields, key))
    for key in unknown[:_MOST_NAMED]:
        if key in Settings.model_fields:
            problems.append(
                f"{key} is the operator's, and no run may set it: it comes from {environment_name(key)} in the "
                "environment of Airflow's tasks"
            )
        else:
            close = difflib.get_close_matches(key, list(known), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            problems.append(f"{key[:60]!r} (no such setting{hint})")
    if len(unknown) > _MOST_NAMED:
        problems.append(f"and {len(unknown) - _MOST_NAMED} more")
    if problems:
        raise SettingsError("settings: " + "; ".join(problems))


def _is_empty_list(value: Any) -> bool:
    return isinstance(value, list) and not any(str(each).strip() for each in value)


def is_pattern(word: str) -> bool:
    """Whether a word stands for all names that it matches."""
    return bool(set(word) & set("*?["))


def _json_list(text: str) -> list[str] | None:
    """None for what is no list of texts in JSON: a name, or a pattern, may begin with a bracket, too."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else None


def environment_name(setting: str) -> str:
    """The environment variable of a setting."""
    return "DATABASE_URL" if setting == "database_url" else f"K8S_{setting.upper()}"


def _name(location: tuple[int | str, ...]) -> str:
    setting = str(location[0]) if location else "?"
    return f"{setting} ({environment_name(setting)})"
