"""Tries odd objects by their seeds, on servers of its own.

    python -m tests.odd_objects --seeds 0:10000
    python -m tests.odd_objects --seeds 17

Prints each fault with the smallest object that shows it, and the counts; exits with 1 where there is one.
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
from tests.histories.syncs import make_schema
from tests.odd_objects.trial import World, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0:1000", help="FIRST:AFTER_LAST, FIRST:AFTER_LAST:STEP, or one")
    parser.add_argument("--together", type=int, default=400, help="objects that are synced at once")
    parser.add_argument("--cloudquery", action="store_true", help="read them by CloudQuery's source, too")
    given = parser.parse_args()
    logging.getLogger().addHandler(logging.NullHandler())  # warnings are none of our output
    bounds = [int(each) for each in given.seeds.split(":")]
    seeds = range(*bounds) if len(bounds) > 1 else range(bounds[0], bounds[0] + 1)
    count, began = 0, time.monotonic()
    with _world() as world:
        for first in range(0, len(seeds), given.together):
            for fault in run(world, seeds[first : first + given.together], cloudquery=given.cloudquery):
                count += 1
                print(fault, flush=True)
        seconds = time.monotonic() - began
    print(
        f"{world.made} objects with {world.edits_made - world.edits_refused} odd fields in {seconds:.0f} s: {count} "
        f"faults. The API server refused {world.refused} objects and {world.edits_refused} odd fields."
    )
    return 1 if count else 0


@contextmanager
def _world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="odd-objects-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "postgres").mkdir()
        server = start(VERSIONS[0], folder / "postgres")
        try:
            template = new_database(server)
            make_schema(template)
            with Cluster.start(folder / "cluster") as cluster:
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
