"""Runs histories by their seeds, on servers of its own.

    python -m tests.histories --seeds 0:1000
    python -m tests.histories --seeds 17 --steps 10 --verbose
    python -m tests.histories --seeds 0:200 --watches

Prints each failing seed with its steps, and the count; exits with 1 where one failed.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import Cluster
from tests.databases import VERSIONS, drop_database, name_of, new_database, start
from tests.histories import syncs
from tests.histories.cluster_changes import READER
from tests.histories.history import STEPS, WITHOUT_CACHE, Violated, World, run_history


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0:100", help="FIRST:AFTER_LAST, FIRST:AFTER_LAST:STEP, or one")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--verbose", action="store_true", help="the steps of those that held, too")
    parser.add_argument("--first", action="store_true", help="end with the first that does not hold")
    parser.add_argument("--watch-cache", action="store_true", help="lists come from the API server's cache: slower")
    parser.add_argument("--without", default="", help="steps to leave out, such as forget_while_syncing,lose_a_session")
    parser.add_argument("--watches", action="store_true", help="runs of every mode; from the API server's cache")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    bounds = [int(each) for each in given.seeds.split(":")]
    seeds = range(*bounds) if len(bounds) > 1 else range(bounds[0], bounds[0] + 1)
    failed = []
    with _world(given.watch_cache or given.watches) as world:
        world.watches = given.watches
        world.without = frozenset(given.without.split(","))
        began = time.monotonic()
        for seed in seeds:
            try:
                history = run_history(world, seed, given.steps)
            except Violated as error:
                failed.append(seed)
                print(error, flush=True)
                if given.first:
                    break
            else:
                if given.verbose:
                    print("\n".join((f"seed {seed} held", *history.steps)), flush=True)
        seconds = time.monotonic() - began
    print(f"{len(seeds)} histories, {world.steps} steps, {seconds:.0f} s: {len(failed)} did not hold {failed or ''}")
    return 1 if failed else 0


@contextmanager
def _world(watch_cache: bool) -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="histories-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "postgres").mkdir()
        server = start(VERSIONS[0], folder / "postgres")
        try:
            template = new_database(server)
            syncs.make_schema(template)
            arguments = [] if watch_cache else list(WITHOUT_CACHE)
            with Cluster.start(folder / "cluster", users=[READER], arguments=arguments) as cluster:
                yield World(
                    cluster,
                    folder,
                    new_database=lambda: new_database(server, name_of(template)),
                    drop_database=lambda url: drop_database(server, url),
                )
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
