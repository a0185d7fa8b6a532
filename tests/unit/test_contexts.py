"""Kubeconfigs: what they name, and clear errors for those that can't be used."""

from __future__ import annotations

import itertools
import json
import os
import stat
import time
import traceback
from functools import partial
from pathlib import Path

import pytest
import yaml

from k8s_inventory.kube.contexts import Context, kubeconfig_contexts
from k8s_inventory.kube.errors import ContextError, KubeconfigError, Unauthorized
from k8s_inventory.kube.kubeconfig import files
from tests.other_user import as_nobody, let_pass, only_root_is_others


def write(path: Path, *, contexts: list[str], server: str = "https://127.0.0.1:6443", **user: object) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}} for name in contexts],
        "users": [{"name": name, "user": user or {"token": f"{name}-token"}} for name in contexts],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def script(path: Path, text: str) -> str:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def exec_user(command: str) -> dict[str, object]:
    return {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "interactiveMode": "Never"}


def test_contexts_of_several_files_are_joined_and_the_first_wins(tmp_path: Path) -> None:
    first = write(tmp_path / "a", contexts=["one", "both"], server="https://first:1")
    second = write(tmp_path / "b", contexts=["two", "both"], server="https://second:2")
    found = kubeconfig_contexts(f"{first}{os.pathsep}{second}{os.pathsep}{tmp_path / 'missing'}")
    assert list(found) == ["one", "both", "two"]
    assert found["both"].client().url == "https://first:1"
    assert found["two"].client().url == "https://second:2"


def test_kubeconfig_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "a", contexts=["one"])))
    assert list(kubeconfig_contexts()) == ["one"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not YAML .line"),
        ("just words", "no kubeconfig"),
        ("- 1", "no kubeconfig"),
        ("contexts: 5", "no kubeconfig"),
        ("contexts: [{context: {}}]", "no kubeconfig"),
        ("", "no kubeconfig"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(KubeconfigError, match=said) as raised:
        kubeconfig_contexts(str(path))
    assert str(path) in str(raised.value)


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="no kubeconfig at .*nowhere"):
        kubeconfig_contexts(str(tmp_path / "nowhere"))


def test_a_folder_is_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="can not be read"):
        kubeconfig_contexts(str(tmp_path))


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (
            {"client-certificate": "nowhere.crt", "client-key": "nowhere.key"},
            'the file of user "bad": client-certificate can not be read',
        ),
        ({"as-groups": ["a", "b"]}, "as must be set"),
    ],
)
def test_a_file_or_user_that_is_not_there_fails_its_context_alone(
    tmp_path: Path, user: dict[str, object], said: str
) -> None:
    good = write(tmp_path / "good", contexts=["good"])
    bad = write(tmp_path / "bad", contexts=["bad"], **user)
    found = kubeconfig_contexts(f"{good}{os.pathsep}{bad}")
    found["good"].client()
    with pytest.raises(ContextError, match=f"context bad: .*{said}"):
        found["bad"].client()


def test_a_user_that_is_not_declared(tmp_path: Path) -> None:
    path = write(tmp_path / "config", contexts=["one"])
    config = yaml.safe_load(path.read_text())
    config["users"] = []
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(ContextError, match="context one: .*users"):
        kubeconfig_contexts(str(path))["one"].client()


def test_the_librarys_shared_configuration_stays_untouched(tmp_path: Path) -> None:
    from kubernetes.client import Configuration

    kubeconfig_contexts(str(write(tmp_path / "a", contexts=["one"], server="https://private:1")))["one"].client()
    assert Configuration.get_default_copy().host != "https://private:1"


def test_a_failing_exec_plugin_is_no_anonymous_request(tmp_path: Path) -> None:
    command = script(tmp_path / "plugin", "echo broken >&2; exit 1\n")
    config = write(tmp_path / "config", contexts=["one"], exec=exec_user(command))
    with pytest.raises(Unauthorized, match="context one: exec plugin .*plugin.* failed with exit code 1"):
        kubeconfig_contexts(str(config))["one"].client()


def test_an_exec_plugin_gives_a_token(tmp_path: Path) -> None:
    answer = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-plugin"}}'
    command = script(tmp_path / "plugin", f"echo '{answer}'\n")
    config = write(tmp_path / "config", contexts=["one"], exec=exec_user(command))
    client = kubeconfig_contexts(str(config))["one"].client()
    assert dict(client.headers()) == {"Authorization": "Bearer from-plugin"}


def test_impersonation_and_proxy_of_the_kubeconfig_are_applied(tmp_path: Path) -> None:
    path = write(tmp_path / "config", contexts=["one"], **{"token": "t", "as": "auditor", "as-groups": ["viewers"]})
    config = yaml.safe_load(path.read_text())
    config["clusters"][0]["cluster"]["proxy-url"] = "http://127.0.0.1:3128"
    path.write_text(yaml.safe_dump(config))
    client = kubeconfig_contexts(str(path))["one"].client()
    assert str(client.proxy and client.proxy.url) == "http://127.0.0.1:3128"
    assert client.headers()["Impersonate-User"] == "auditor"
    assert client.headers()["Impersonate-Group"] == "viewers"


def test_in_cluster_is_only_used_when_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(
        ContextError, match="context here: .*KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"
    ):
        Context(name="here", in_cluster=True).client()


def test_no_credential_shows_in_a_context(tmp_path: Path) -> None:
    content = {"users": [{"name": "u", "user": {"token": "s3cret"}}]}
    assert "s3cret" not in repr(Context(name="one", kubeconfig=content))


@pytest.mark.parametrize("text", ["'false'", "'true'", "0", "no_such_word", "[]"])
@pytest.mark.parametrize("name", ["insecure-skip-tls-verify", "disable-compression"])
def test_a_flag_of_a_cluster_that_is_no_boolean_is_refused_as_by_kubectl(tmp_path: Path, text: str, name: str) -> None:
    path = write(tmp_path / "config", contexts=["one"])
    path.write_text(path.read_text().replace("server:", f"{name}: {text}\n    server:"))
    with pytest.raises(ContextError, match=f'cluster "one": {name} must be true or false'):
        kubeconfig_contexts(str(path))["one"].client()


def test_a_flag_of_an_exec_plugin_that_is_no_boolean_is_refused_before_it_runs(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    plugin = exec_user(script(tmp_path / "plugin", f"touch {ran}"))
    path = write(tmp_path / "config", contexts=["one"], exec={**plugin, "provideClusterInfo": "false"})
    with pytest.raises(ContextError, match='user "one": exec.provideClusterInfo must be true or false'):
        kubeconfig_contexts(str(path))["one"].client()
    assert not ran.exists()


SECRET = "s3cr3t-0123456789abcdef0123456789abcdef"
KEY = "-----BEGIN PRIVATE KEY-----\\nMIIE" + SECRET
"""Each of these the library names by printing the entry that it is in, or takes it for the name of a file."""
MALFORMED: dict[str, dict[str, object]] = {
    "oidc without id-token": {
        "auth-provider": {"name": "oidc", "config": {"client-secret": SECRET, "refresh-token": SECRET}}
    },
    "oidc without config": {"auth-provider": {"name": "oidc", "secret": SECRET}},
    "a key for a file": {"client-key": KEY, "client-certificate": SECRET},
    "a key beside a null token": {"token": None, "client-key-data": SECRET},
    "a token for a file": {"tokenFile": SECRET},
    "bad base64": {"client-key-data": SECRET, "client-certificate-data": SECRET},
    "exec without a command": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "env": [{"value": SECRET}]}},
    "exec of another version": {"exec": {"command": "true", "apiVersion": SECRET, "env": [{"name": SECRET}]}},
    "a list for a token": {"token": [SECRET]},
    "a map for a password": {"username": "u", "password": {"is": SECRET}},
    "a number for a provider": {"auth-provider": {"name": 5, "config": SECRET}},
}


@pytest.mark.parametrize("user", MALFORMED.values(), ids=list(MALFORMED))
def test_what_is_wrong_with_a_user_is_said_without_what_stands_in_it(
    tmp_path: Path, user: dict[str, object], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    context = kubeconfig_contexts(str(write(tmp_path / "a", contexts=["one"], **user)))["one"]
    said = ""
    try:
        context.client()
    except (ContextError, Unauthorized) as error:
        said = "".join(traceback.format_exception(error))
    told = capfd.readouterr()
    assert SECRET not in said + caplog.text + told.out + told.err


def test_names_are_what_they_are_to_kubectl(tmp_path: Path) -> None:
    """Unquoted, YAML 1.1 takes them for a date and for a number to the base of 60."""
    path = write(tmp_path / "a", contexts=["2024-01-01", "1:30", "arn:aws:eks:eu-west-1:1:cluster/a"])
    path.write_text(path.read_text().replace("'", ""))
    found = kubeconfig_contexts(str(path))
    assert list(found) == ["2024-01-01", "1:30", "arn:aws:eks:eu-west-1:1:cluster/a"]
    assert all(context.client().url for context in found.values())


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_among_several_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty").write_text(text)
    path = write(tmp_path / "a", contexts=["one"])
    assert list(kubeconfig_contexts(f"{tmp_path / 'empty'}{os.pathsep}{path}")) == ["one"]


def test_a_kubeconfig_may_be_json_with_tabs_or_utf_16(tmp_path: Path) -> None:
    config = yaml.safe_load(write(tmp_path / "a", contexts=["one"]).read_text())
    (tmp_path / "tabs").write_text(json.dumps(config, indent="\t"))
    (tmp_path / "wide").write_text(yaml.safe_dump(config), encoding="utf-16")
    for name in ("tabs", "wide"):
        assert kubeconfig_contexts(str(tmp_path / name))["one"].client().url


def test_a_kubeconfig_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "a", contexts=["one"], server="https://first:1")
    context = kubeconfig_contexts(str(path))["one"]
    assert context.client().url == "https://first:1"
    write(path, contexts=["one"], server="https://other:1")
    assert context.client().url == "https://other:1"


MANY = 500


def test_many_contexts_are_loaded_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a", contexts=[f"context-{number}" for number in range(MANY)])
    start = time.process_time()
    found = kubeconfig_contexts(str(path))
    for context in found.values():
        context._entries()
    assert len(found) == MANY
    assert time.process_time() - start < 0.5  # 0.1 on a machine that does nothing else


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in itertools.pairwise("abcdefgh")
)
MERGED = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 10)}]}}\n" for before, name in itertools.pairwise("abcdefgh")
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, "holds more than a kubeconfig has"),
        (MERGED, "holds more than a kubeconfig has"),
        ("a: &a [*a]", "holds more than a kubeconfig has"),
        ("a: &a {b: *a}", "holds more than a kubeconfig has"),
        ("[" * 1_000_000, "holds more than a kubeconfig has"),
        ("{a: " * 1_000_000, "holds more than a kubeconfig has"),
        ("- a\n" * 400_000, "holds more than a kubeconfig has"),
        ("#" * (1 << 24) + "\n", "can not be read: it has more than 16777216 bytes"),
        ("? [a]\n: b", "is not YAML"),
        ("a: *b", "is not YAML"),
        ("a: {<<: 5}", "is not YAML"),
        ("\0", "is not YAML"),
    ],
    ids=range(12),
)
def test_a_file_without_measure_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "config").write_text(text)
    start = time.process_time()
    with pytest.raises(KubeconfigError, match=said):
        kubeconfig_contexts(str(tmp_path / "config"))
    assert time.process_time() - start < 5


def test_a_pipe_is_no_kubeconfig(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(KubeconfigError, match="it is no regular file"):
            kubeconfig_contexts(str(path))


@only_root_is_others
def test_who_may_not_read_a_kubeconfig_or_has_no_home_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "shut"
    folder.mkdir(0o700)
    let_pass(tmp_path)
    path = write(folder / "config", contexts=["one"])

    def of_the_context() -> None:
        Context(name="shut", kubeconfig=str(path), context="one").client()

    for paths in (f"{path}", f"/nowhere:{path}"):
        assert "Permission denied" in as_nobody(partial(kubeconfig_contexts, paths))
    assert as_nobody(of_the_context).startswith("ContextError: context shut: ")


@only_root_is_others
def test_an_unknown_user_without_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that is run under any number."""
    monkeypatch.delenv("HOME")
    said = as_nobody(kubeconfig_contexts, number=54321)
    assert said.startswith("KubeconfigError: kubeconfig ~/.kube/config: there is no home directory")


def test_what_is_missing_is_known(tmp_path: Path) -> None:
    path = write(tmp_path / "a", contexts=["one"])
    found = kubeconfig_contexts(f"{tmp_path / 'x'}{os.pathsep}{path}{os.pathsep}{tmp_path / 'y'}")
    assert (list(found), found.missing) == (["one"], (tmp_path / "x", tmp_path / "y"))
    assert kubeconfig_contexts(str(path)).missing == ()


def test_a_thousand_contexts_are_read_in_no_time_and_once(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(1000)]
    token = "x".join(str(number) for number in range(300))
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example"}} for name in names],
        "users": [{"name": name, "user": {"token": f"{name}{token}"}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
    }
    path = tmp_path / "config"
    path.write_text(json.dumps(content))
    before, begun = files._file.cache_info().misses, time.process_time()
    found = kubeconfig_contexts(str(path))
    for name in names[::100]:
        assert found[name].client().url == f"https://{name}.example"
    assert files._file.cache_info().misses == before + 1
    assert time.process_time() - begun < 1.0, "it takes 0.3 seconds where nothing else runs"
