"""Whoever waits for the control plane's build sees how far it is, and waits for it once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cluster.binary import find_go
from tests.cluster.compiling import compile_program
from tests.terminals import on_terminal

PACKAGES = 9


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A program of ten packages that nobody has compiled before."""
    folder, never_seen = tmp_path / "source", uuid4().hex
    imports = ""
    for number in range(PACKAGES):
        (folder / f"p{number}").mkdir(parents=True)
        (folder / f"p{number}" / "p.go").write_text(f'package p{number}\n\nvar Text = "{never_seen}"\n')
        imports += f'import "example.test/program/p{number}"\n'
    uses = "".join(f"\tprintln(p{number}.Text, version)\n" for number in range(PACKAGES))
    (folder / "main.go").write_text(f"package main\n\n{imports}\nvar version string\n\nfunc main() {{\n{uses}}}\n")
    (folder / "go.mod").write_text("module example.test/program\n\ngo 1.24\n")
    (folder / "go.sum").write_text("")
    return folder


def test_lines_say_how_many_percent_are_compiled(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = source / "program"
    compile_program(find_go(), source, program, {"main.version": "v1.2.3"})
    said = capsys.readouterr().err
    percents = [int(each) for each in re.findall(r"compiling: (\d+)%", said)]
    assert percents == sorted(set(percents))
    assert percents[-1] == 100
    assert len(percents) >= PACKAGES - 1
    shown = subprocess.run([program], capture_output=True, text=True, check=True).stderr
    assert shown.splitlines()[0].endswith(" v1.2.3")

    compile_program(find_go(), source, source / "again", {"main.version": "v1.2.3"})
    assert len(capsys.readouterr().err.splitlines()) <= 1, "what is compiled is not compiled again"


def test_what_go_says_is_told_where_it_fails(source: Path) -> None:
    (source / "p3" / "p.go").write_text("package p3\n\nvar Text string = 7\n")
    with pytest.raises(SystemExit, match=r"did not build:[^$]*p3/p\.go:3"):
        compile_program(find_go(), source, source / "program", {})


def test_a_terminal_has_a_bar_with_the_percent(source: Path) -> None:
    code = "import sys; from pathlib import Path; from tests.cluster.compiling import compile_program; "
    code += f"compile_program({find_go()!r}, Path({str(source)!r}), Path({str(source / 'program')!r}), {{}})"
    shown = on_terminal([sys.executable, "-c", code], env={**os.environ, "TERM": "xterm-256color"}, columns=40)
    assert shown.status == 0, shown.text
    assert [line.split()[0] for line in shown.screen if "100%" in line] == ["fetching", "compiling"]
    assert len(set(re.findall(r"compiling\s+\S+\s+(\d+)%", shown.text))) > 1
    assert shown.widest <= 40
    assert not shown.hid_the_cursor
