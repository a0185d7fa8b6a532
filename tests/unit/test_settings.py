"""Settings: what wins, and clear errors for what can't be used."""

from __future__ import annotations

import pytest

from k8s_inventory.settings import Settings, SettingsError, environment_name


def test_given_wins_over_the_environment_and_null_falls_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_CONTEXTS", "from-env")
    monkeypatch.setenv("K8S_RESOURCES", "pods, services,,pods ")
    settings = Settings.load({"contexts": ["given"], "resources": None})
    assert settings.contexts == ["given"]
    assert settings.resources == ["pods", "services"]
    assert Settings.load().contexts == ["from-env"]


def test_defaults_name_nothing() -> None:
    settings = Settings.load()
    assert (settings.contexts, settings.resources, settings.database_url) == (None, None, None)
    assert settings.page_size == 500


def test_an_empty_environment_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_CONTEXTS", "")
    assert Settings.load().contexts is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"page_size": 0}, r"page_size \(K8S_PAGE_SIZE\)"),
        ({"page_size": "many"}, r"page_size \(K8S_PAGE_SIZE\)"),
        ({"pagesize": 5}, r"pagesize \(no such setting\)"),
        ({"contexts": []}, "an empty list names nothing"),
        ({"contexts": " , "}, "an empty list names nothing"),
        ({"verify": "perhaps"}, r"verify \(K8S_VERIFY\)"),
    ],
)
def test_bad_settings_are_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.load(given)


def test_the_database_url_shows_in_no_text() -> None:
    settings = Settings.load({"database_url": "postgresql://u:s3cret@h/d"})
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(settings)
    with pytest.raises(SettingsError) as raised:
        Settings.load({"database_url": {"url": "postgresql://u:s3cret@h/d"}})
    assert "s3cret" not in str(raised.value)


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert environment_name(name).isupper()
