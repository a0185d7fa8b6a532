"""The inventory's database."""

from __future__ import annotations

import json
import re
from typing import Any

import psycopg
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from k8s_inventory.hooks.flags import flag
from k8s_inventory.known_secrets import learn_connection
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.store.database import connection_parameters
from k8s_inventory.store.refusals import StoreError, explained


class InventoryHook(PostgresHook):
    """PostgresHook on `DATABASE_URL` where it is set, else on the Airflow connection of the settings."""

    def __init__(self, settings: Settings, **kwargs: Any) -> None:
        self.settings = settings
        url = settings.database_url
        if url is not None:
            kwargs["connection"] = _connection(connection_parameters(url.get_secret_value()))
        super().__init__(postgres_conn_id=settings.postgres_conn_id, **kwargs)

    def store(self) -> Store:
        """A new session with the database; close it. Raises `StoreError`."""
        try:
            with explained("database"):
                learn_connection(self.connection)
                self._parse_flags()
                connection = self.get_conn()
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - the lookup of a connection raises what the secrets backend raises
            raise StoreError(
                f"no database: set DATABASE_URL, or make the Airflow connection {self.settings.postgres_conn_id!r} "
                f"({type(error).__name__})",
                retryable=not isinstance(error, AirflowNotFoundException),
            ) from None
        if not isinstance(connection, psycopg.Connection):
            raise StoreError("psycopg 3 is needed: install psycopg[binary] beside apache-airflow-providers-postgres")
        return Store(connection, schema=self.settings.schema_name)

    def _parse_flags(self) -> None:
        """PostgresHook takes any text for true, `false` in a connection's URI, too; and psycopg none for a number."""
        extra = dict(self.connection.extra_dejson)
        extra.pop("cursor", None)  # of what kind the rows are that others read of it; some kinds psycopg 3 refuses
        for name in extra.keys() & {"iam", "redshift", "redshift-serverless"}:
            try:
                extra[name] = flag(extra[name], name)
            except ValueError as error:
                raise StoreError(f"Airflow connection {self.settings.postgres_conn_id!r}: {error}") from None
        if "prepare_threshold" in extra:
            given = str(extra["prepare_threshold"]).strip()
            if not re.fullmatch(r"\d*|None|null", given):
                raise StoreError(
                    f"Airflow connection {self.settings.postgres_conn_id!r}: prepare_threshold must be a number or null"
                )
            # By 0, what holds several statements would be prepared before psycopg sees that it can not be.
            extra["prepare_threshold"] = max(int(given), 1) if given.isdecimal() else None
        self.connection.extra = json.dumps(extra)


def _connection(parameters: dict[str, Any]) -> Connection:
    """libpq's parameters as an Airflow connection; what it has no field for goes to its extras."""
    parameters = {"connect_timeout": "10", "keepalives_idle": "30", **parameters}
    # Of several hosts each may have a port of its own. The extras win over the fields.
    port = int(parameters.pop("port")) if str(parameters.get("port", "")).isdecimal() else None
    return Connection(
        conn_id="DATABASE_URL",
        conn_type="postgres",
        host=parameters.pop("host", None),
        login=parameters.pop("user", None),
        password=parameters.pop("password", None),
        schema=parameters.pop("dbname", None),
        port=port,
        extra=json.dumps(parameters),
    )
