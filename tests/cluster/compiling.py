"""Compiles a Go program, and says how far it is: what is fetched and what is compiled already stays with Go's caches,
so that a build which was interrupted goes on from there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from quickstart.terminal import terminal

_LINKING = 25
"""For how many packages one is counted: linking takes about so much longer than a package."""

_STEP = 10
"""Percent between two lines, where there is no terminal."""


def compile_program(go: str, source: Path, output: Path, variables: Mapping[str, str]) -> None:
    """Compiles the main package in the folder `source`, with values for string variables by their full names.

    Raises `SystemExit`, with the end of what Go says, where that fails.
    """
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}
    values = (f"-X {name}={value}" for name, value in variables.items())
    flags = ["-trimpath", "-ldflags", " ".join(("-s -w", *values))]
    modules = sum("/go.mod " not in line for line in (source / "go.sum").read_text().splitlines())
    with tempfile.TemporaryFile("w+") as listed:
        stale = [go, "list", "-deps", *flags, "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", "."]
        with _shown("fetching modules", modules) as one_more:
            _run(stale, source, environment, listed.fileno(), one_more, "go: downloading ")
        listed.seek(0)
        packages = len(listed.read().split())
    with _shown("compiling", packages + packages // _LINKING) as one_more:
        _run([go, "build", "-v", *flags, "-o", str(output), "."], source, environment, None, one_more, "")


def _run(
    command: Sequence[str],
    source: Path,
    environment: Mapping[str, str],
    stdout: int | None,
    one_more: Callable[[], None],
    prefix: str,
) -> None:
    """Counts the lines on its stderr that begin so."""
    tail: list[str] = []
    with subprocess.Popen(
        command, cwd=source, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                tail = [*tail[-20:], line]
                if line.startswith(prefix):
                    one_more()
        except BaseException:  # Ctrl-C, or a signal that Go was not sent
            process.terminate()
            raise
    if process.returncode:
        raise SystemExit("The control plane did not build:\n" + "".join(tail))


@contextmanager
def _shown(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Gives a function to call at each of `total` steps, of which there may be less; a bar, or lines, say how many."""
    console = terminal(sys.stderr)
    if console is None:
        count, told = 0, 0

        def say() -> None:
            nonlocal count, told
            count += 1
            percent = min(100 * count // total, 100) if total else 100
            if percent >= told + _STEP:
                told = percent - percent % _STEP
                print(f"  {what}: {told}%", file=sys.stderr, flush=True)

        yield say
        return
    columns = TextColumn("  {task.description}"), BarColumn(bar_width=20), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=max(total, 1))
        yield lambda: progress.update(task, advance=1)
        progress.update(task, completed=max(total, 1))
