"""python -m quickstart run [--all] | stop | ui | psql | cloudquery"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from io import TextIOWrapper

from k8s_inventory.store import StoreError
from quickstart import airflow, cloudquery, demo, postgres
from quickstart.processes import end_on_signals
from quickstart.sync import run


def stop() -> int:
    demo.stop()
    postgres.stop()
    return 0


def psql() -> int:
    command, env = postgres.psql()
    os.execve(command[0], command, env)


def main() -> int:
    os.umask(0o077)  # what is made here, or by what is started here, is nobody else's
    end_on_signals()
    for stream in (sys.stdout, sys.stderr):  # a name that this terminal has no characters for is no reason to end
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    commands: dict[tuple[str, ...], Callable[[], int]] = {
        ("run",): run,
        ("run", "--all"): partial(run, lists_all=True),
        ("stop",): stop,
        ("ui",): airflow.ui,
        ("psql",): psql,
        ("cloudquery",): cloudquery.run,
    }
    command = commands.get(tuple(sys.argv[1:]))
    if command is None:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return command()
    except StoreError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
