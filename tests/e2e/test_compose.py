"""docker-compose.yaml, loaded by the library that `docker compose` itself is made of."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from k8s_inventory.settings import Settings, environment_name
from k8s_inventory.store.database import connection_parameters
from tests.cluster.binary import find_go

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "tests" / "compose"
SECRETS = re.findall(r"^([A-Z_]+)=$", (PROJECT / ".env.example").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Any:
    program = tmp_path_factory.mktemp("compose") / "compose"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}
    subprocess.run([find_go(), "build", "-o", str(program), "."], cwd=SOURCE, env=environment, check=True)

    def run(**env: str) -> subprocess.CompletedProcess[str]:
        command = [str(program), "docker-compose.yaml"]
        return subprocess.run(
            command, cwd=PROJECT, env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="module")
def services(load: Any) -> dict[str, Any]:
    loaded = load(**{name: f"value-of-{name}" for name in SECRETS})
    assert loaded.returncode == 0, loaded.stderr
    found: dict[str, Any] = json.loads(loaded.stdout)["services"]
    return found


@pytest.mark.parametrize("missing", SECRETS)
def test_nothing_starts_without_every_secret(load: Any, missing: str) -> None:
    loaded = load(**{name: "x" for name in SECRETS if name != missing})
    assert loaded.returncode != 0
    assert f"set {missing} in .env" in loaded.stderr


def test_the_services_of_a_celery_deployment(services: dict[str, Any]) -> None:
    airflow = {"init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    assert services.keys() == airflow | {"redis", "airflow-db", "inventory-db"}
    for name, service in services.items():
        assert name == "init" or service["healthcheck"]["test"], name
        for port in service.get("ports", ()):
            assert port["host_ip"] == "127.0.0.1", name
    for name in airflow:
        assert services[name]["user"].partition(":")[0] == "50000"
        assert not any("container_name" in service for service in services.values())
        assert services[name]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_secrets_reach_those_who_need_them(services: dict[str, Any]) -> None:
    assert services["airflow-db"]["environment"]["POSTGRES_PASSWORD"] == "value-of-AIRFLOW_DB_PASSWORD"
    assert services["inventory-db"]["environment"]["POSTGRES_PASSWORD"] == "value-of-INVENTORY_DB_PASSWORD"
    assert services["worker"]["environment"]["PGPASSWORD"] == "value-of-INVENTORY_DB_PASSWORD"
    assert "AIRFLOW_ADMIN_PASSWORD" not in json.dumps(services["worker"])


def test_no_password_is_an_argument_of_a_program(services: dict[str, Any], tmp_path: Path) -> None:
    """Every user of the host can read those, of what runs in containers, too."""
    assert not any("value-of-" in json.dumps(each.get("command", "")) for each in services.values())
    said = tmp_path / "said"
    server = tmp_path / "redis-server"
    server.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {said}\ncat > {said}.config\n')
    server.chmod(0o700)
    command = [each.replace("$$", "$") for each in services["redis"]["command"]]
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "REDIS_PASSWORD": "s3cret"}
    subprocess.run(command, env=env, check=True)
    assert "s3cret" not in said.read_text()
    assert 'requirepass "s3cret"' in (tmp_path / "said.config").read_text().splitlines()


PASSWORDS = [
    "a@b/c#d%e:f?g&h+i j=k[l]m{n}o|p<q>r~s^t!u*v(w);x,y.z",
    "p@ss/w#rd%41:?$HOME${HOME}$(id)`id`",
    "\\n\\\"'\\'\"é\U0001f511\\",
    "%",
]


@pytest.mark.parametrize("password", PASSWORDS)
def test_passwords_may_have_any_character_in_them(load: Any, tmp_path: Path, password: str) -> None:
    loaded = load(**dict.fromkeys(SECRETS, password))
    assert loaded.returncode == 0, loaded.stderr
    services = json.loads(loaded.stdout)["services"]
    environment = {name: value.replace("$$", "$") for name, value in services["worker"]["environment"].items()}
    databases = ("DATABASE__SQL_ALCHEMY_CONN", "CELERY__RESULT_BACKEND")
    for name in (*databases, "CELERY__BROKER_URL"):
        assert f"AIRFLOW__{name}" not in environment
        command = shlex.split(environment[f"AIRFLOW__{name}_CMD"])  # as Airflow does
        command[0] = sys.executable
        url = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        assert make_url(url).password == password
        assert make_url(url).host in ("airflow-db", "redis")
    for name in ("airflow-db", "inventory-db"):
        assert services[name]["environment"]["POSTGRES_PASSWORD"].replace("$$", "$") == password
    assert environment["PGPASSWORD"] == password
    assert "password" not in connection_parameters(environment["DATABASE_URL"])
    server = tmp_path / "redis-server"
    server.write_text(f"#!/bin/sh\ncat > {tmp_path}/config\n")
    server.chmod(0o700)
    command = [each.replace("$$", "$") for each in services["redis"]["command"]]
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "REDIS_PASSWORD": password}
    subprocess.run(command, env=env, check=True)
    (line,) = (line for line in (tmp_path / "config").read_text().splitlines() if line.startswith("requirepass"))
    quoted = re.fullmatch(r'requirepass "((?:[^"\\]|\\.)*)"', line)
    assert quoted, line
    assert re.sub(r"\\(.)", r"\1", quoted[1]) == password


def test_links_lead_to_the_port_that_is_published(load: Any) -> None:
    for given, url in (({}, "http://localhost:8080"), ({"AIRFLOW_PORT": "9090"}, "http://localhost:9090")):
        services = json.loads(load(**dict.fromkeys(SECRETS, "x"), **given).stdout)["services"]
        assert services["worker"]["environment"]["AIRFLOW__API__BASE_URL"] == url


def test_what_is_set_and_empty_is_the_default(load: Any) -> None:
    """As lines of .env that were never filled in."""
    text = (PROJECT / "docker-compose.yaml").read_text()
    names = set(re.findall(r"\$\{([A-Z0-9_]+)", text)) - set(SECRETS) - {"K8S_SCHEDULE", "K8S_INCREMENTAL_SCHEDULE"}
    assert names >= {"KUBE_DIR", "AIRFLOW_PORT", "DATABASE_URL", "K8S_POOL"}
    plain = load(**dict.fromkeys(SECRETS, "x"))
    loaded = load(**dict.fromkeys(SECRETS, "x"), **dict.fromkeys(names, ""))
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout) == json.loads(plain.stdout)


def test_every_setting_reaches_the_tasks(load: Any) -> None:
    """One that does not is obeyed nowhere: what it was meant to keep out would be stored."""
    of_the_dag_file = {
        name for path in (PROJECT / "dags").glob("*.py") for name in re.findall(r'"(K8S_[A-Z_]+)"', path.read_text())
    }
    settings = {environment_name(name) for name in Settings.model_fields}
    wanted = {name: f"value-of-{name}" for name in settings | of_the_dag_file}
    loaded = load(**dict.fromkeys(SECRETS, "x"), **wanted)
    assert loaded.returncode == 0, loaded.stderr
    services = json.loads(loaded.stdout)["services"]
    for service in ("scheduler", "dag-processor", "triggerer", "worker", "init"):
        environment = services[service]["environment"]
        assert {name: environment.get(name) for name in wanted} == wanted, service
    assert services["init"]["command"][3] == "value-of-K8S_POOL"


def test_what_is_not_set_is_the_default(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = Settings.load()
    for given, schedule in (({}, "@daily"), ({"K8S_SCHEDULE": ""}, ""), ({"K8S_SCHEDULE": "0 3 * * *"}, "0 3 * * *")):
        loaded = load(**dict.fromkeys(SECRETS, "x"), **given)
        environment = json.loads(loaded.stdout)["services"]["worker"]["environment"]
        assert environment["K8S_SCHEDULE"] == schedule
    for name in Settings.model_fields.keys() - {"database_url"}:
        monkeypatch.setenv(environment_name(name), environment[environment_name(name)])
    assert Settings.load() == defaults


def test_the_astro_layout_is_there() -> None:
    for name in (
        "dags",
        "plugins",
        "include",
        "tests",
        "requirements.txt",
        "packages.txt",
        ".dockerignore",
        "Dockerfile",
    ):
        assert (PROJECT / name).exists()
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert dockerfile.index("ARG BASE_IMAGE=") < dockerfile.index("FROM ${BASE_IMAGE}")
    for source in re.findall(r"^COPY (?:--\S+ )?(\S+)", dockerfile, re.MULTILINE):
        assert (PROJECT / source).exists(), source
        assert f"!{source}" in (PROJECT / ".dockerignore").read_text().splitlines()
