"""Which contexts and kinds a run is about."""

from __future__ import annotations

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.settings import Settings
from k8s_inventory.sync import PlanError, Verdict, select, verdict

CONFIGURED = ["prod", "staging", "dev"]


def test_all_by_default() -> None:
    selection = select(Settings.load(), CONFIGURED)
    assert selection.contexts == tuple(CONFIGURED)
    assert selection.kinds == tuple(KINDS.values())
    assert not selection.named


@pytest.mark.parametrize("name", ["deployments", "Deployment", "deploy", "deployments.apps", "DEPLOY"])
def test_every_spelling_of_a_kind(name: str) -> None:
    selection = select(Settings.load({"resources": [name]}), CONFIGURED)
    assert selection.kinds == (KINDS["deployments"],)
    assert selection.named


def test_two_spellings_of_one_kind_are_one() -> None:
    assert len(select(Settings.load({"resources": ["po", "pods"]}), CONFIGURED).kinds) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"resources": ["podz"]}, "unknown resource 'podz' .did you mean 'pods'.*known are namespaces, pods"),
        ({"resources": ["zzz"]}, "unknown resource 'zzz'; known are"),
        ({"contexts": ["prd"]}, "unknown context 'prd' .did you mean 'prod'.*there is dev, prod, staging"),
    ],
)
def test_the_unknown_is_refused_with_the_closest_and_the_known(given: dict[str, list[str]], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        select(Settings.load(given), CONFIGURED)


def test_no_context_at_all_is_refused() -> None:
    with pytest.raises(PlanError, match="no context is configured"):
        select(Settings.load(), [])


def test_many_targets_are_grouped_by_context() -> None:
    selection = select(Settings.load(), [f"c{number}" for number in range(100)])
    assert [len(task) for task in selection.tasks(most=100 * len(KINDS))] == [1] * (100 * len(KINDS))
    grouped = selection.tasks(most=100 * len(KINDS) - 1)
    assert [len(task) for task in grouped] == [len(KINDS)] * 100
    assert {context for context, _ in grouped[7]} == {"c7"}


def test_more_contexts_than_airflow_maps_are_refused() -> None:
    selection = select(Settings.load(), [f"c{number}" for number in range(1025)])
    with pytest.raises(PlanError, match="1025 contexts"):
        selection.tasks(most=300)


@pytest.mark.parametrize(
    ("outcome", "named", "retryable", "expected"),
    [
        ("complete", True, True, Verdict.SUCCEED),
        ("partial", False, True, Verdict.RETRY),
        ("unreachable", False, True, Verdict.RETRY),
        ("failed", False, True, Verdict.RETRY),
        ("failed", False, False, Verdict.FAIL),
        ("unauthorized", False, True, Verdict.FAIL),
        ("forbidden", True, False, Verdict.FAIL),
        ("forbidden", False, False, Verdict.SKIP),
        ("absent", True, False, Verdict.FAIL),
        ("absent", False, False, Verdict.SKIP),
        ("not run", False, True, Verdict.RETRY),
    ],
)
def test_verdicts(outcome: str, named: bool, retryable: bool, expected: Verdict) -> None:
    assert verdict(outcome, named=named, retryable=retryable) is expected
