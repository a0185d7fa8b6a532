"""Reads mutated kubeconfigs by their seeds.

    python -m tests.kubeconfigs --seeds 0:1000 --kubectl
    python -m tests.kubeconfigs --seeds 17 --verbose

Prints each failing seed with what was done to its file, and the count; exits with 1 where one failed. With --kubectl
also what kubectl reads that we do not, and why we do not.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.kubeconfigs.trial import place, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0:1000", help="FIRST:AFTER_LAST, or one")
    parser.add_argument("--kubectl", action="store_true", help="also whether kubectl reads what we do not")
    parser.add_argument("--verbose", action="store_true", help="those without a fault, too, with their files")
    given = parser.parse_args()
    bounds = [int(each) for each in given.seeds.split(":")]
    seeds = range(*bounds) if len(bounds) > 1 else range(bounds[0], bounds[0] + 1)
    failed, differences, slow = [], Counter[str](), Counter[int]()
    with tempfile.TemporaryDirectory(prefix="kubeconfigs-") as folder, place(Path(folder)) as where:
        began = time.monotonic()
        for seed in seeds:
            start = time.monotonic()
            trial = run(seed, where, kubectl=given.kubectl)
            slow[seed] = round(time.monotonic() - start)
            differences.update(re.sub(r'"[^"]*"|context \S+|\d+', "…", each) for each in trial.differences)
            if trial.faults:
                failed.append(seed)
                print(trial, flush=True)
            elif given.verbose:
                print(trial, trial.made.content.decode(errors="replace"), sep="\n", flush=True)
        seconds = time.monotonic() - began
    for difference, count in differences.most_common():
        print(f"kubectl reads what we do not, {count} times: {difference}")
    print("slowest:", ", ".join(f"{seed} ({taken} s)" for seed, taken in slow.most_common(3)))
    print(f"{len(seeds)} kubeconfigs, {seconds:.0f} s: {len(failed)} failed {failed or ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
