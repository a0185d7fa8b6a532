"""Which contexts and kinds a run is about."""

from __future__ import annotations

import pytest

from k8s_inventory.kinds import FAMILIES, KINDS
from k8s_inventory.outcome import Outcome, Verdict
from k8s_inventory.settings import Settings
from k8s_inventory.sync import Custom, PlanError, contexts_of, select

CONFIGURED = ["prod", "staging", "dev"]


def test_all_by_default() -> None:
    selection = select(Settings.load(), CONFIGURED)
    assert selection.contexts == tuple(CONFIGURED)
    assert selection.kinds == tuple(KINDS.values())
    assert [entry.name for entry in selection.entries] == [*FAMILIES, "custom"]
    assert selection.custom.takes("certificates.cert-manager.io")
    assert not selection.named


@pytest.mark.parametrize("name", ["deployments", "Deployment", "deploy", "deployments.apps", "DEPLOY"])
def test_every_spelling_of_a_kind(name: str) -> None:
    selection = select(Settings.load({"resources": [name]}), CONFIGURED)
    assert selection.kinds == (KINDS["deployments"],)
    assert selection.named == {"deployments"}


def test_two_spellings_of_one_kind_are_one() -> None:
    assert len(select(Settings.load({"resources": ["po", "pods"]}), CONFIGURED).kinds) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"resources": ["podz"]},
            "unknown resource 'podz' .did you mean 'pods'.*known are the families workloads, .* the kinds pods, ",
        ),
        ({"resources": ["pods", "-podz"]}, "unknown resource 'podz'"),
        ({"resources": ["acces"]}, "unknown resource 'acces' .did you mean 'access'"),
        ({"resources": ["nosuch*"]}, "unknown resource 'nosuch.'"),
        ({"resources": ["pods", "-workloads"]}, "leaves no kind"),
        ({"resources": ["zzz"]}, "unknown resource 'zzz'; known are"),
        (
            {"resources": ["widgets/../../secrets.shop.example"]},
            "unknown resource 'widgets/../../secrets.shop.example'",
        ),
        ({"resources": ["secrets#.shop.example"]}, "unknown resource 'secrets#.shop.example'"),
        ({"resources": ["widgets.shop..example"]}, "unknown resource 'widgets.shop..example'"),
        ({"resources": ["secrets.core"]}, "unknown resource 'secrets.core'"),
        ({"contexts": ["prd"]}, "unknown context 'prd' .did you mean 'prod'.*there is dev, prod, staging"),
    ],
)
def test_the_unknown_is_refused_with_the_closest_and_the_known(given: dict[str, list[str]], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        select(Settings.load(given), CONFIGURED)


@pytest.mark.parametrize("contexts", [None, ["*"], ["prod", " * "], "*"])
def test_all_contexts(contexts: list[str] | str | None) -> None:
    assert select(Settings.load({"contexts": contexts}), CONFIGURED).contexts == tuple(CONFIGURED)


def test_no_context_at_all_is_refused() -> None:
    with pytest.raises(PlanError, match="no context is configured"):
        select(Settings.load(), [])


def test_many_targets_are_grouped_by_context() -> None:
    selection = select(Settings.load(), [f"c{number}" for number in range(100)])
    families = [*FAMILIES, "custom"]
    by_family = selection.tasks(most=100 * len(families))
    assert [task["label"] for task in by_family[::100]] == [f"c0 · {family}" for family in families]
    assert [task["context"] for task in by_family[:3]] == ["c0", "c1", "c2"], "one that is slow takes one slot at first"
    grouped = selection.tasks(most=100 * len(families) - 1)
    assert [len(task["kinds"]) for task in grouped] == [len(KINDS)] * 100
    assert (grouped[7]["label"], grouped[7]["context"]) == ("c7 · all", "c7")
    assert grouped[7]["custom"] == {"include": ["*"], "exclude": []}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (["pods", "svc"], {"pods": ["pods"], "services": ["services"]}),
        (["devices", "-deviceclasses"], {"devices": ["resourceclaims", "resourceclaimtemplates", "resourceslices"]}),
        (["storage", "pv", "-csi*", "-v*", "-sc"], {"persistentvolumes": None, "storage": ["persistentvolumeclaims"]}),
        (["*bindings.rbac*"], {"rolebindings": None, "clusterrolebindings": None}),
        (["cronjobs", "cronjobs", "cj"], {"cronjobs": None}),
    ],
)
def test_families_patterns_and_exclusions(resources: list[str], expected: dict[str, list[str] | None]) -> None:
    selection = select(Settings.load({"resources": resources}), CONFIGURED)
    found = {entry.name: [kind.name for kind in entry.kinds] for entry in selection.entries}
    assert found == {name: kinds or [name] for name, kinds in expected.items()}


def test_an_exclusion_alone_leaves_all_else() -> None:
    selection = select(Settings.load({"resources": ["-events"]}), CONFIGURED)
    assert {kind.name for kind in selection.kinds} == KINDS.keys() - {"events"}


def test_only_kinds_by_their_own_name_are_named() -> None:
    selection = select(Settings.load({"resources": ["pods", "access", "csi*"]}), CONFIGURED)
    assert selection.named == {"pods"}
    named = {task["label"]: task["named"] for task in selection.tasks(most=100)}
    assert named["prod · pods"] == ["pods"]
    assert named["prod · access"] == named["prod · csinodes"] == []


@pytest.mark.parametrize("resources", [None, ["pods"], ["pods", "nodes"]])
@pytest.mark.parametrize(("contexts", "most"), [(1025, 300), (10_000, 1024), (3, 1), (3, 2), (301, 300), (4, 3)])
def test_however_many_contexts_there_are_each_target_is_in_one_of_the_tasks(
    contexts: int, most: int, resources: list[str] | None
) -> None:
    configured = [f"c{number}" for number in range(contexts)]
    selection = select(Settings.load({"resources": resources}), configured)
    tasks = selection.tasks(most=most)
    assert len(tasks) <= most
    kinds = [kind.name for kind in selection.kinds]
    targets = [(name, kind) for task in tasks for name in contexts_of(task) for kind in task["kinds"]]
    assert sorted(targets) == sorted((name, kind) for name in configured for kind in kinds)
    sizes = {len(contexts_of(task)) for task in tasks}
    assert max(sizes) - min(sizes) <= 1
    assert len({task["label"] for task in tasks}) == len(tasks)


def test_a_task_of_several_contexts_says_so() -> None:
    tasks = select(Settings.load(), ["n" * 300, *CONFIGURED]).tasks(most=2)
    assert [contexts_of(task) for task in tasks] == [("n" * 300, "staging"), ("prod", "dev")]
    assert tasks[1]["label"] == "prod and 1 more · all"
    assert len(tasks[0]["label"]) == 250
    assert tasks[0]["label"].endswith("n… and 1 more · all")


def test_a_task_that_was_planned_before_there_were_several_contexts_is_of_one() -> None:
    assert contexts_of({"context": "prod", "kinds": ["pods"]}) == ("prod",)


@pytest.mark.parametrize(
    ("outcome", "named", "retryable", "expected"),
    [
        ("complete", True, True, Verdict.SUCCEED),
        ("partial", False, True, Verdict.RETRY),
        ("unreachable", False, True, Verdict.RETRY),
        ("failed", False, True, Verdict.RETRY),
        ("failed", False, False, Verdict.FAIL),
        ("unauthorized", False, True, Verdict.RETRY),
        ("forbidden", True, False, Verdict.FAIL),
        ("forbidden", False, False, Verdict.SKIP),
        ("absent", True, False, Verdict.FAIL),
        ("absent", False, False, Verdict.SKIP),
        ("not run", False, True, Verdict.RETRY),
    ],
)
def test_verdicts(outcome: str, named: bool, retryable: bool, expected: Verdict) -> None:
    assert Outcome(outcome).verdict(named=named, retryable=retryable) is expected


@pytest.mark.parametrize(
    ("resources", "taken", "left", "named"),
    [
        (["custom"], ["a.x.example", "b.y.example"], [], set()),
        (["*"], ["a.x.example"], [], set()),
        (["a.x.example"], ["a.x.example"], ["b.x.example"], {"a.x.example"}),
        (["*.x.example", "pods"], ["a.x.example"], ["a.y.example"], {"pods"}),
        (["-*.x.example"], ["a.y.example"], ["a.x.example"], set()),
        (["-a.x.example"], ["b.x.example"], ["a.x.example"], set()),
        (["-custom"], [], ["a.x.example"], set()),
        (["pods"], [], ["a.x.example"], {"pods"}),
        (["*.x.example", "a.x.example"], ["a.x.example", "b.x.example"], [], {"a.x.example"}),
        (["pods", "a.x.example", "-*.x.example"], [], ["a.x.example"], {"pods"}),
    ],
)
def test_kinds_without_a_declaration(resources: list[str], taken: list[str], left: list[str], named: set[str]) -> None:
    selection = select(Settings.load({"resources": resources}), CONFIGURED)
    assert all(selection.custom.takes(name) for name in taken)
    assert not any(selection.custom.takes(name) for name in left)
    assert selection.named == named
    of_tasks = [name for task in selection.tasks(most=100) for name in task["named"]]
    assert set(of_tasks) == named


def test_no_two_tasks_take_the_same_custom_kind() -> None:
    given = {"resources": ["a.x.example", "custom", "a.x.example"], "contexts": ["prod"]}
    first, second = select(Settings.load(given), CONFIGURED).tasks(most=100)
    assert first["custom"] == {"include": ["a.x.example"], "exclude": []}
    assert second["custom"] == {"include": ["*"], "exclude": ["a.x.example"]}
    (grouped,) = select(Settings.load(given), CONFIGURED).tasks(most=1)
    assert Custom(**grouped["custom"]).takes("a.x.example")
    both = select(Settings.load({"resources": ["*.x.example", "-*.x.example", "pods"]}), CONFIGURED)
    assert not both.custom.takes("a.x.example")


def test_a_kind_that_only_old_clusters_have_is_a_custom_one() -> None:
    chosen = select(Settings.load({"resources": ["podsecuritypolicies.policy"]}), ["prod"])
    assert chosen.custom.explicit == ("podsecuritypolicies.policy",)
    for word in ("deploymentz.apps", "pod.", "pods.core"):
        with pytest.raises(PlanError, match="unknown resource"):
            select(Settings.load({"resources": [word]}), ["prod"])


@pytest.mark.parametrize("setting", ["contexts", "resources"])
def test_of_the_unknown_some_are_named_and_none_at_any_length(setting: str) -> None:
    with pytest.raises(PlanError, match="and 4980 more") as raised:
        select(Settings.of_run({setting: ["y" * 5000, *(f"x{number}" for number in range(4999))]}), ["test"])
    assert len(str(raised.value)) < 5000


def test_names_of_contexts_are_exact_but_for_blanks_that_nobody_meant() -> None:
    configured = ["a, b", " c ", "d"]
    assert select(Settings.load({"contexts": ["a, b", " c ", " d"]}), configured).contexts == ("a, b", " c ", "d")


def test_a_label_is_as_long_as_airflow_has_it_and_says_the_kind() -> None:
    tasks = select(Settings.load({"resources": ["pods"]}), ["n" * 300, "m"]).tasks(most=300)
    assert [task["context"] for task in tasks] == ["n" * 300, "m"]
    assert len(tasks[0]["label"]) == 250
    assert tasks[0]["label"].endswith("n… · pods")
    assert tasks[1]["label"] == "m · pods"
    (task,) = select(Settings.load({"resources": ["pods"]}), ["\x1b" * 300]).tasks(most=300)
    assert len(task["label"]) == 250
