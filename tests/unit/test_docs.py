"""Documents that come from the code are fresh, and the others name only what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from docs.generate import PAGES
from k8s_inventory.kinds import KINDS
from k8s_inventory.operators.metrics import METRICS, Metric
from k8s_inventory.settings import Settings, environment_name

PROJECT = Path(__file__).parents[2]
PAGES_BY_HAND = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")]


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_fresh(name: str) -> None:
    assert (PROJECT / "docs" / name).read_text() == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: str(page.relative_to(PROJECT)))
def test_settings_and_make_targets_that_pages_name_exist(page: Path) -> None:
    text = page.read_text()
    known = {environment_name(name) for name in Settings.model_fields} | {
        "K8S_SCHEDULE",
        "K8S_INCREMENTAL_SCHEDULE",
        "K8S_REPORT_SCHEDULE",
        "K8S_POOL",
        "K8S_RETRIES",
    }
    assert set(re.findall(r"\bK8S_[A-Z_]+\b", text)) <= known
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)`", text)) <= targets


def test_what_the_helm_values_name_is_what_the_page_makes() -> None:
    """Rendering needs the chart; this is what no rendering sees."""
    page = (PROJECT / "docs" / "kubernetes.md").read_text()
    values, *executors, binding = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    assert [each["executor"] for each in executors] == ["KubernetesExecutor", "CeleryExecutor"]
    made = set(re.findall(r"create secret generic (\S+)", page))
    used = {values["data"]["metadataSecretName"], *(values[name] for name in values if name.endswith("SecretName"))}
    for each in executors:
        (tasks,) = each["workers"].values()
        assert tasks["serviceAccount"] == {"create": True, "name": binding["subjects"][0]["name"]}
        (mount,) = tasks["extraVolumeMounts"]
        (volume,) = tasks["extraVolumes"]
        assert volume["name"] == mount["name"]
        assert {"name": "K8S_KUBECONFIG", "value": f"{mount['mountPath']}/config"} in values["env"]
        used |= {volume["secret"]["secretName"]}
        used |= {env["valueFrom"]["secretKeyRef"]["name"] for env in tasks["env"] if "valueFrom" in env}
    assert used == made
    role = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGES["rbac.md"](), re.DOTALL)[0])
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_every_query_of_the_history_is_in_its_page() -> None:
    queries = {path.name for path in (PROJECT / "include" / "sql" / "queries" / "history").iterdir()}
    assert queries == set(re.findall(r"^\|.*\| `(\w+\.sql)` \|$", (PROJECT / "docs" / "history.md").read_text(), re.M))


def test_every_metric_is_in_its_page() -> None:
    page = (PROJECT / "docs" / "metrics.md").read_text()
    found = re.findall(r"^\| `k8s_inventory\.(\w+)` \| (\w+) \| `(\w+)`, `(\w+)` \| (.*) \|$", page, re.M)
    assert {name: Metric(type, (first, second), about) for name, type, first, second, about in found} == METRICS


def test_every_table_is_in_the_readme() -> None:
    text = (PROJECT / "README.md").read_text()
    assert all(kind.table in text for kind in KINDS.values())


def test_the_casts_of_the_compatibility_script_are_those_of_the_store() -> None:
    """It works where the store is not, too, so it has them once more."""
    folder = PROJECT / "include" / "sql"
    script = " ".join((folder / "cloudquery" / "compatibility_views.sql").read_text().split())
    functions = (folder / "store" / "casts.sql").read_text().split("CREATE OR REPLACE FUNCTION ")[1:]
    assert len(functions) >= 5
    for function in functions:
        assert " ".join(function.partition("\n\n--")[0].split()).rstrip(";") in script, function.partition("(")[0]
