"""DATABASE_URL: what is meant is taken, what is not is refused, and neither shows a password."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from k8s_inventory.store import StoreError
from k8s_inventory.store.database import connection_parameters
from quickstart import postgres

SECRET = "pl4nted"


@pytest.mark.parametrize(
    "password",
    [
        *(f"{SECRET[:4]}{each}{SECRET}" for each in ("/", "@", "%", " ", "%zz", "@/", "/@", "/?", "@?", "%00")),
        *(f"{each}{SECRET}" for each in ("/", "@", "%", "12/", "12@", "5432/", "a:b/", "[/", "[@", "5432/a?b=c@")),
        f"{SECRET}@",
        f"{SECRET}/",
        f"a@{SECRET}:1",
        f"a,b/{SECRET}",
    ],
)
@pytest.mark.parametrize("end", ["host/db", "host:5432/db", "h1:1,h2:2/db?sslmode=require", "host", "[::1]:5432/db"])
def test_a_password_that_is_not_escaped_is_refused_and_not_repeated(password: str, end: str) -> None:
    with pytest.raises(StoreError) as raised:
        connection_parameters(f"postgresql://user:{password}@{end}")
    assert "DATABASE_URL is malformed" in str(raised.value)
    assert "percent-encoded" in str(raised.value)
    for part in (SECRET, "5432/", "user", "host"):
        assert part not in str(raised.value).replace("user:password@host:5432/database", "")


@pytest.mark.parametrize(
    "given",
    [
        *("mysql://user:pl4nted@h/d", "postgresql+psycopg://user:pl4nted@h/d", "postgresql//user:pl4nted@h"),
        *("host=h password=pl4nted word", "host=h password='pl4nted", "host=h password=a port=pl4nted"),
        *("postgresql://h/d?password=pl4nted&word", "postgresql://h/d?pass=pl4nted", "postgresql://u@x:pl4nted@h/d"),
        *("'postgresql://user:pl4nted@h/d'", '"postgresql://user:pl4nted@h/d"'),
        *("postgresql://user:pl4nted\0@h/d", "\ud800pl4nted", "host=h,g password=pl4nted port=1,x"),
    ],
)
def test_what_is_no_url_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(StoreError, match="DATABASE_URL is malformed") as raised:
        connection_parameters(given)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("postgresql://u:a%2Fb%40c@h/d", {"password": "a/b@c", "host": "h", "dbname": "d"}),
        ("postgresql://u:a#b@h/d", {"password": "a#b", "host": "h"}),
        ("postgresql://u:a?b@h/d", {"password": "a?b", "host": "h"}),
        ("postgresql://u:a[b]@h/d", {"password": "a[b]", "host": "h"}),
        ("postgresql://u:a:b@h/d", {"password": "a:b", "host": "h"}),
        ("postgresql://h/d?user=u&password=a/b@c", {"password": "a/b@c", "user": "u"}),
        ("postgresql://h1:1,h2:25432/d", {"host": "h1,h2", "port": "1,25432"}),
        ("postgres://u@[::1]:5433,h2/d%40e", {"host": "::1,h2", "port": "5433,", "dbname": "d@e"}),
        ("postgresql:///d?host=/tmp&port=5432", {"host": "/tmp", "port": "5432"}),
        ("postgresql://%2Ftmp/d", {"host": "/tmp"}),
        ("host=h password='a/b@c x://y' dbname=d", {"password": "a/b@c x://y"}),
        ("\n postgresql://u:p@h/d\r\n", {"password": "p", "dbname": "d"}),
    ],
)
def test_what_libpq_takes_as_it_is_meant_is_taken(given: str, meant: dict[str, str]) -> None:
    assert connection_parameters(given).items() >= meant.items()
    shown = postgres.shown(given)
    assert conninfo_to_dict(shown) == {
        name: v for name, v in connection_parameters(given).items() if name != "password"
    }


@pytest.mark.parametrize(
    "given",
    [
        *("postgresql://u:pl4nted@h/d", "postgresql://u@h/d?password=pl4nted", "host=h user=u password=pl4nted"),
        *("postgresql://u:x@h/d?password=pl4nted", "host=h password = 'a pl4nted'", "postgres://:pl4nted@/d"),
        *("postgresql://h/d?sslpassword=pl4nted", "postgresql://h/d?oauth_client_secret=pl4nted"),
        *("postgresql://h/d?scram_client_key=pl4nted", "postgresql://u:a%20pl4nted@h1:1,h2:2/d"),
    ],
)
def test_no_secret_is_shown_nor_among_the_arguments_of_psql(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SECRET not in postgres.shown(given)
    monkeypatch.setenv("DATABASE_URL", given)
    command, env = postgres.psql()
    assert SECRET not in " ".join(command)
    password = connection_parameters(given).get("password")
    assert env.get("PGPASSWORD") == password


def test_psql_is_given_everything_else_too(monkeypatch: pytest.MonkeyPatch) -> None:
    given = "postgresql://u@h1:1,h2:2/d?sslmode=require&keepalives_idle=7&options=-csearch_path%3Da"
    monkeypatch.setenv("DATABASE_URL", given)
    command, env = postgres.psql()
    assert command[1:] == ["keepalives_idle=7"]
    names = {"PGUSER": "u", "PGHOST": "h1,h2", "PGPORT": "1,2", "PGDATABASE": "d", "PGSSLMODE": "require"}
    assert env.items() >= {**names, "PGOPTIONS": "-csearch_path=a"}.items()
