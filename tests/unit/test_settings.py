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


@pytest.mark.parametrize(
    "word",
    [
        "../../../../api/v1/namespaces/vault/secrets#",
        "vault/secrets",
        "vault/pods?x=",
        "vault#",
        "vault%2Fsecrets",
        "..",
        "a.b",
        "Shop",
        "shop_1",
        "shop ping",
        "-",
        "--shop",
        "shop-",
        "läden",
        "shop\n",
        "shop\0",
        "a" * 64,
        "shop/*",
        "../*",
        "-vault/*",
        "Shop-*",
        "[a-c]*#",
    ],
)
def test_what_names_no_namespace_is_refused(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [word if word.strip() == word else f"x{word}x"]  # blanks at the ends are cut off
    with pytest.raises(SettingsError, match=r"namespaces \(K8S_NAMESPACES\): .* names no namespace: a name is at most"):
        Settings.load({"namespaces": ["shop", *given]})
    if "\0" not in word:
        monkeypatch.setenv("K8S_NAMESPACES", given[0])
        with pytest.raises(SettingsError, match="names no namespace"):
            Settings.load()


def test_names_patterns_and_exclusions_of_namespaces() -> None:
    words = ["shop", "1", "a" * 63, "kube-system", "shop-*", "[a-c]*", "[!a]?*", "*", "-kube-system", "-*-dev"]
    assert Settings.load({"namespaces": ",".join(words)}).namespaces == words


@pytest.mark.parametrize("odd", ["\0", "\ud800", "\x1b[31m", "app=web\n", "\u202e", "a=b\x85"])
@pytest.mark.parametrize("setting", ["label_selectors", "field_selectors"])
def test_a_selector_prints(setting: str, odd: str) -> None:
    with pytest.raises(SettingsError, match="the selector of 'pods' has characters in it that do not print"):
        Settings.of_run({setting: {"pods": odd}})
    assert getattr(Settings.of_run({setting: {"pods": "app = größer"}}), setting) == {"pods": "app = größer"}


@pytest.mark.parametrize(
    "conf",
    [
        {"resources": ["*.a.example"] * 20_000},
        {"namespaces": [f"*{number}*" for number in range(20_000)]},
        {"contexts": ["x" * 200_000]},
        {"label_selectors": {"pods": "a=b," * 50_000}},
    ],
)
def test_what_a_run_says_has_a_bound(conf: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="a run may say no more than 100,000 characters"):
        Settings.of_run(conf)


def test_a_message_names_some_of_the_keys_that_are_wrong_and_the_operators_first() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.of_run({**dict.fromkeys(map(str, range(20_000)), 1), "database_url": "postgresql://h/d"})
    said = str(raised.value)
    assert said.startswith("settings: database_url is the operator's")
    assert said.endswith("and 19981 more")
    assert len(said) < 5000


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("a, b", ["a", "b"]),
        ('["a, b", " c "]', ["a, b", " c "]),
        ("[fd00--1]:6443/admin", ["[fd00--1]:6443/admin"]),
        ("[1]", ["[1]"]),
        ("[" * 100_000, ["[" * 100_000]),
        (["a, b", " c ", "a, b", " "], ["a, b", " c "]),
    ],
)
def test_contexts_of_any_name_can_be_named(monkeypatch: pytest.MonkeyPatch, given: object, names: list[str]) -> None:
    assert Settings.load({"contexts": given}).contexts == names
    if isinstance(given, str):
        monkeypatch.setenv("K8S_CONTEXTS", given)
        assert Settings.load().contexts == names


def test_other_lists_may_be_json_too() -> None:
    assert Settings.load({"resources": '["pods", " [cd]*"]'}).resources == ["pods", "[cd]*"]
    assert Settings.load({"resources": "[cd]*,pods"}).resources == ["[cd]*", "pods"]


@pytest.mark.parametrize("name", ["contexts", "resources", "namespaces", "accept_repointed"])
@pytest.mark.parametrize("nothing", [None, [], [""], [" ", ""]])
def test_a_run_that_chooses_nothing_leaves_it_to_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, nothing: list[str] | None
) -> None:
    assert getattr(Settings.of_run({name: nothing}), name) == Settings.model_fields[name].default
    monkeypatch.setenv(f"K8S_{name.upper()}", "pods,x")
    monkeypatch.setenv("K8S_RUNS_MAY_ACCEPT_REPOINTED", "true")
    assert getattr(Settings.of_run({name: nothing}), name) == ["pods", "x"]


@pytest.mark.parametrize("empty", ["", " ", "\t"])
@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_that_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str, empty: str) -> None:
    before = Settings.load()
    monkeypatch.setenv(environment_name(name), empty)
    assert Settings.load() == before
