"""Settings: what wins, and clear errors for what can't be used."""

from __future__ import annotations

import pytest

from k8s_inventory.settings import Settings, SettingsError, environment_name, per_run_settings


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
        ({"pagesize": 5}, r"'pagesize' \(no such setting; did you mean 'page_size'\?\)"),
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


OF_A_RUN = {"contexts", "resources", "namespaces", "label_selectors", "field_selectors", "page_size", "verify"}


def test_a_run_may_choose_what_is_read_and_nothing_else() -> None:
    assert set(per_run_settings()) == OF_A_RUN | {"accept_repointed"}
    chosen = {"contexts": ["prod"], "page_size": 7, "verify": None, "accept_repointed": None}
    settings = Settings.of_run(chosen)
    assert (settings.contexts, settings.page_size, settings.verify) == (["prod"], 7, False)


_NOT_OF_A_RUN = sorted(Settings.model_fields.keys() - OF_A_RUN - {"accept_repointed"})
_NOT_FIELDS = [
    "DATABASE_URL",
    "K8S_KUBECONFIG",
    "Kubeconfig",
    "_env_file",
    "_secrets_dir",
    "_cli_parse_args",
    "model_config",
]


@pytest.mark.parametrize("key", [*_NOT_OF_A_RUN, *_NOT_FIELDS])
@pytest.mark.parametrize("value", ["s3cret", None, {"a": "s3cret"}])
def test_a_run_that_sets_what_is_not_its_own_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=key) as refused:
        Settings.of_run({"contexts": ["prod"], key: value})
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("key", _NOT_FIELDS)
def test_the_operator_too_is_told_of_a_key_that_is_no_setting(key: str) -> None:
    with pytest.raises(SettingsError, match=f"'{key}' .no such setting"):
        Settings.load({key: "/dev/null"})


def test_a_run_accepts_another_cluster_only_where_the_operator_lets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="K8S_RUNS_MAY_ACCEPT_REPOINTED=true"):
        Settings.of_run({"accept_repointed": ["prod"]})
    monkeypatch.setenv("K8S_RUNS_MAY_ACCEPT_REPOINTED", "true")
    assert Settings.of_run({"accept_repointed": ["prod"]}).accept_repointed == ["prod"]
    monkeypatch.setenv("K8S_RUNS_MAY_ACCEPT_REPOINTED", "false")
    monkeypatch.setenv("K8S_ACCEPT_REPOINTED", "prod")
    assert Settings.of_run({}).accept_repointed == ["prod"]


@pytest.mark.parametrize("name", [name for name, each in Settings.model_fields.items() if each.annotation is bool])
def test_flags_of_the_environment_are_booleans_or_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for text, means in (("false", False), ("False", False), ("0", False), ("off", False), ("TRUE", True), ("1", True)):
        monkeypatch.setenv(environment_name(name), text)
        assert getattr(Settings.load(), name) is means
    monkeypatch.setenv(environment_name(name), "flase")
    with pytest.raises(SettingsError, match=environment_name(name)):
        Settings.load()
