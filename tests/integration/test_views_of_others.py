"""Views of CRDs that this role may not touch are named, and all others are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from k8s_inventory.store import Store
from k8s_inventory.sync import refresh_crd_views
from tests.integration.test_hostile_database import add_object, define, names_in
from tests.integration.test_store import role

TEXT = {"size": {"type": "string"}}
MORE = {**TEXT, "zone": {"type": "string"}}
OTHER = {"size": {"type": "integer"}}


@pytest.fixture
def maker(store: Store, database_url: str) -> Iterator[Store]:
    """A role that may make views, and owns no table."""
    grants = ["GRANT USAGE, CREATE ON SCHEMA public TO {role}", "GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"]
    with Store.connect(role(database_url, "k8s_maker", *grants)) as made:
        yield made


@pytest.mark.parametrize("change", ["in place", "made anew", "dropped"])
def test_a_view_of_another_role_is_left_and_named(store: Store, maker: Store, change: str) -> None:
    for letter in "abcd":
        define(store, "widgets", f"{letter}.example", TEXT)
        add_object(store, "widgets", f"{letter}.example", letter, {"size": "1"})
    assert len(refresh_crd_views(maker).made) == 4
    for letter in "ac":
        store.connection.execute(f"ALTER VIEW crd_widgets_{letter}_example OWNER TO postgres".encode())
    for letter in "abcd":
        if change == "dropped":
            store.connection.execute("DELETE FROM k8s_custom_resources WHERE uid = %s", [f"widgets.{letter}.example"])
        else:
            define(store, "widgets", f"{letter}.example", MORE if change == "in place" else OTHER)
    define(store, "widgets", "e.example", TEXT)
    changes = refresh_crd_views(maker)
    assert changes.kept.keys() == {"crd_widgets_a_example", "crd_widgets_c_example"}
    assert all("must be owner of view" in each for each in changes.kept.values())
    assert sorted(changes.refused) == sorted(changes.kept)
    assert len(changes.warnings()) == 2
    done = {f"crd_widgets_{letter}_example" for letter in "bd"}
    assert set(changes.dropped if change == "dropped" else changes.made) >= done
    assert "crd_widgets_e_example" in changes.made
    assert names_in(store, "crd_widgets_a_example") == ["a"]


def test_whatever_keeps_one_view_from_being_made_keeps_no_other(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for letter in "abc":
        define(store, "widgets", f"{letter}.example", TEXT)
    for statement in (
        "CREATE FUNCTION refused() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%a_example') "
        "THEN RAISE 'no view today'; END IF; END $$",
        "CREATE EVENT TRIGGER refused ON ddl_command_end EXECUTE FUNCTION refused()",
    ):
        store.connection.execute(statement.encode())
    changes = refresh_crd_views(store)
    assert changes.made == ["crd_widgets_b_example", "crd_widgets_c_example"]
    assert "no view today" in changes.kept["crd_widgets_a_example"]


def test_a_wait_that_the_role_bounds_is_one_views_alone(
    store: Store, database_url: str, sync: Callable[..., object]
) -> None:
    """`statement_timeout` and `lock_timeout` of the role end one statement, and not what comes after it."""
    for letter in "ab":
        define(store, "widgets", f"{letter}.example", TEXT)
    refresh_crd_views(store)
    for letter in "ab":
        define(store, "widgets", f"{letter}.example", MORE)
    with Store.connect(database_url) as reader, reader.connection.transaction():
        reader.connection.execute("SELECT * FROM crd_widgets_a_example")
        store.connection.execute("SET statement_timeout = '300ms'")
        changes = refresh_crd_views(store)
    assert changes.made == ["crd_widgets_b_example"]
    assert list(changes.kept) == ["crd_widgets_a_example"]
