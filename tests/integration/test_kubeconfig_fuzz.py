"""Random faults of kubeconfigs leak nothing, are told in words, and keep us from nothing that kubectl reads."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.kubeconfigs.mutations import Place
from tests.kubeconfigs.trial import KUBECTL, place, run

SEEDS = int(os.environ.get("KUBECONFIG_SEEDS", 300))


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("mutated")) as made:
        yield made


@pytest.mark.parametrize("first", range(0, SEEDS, 50))
def test_mutated_kubeconfigs(where: Place, first: int) -> None:
    """kubectl is asked of one in eight, where it is installed. `python -m tests.kubeconfigs` reads more."""
    trials = [run(seed, where, kubectl=bool(KUBECTL) and seed % 8 == 0) for seed in range(first, first + 50)]
    assert not [str(trial) for trial in trials if trial.faults]
