"""DATABASE_URL in all forms that libpq knows: it works by both front doors, or is refused in words, at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from k8s_inventory.settings import Settings
from k8s_inventory.store import Store, StoreError


@pytest.fixture(params=["airflow", "cloudquery"])
def connect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Store]:
    """As the front door does."""
    if request.param == "cloudquery":
        return Store.connect
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    from k8s_inventory.hooks.inventory import InventoryHook

    return lambda url: InventoryHook(Settings.load({"database_url": url})).store()


FORMS = {
    "a socket in the URL": "postgresql://postgres@{escaped}/{dbname}",
    "a socket as a parameter": "postgresql:///{dbname}?host={host}&user=postgres",
    "two hosts": "postgresql://postgres@{escaped},localhost:1/{dbname}",
    "two hosts, the first of which is down": "postgresql://postgres@localhost:1,{escaped}:5432/{dbname}",
    "two ports": "host=/nowhere,{host} port=1,5432 user=postgres dbname={dbname}",
    "one port for two hosts": "host=/nowhere,{host} port=5432 user=postgres dbname={dbname}",
    "an empty port": "postgresql://postgres@%2Fnowhere:1,{escaped}:/{dbname}",
    "a writer": "postgresql://postgres@%2Fnowhere,{escaped}/{dbname}?target_session_attrs=read-write",
    "any host": "postgresql://postgres@localhost:1,{escaped}/{dbname}?load_balance_hosts=random",
    "pairs": "host='{host}' user = postgres dbname={dbname}",
    "a service": "service=inventory",
    "a service in a URL": "postgresql://?service=inventory&application_name=x",
    "a service and more": "service=inventory dbname={dbname}",
    "nothing but the environment": "postgresql://",
    "blanks around a port": "host={host} port=' 5432 ' user=postgres dbname={dbname}",
    "a password file": "postgresql://postgres@{escaped}/{dbname}?passfile=/nowhere",
    "options": "postgresql://postgres@{escaped}/{dbname}?options=-csearch_path%3Dpublic",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_libpq_knows_works(
    form: str, connect: Callable[[str], Store], database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {name: str(value) for name, value in conninfo_to_dict(database_url).items()}
    services = tmp_path / "services"
    services.write_text(f"[inventory]\nhost={parts['host']}\nuser=postgres\ndbname={parts['dbname']}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    if form.startswith("nothing"):
        for name in ("host", "user", "dbname"):
            monkeypatch.setenv({"dbname": "PGDATABASE"}.get(name, f"PG{name.upper()}"), parts[name])
    url = FORMS[form].format(escaped=parts["host"].replace("/", "%2F"), **parts)
    with connect(url) as store:
        assert store.connection.execute("SELECT current_database()").fetchone() == (parts["dbname"],)


@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://h1:1,h2:2,h3:3/d?port=1,2", "host=h1,h2,h3 port=1,2", "hostaddr=127.0.0.1 host=a,b"),
        *("service=nowhere", "postgresql://127.0.0.1:99999/d", "postgresql://127.0.0.1:1,127.0.0.1:2/d"),
        *("postgresql://127.0.0.1:1/d?sslmode=perhaps", "postgresql://127.0.0.1:1/d?connect_timeout=soon"),
        *("postgresql://u:pl4nted@127.0.0.1:1/d?sslrootcert=/nowhere&sslmode=verify-full", "host=/nowhere"),
        *("postgresql://127.0.0.1:1/d?target_session_attrs=odd", "postgresql://,/d?port=1", "host=127.0.0.1 port=0"),
        *("hostaddr=nowhere port=1", "postgresql://no.such.host.invalid:1,127.0.0.1:1/d", "postgresql://ü:1/d"),
    ],
)
def test_what_leads_nowhere_is_refused_in_words(url: str, connect: Callable[[str], Store]) -> None:
    start = time.monotonic()
    with pytest.raises(StoreError, match="^(database: |DATABASE_URL is malformed).{10}") as refused:
        connect(url)
    assert time.monotonic() - start < 30
    assert "pl4nted" not in str(refused.value)


def test_a_standby_is_passed_over(database_url: str, connect: Callable[[str], Store]) -> None:
    """By `target_session_attrs`, as libpq does; a role that is read-only looks the same to it."""
    parts = conninfo_to_dict(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER ROLE CURRENT_USER SET default_transaction_read_only = on")
        try:
            with pytest.raises(StoreError, match="^database: .*read-only"):
                connect(f"host={parts['host']} user=postgres dbname={parts['dbname']} target_session_attrs=read-write")
        finally:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER ROLE CURRENT_USER RESET ALL")
