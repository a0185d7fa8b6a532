"""The one settings model. What wins: what is given, then the environment, then the default.

Who may give what: a DAG run chooses what is read now (`PER_RUN`), and nothing else. Where rows go, by which
credentials, and what is kept out of them is the operator's, who sets the environment of Airflow or writes the
`spec` of CloudQuery's source. A setting that does not say `PER_RUN` is the operator's.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

AIRFLOW_ONLY = frozenset({"postgres_conn_id", "kubernetes_conn_ids", "kinds_at_once", "max_tasks"})
"""Settings that mean something to the DAG alone."""

PER_RUN = "a DAG run may choose it"
"""Marks, in the annotation of a setting, those that a DAG run may choose by its Params."""

Names = Annotated[list[str], NoDecode]
Selectors = Annotated[dict[str, str], NoDecode]


class SettingsError(Exception):
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
    schema_name: str | None = Field(
        default=None, description="Schema of the tables; by default the first of the connection's search path."
    )
    kubeconfig: str | None = Field(
        default=None, description="Kubeconfig files, joined by `:`. By default $KUBECONFIG, then ~/.kube/config."
    )
    kubernetes_conn_ids: Names = Field(
        default=[],
        description="Airflow connections of type kubernetes, each a context of its name. They replace the kubeconfig.",
    )
    in_cluster_name: str | None = Field(
        default=None,
        description="Name under which the cluster that this runs in is read, too, by its service account.",
    )
    contexts: Annotated[Names | None, PER_RUN] = Field(
        default=None, description="Contexts to read. By default all that are configured."
    )
    resources: Annotated[Names | None, PER_RUN] = Field(
        default=None,
        description="What to read: families, `custom`, kinds (plural, short name or plural.group), "
        "patterns (*.cert-manager.io), exclusions (-events). By default every family.",
    )
    namespaces: Annotated[Names | None, PER_RUN] = Field(
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
    connect_timeout: float = Field(default=5, gt=0, le=60, description="Seconds to wait for a connection to a cluster.")
    read_timeout: float = Field(
        default=60, gt=0, le=600, description="Seconds to wait for the next bytes of an answer."
    )
    requests_in_flight: int = Field(
        default=4, ge=1, le=64, description="Requests at a time to a cluster, for one process."
    )
    requests_per_second: float = Field(default=50, gt=0, description="Requests a second to a cluster, for one process.")
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
    max_tasks: int = Field(
        default=300,
        ge=1,
        le=1024,
        description="Above this many tasks a mapped task takes all kinds of a context; 1024 is Airflow's own bound.",
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
        mode="before",
    )
    @classmethod
    def _comma_separated(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = value.split(",")
        if isinstance(value, list):
            value = list(dict.fromkeys(str(each).strip() for each in value if str(each).strip()))
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

    @field_validator("contexts", "resources", "namespaces")
    @classmethod
    def _not_empty(cls, value: list[str] | None) -> list[str] | None:
        if value == []:
            raise ValueError("an empty list names nothing to read; leave it out to read all")
        return value

    @classmethod
    def load(cls, given: Mapping[str, Any] | None = None) -> Settings:
        """The settings from what the operator gives, where it is not null, and the environment.

        Raises `SettingsError`.
        """
        given = given or {}
        refuse_unknown_keys(given, cls.model_fields)
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            problems = [f"{_name(each['loc'])}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors()]
            raise SettingsError("settings: " + "; ".join(problems)) from None

    @classmethod
    def of_run(cls, params: Mapping[str, Any]) -> Settings:
        """The settings of a DAG run, from its Params and the environment. `params` holds every key of the run's conf.

        Raises `SettingsError`, above all for a key that is not `PER_RUN`, whatever its value.
        """
        refuse_unknown_keys(params, per_run_settings())
        settings = cls.load(params)
        if params.get("accept_repointed") and not settings.runs_may_accept_repointed:
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
    for key in sorted(map(str, given.keys() - set(known))):
        if key in Settings.model_fields:
            problems.append(
                f"{key} is the operator's, and no run may set it: it comes from {environment_name(key)} in the "
                "environment of Airflow's tasks"
            )
        else:
            close = difflib.get_close_matches(key, list(known), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            problems.append(f"{key[:60]!r} (no such setting{hint})")
    if problems:
        raise SettingsError("settings: " + "; ".join(problems))


def environment_name(setting: str) -> str:
    """The environment variable of a setting."""
    return "DATABASE_URL" if setting == "database_url" else f"K8S_{setting.upper()}"


def _name(location: tuple[int | str, ...]) -> str:
    setting = str(location[0]) if location else "?"
    return f"{setting} ({environment_name(setting)})"
