"""python -m quickstart run | stop | ui | psql | cloudquery"""

from __future__ import annotations

import os
import sys

from quickstart import airflow, cloudquery, demo, postgres
from quickstart.sync import run


def stop() -> int:
    demo.stop()
    postgres.stop()
    return 0


def psql() -> int:
    database_url = postgres.database_url()
    program = postgres.psql_program()
    os.execv(program, [program, database_url])


def main() -> int:
    commands = {"run": run, "stop": stop, "ui": airflow.ui, "psql": psql, "cloudquery": cloudquery.run}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return commands[sys.argv[1]]()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
