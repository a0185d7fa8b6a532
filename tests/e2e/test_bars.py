"""What shows how far a run is, on real pseudo-terminals and elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

import pytest

from tests.e2e.airflow_home import PROJECT
from tests.terminals import Shown, on_terminal

EVIL = (
    "e\x1b]0;pwned\x07v\x1b[2Ji\r\nforged: 9 of 9 kinds\x9b31m\u202ereversed[/x][red]{task} · pods: complete, "
    "9 objects in 9 pages, "
)

_PROGRAM = """
import json, os, sys, time
from quickstart.bars import Bars
from quickstart.processes import end_on_signals
end_on_signals()
contexts, ended, told, wait, lists_all = json.loads(sys.argv[1])
try:
    with Bars(contexts, lists_all=lists_all) as bars:
        for said in ended:
            bars.target_ended(said)
        for said in told:
            bars.sync_told(said)
        time.sleep(0.3)
        if wait:
            os.write(1, b"waiting")
            time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)  # as `python -m quickstart` has it
print("after it")
"""
"""Bars as `make run` has them, over lines as a log has them."""


def _env(**more: str) -> dict[str, str]:
    keep = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**keep, "PYTHONPATH": f"{PROJECT / 'plugins'}:{PROJECT}", "TERM": "xterm-256color", **more}


def _command(
    contexts: Mapping[str, int],
    ended: Sequence[str] = (),
    told: Sequence[str] = (),
    *,
    wait: bool = False,
    lists_all: bool = False,
) -> list[str]:
    return [sys.executable, "-c", _PROGRAM, json.dumps([contexts, ended, told, wait, lists_all])]


def _ended(context: str, kind: str, objects: int = 0, pages: int = 1, outcome: str = "complete") -> str:
    return f"{context} · {kind}: {outcome}, {objects} objects in {pages} pages, 0 changed, 0 deleted, 0.1 s"


EAST = [_ended("east", "custom", 1, 0), _ended("east", "certs.example", 5), _ended("east", "pods", 1200, 3)]
TOLD = [
    "3 of 9 kinds are read, 9 objects in 9 pages; "
    "being read: west · pods (500 objects in 1 pages), west · jobs (7 objects in 2 pages)"
]


def test_a_terminal_has_a_bar_a_context_with_objects_and_pages() -> None:
    shown = on_terminal(_command({"east": 2, "west": 2}, EAST, TOLD), env=_env())
    assert shown.status == 0
    bars = [" ".join(line.replace("━", "").replace("╸", "").replace("╺", "").split()) for line in shown.screen]
    assert "east 3 of 3 kinds 1205 objects 4 pages" in bars
    assert any(line.endswith("west 0 of 2 kinds 507 objects 3 pages") for line in bars), bars
    assert "━━━" in shown.text
    assert shown.styles - {"0", ""}, "it has colours"
    assert shown.screen[-2:] == ["after it", ""]
    assert not shown.hid_the_cursor
    assert "\x1b" not in shown.text


@pytest.mark.parametrize("columns", [20, 40, 60, 79, 200])
def test_bars_fit_into_any_width(columns: int) -> None:
    long = "arn:aws:eks:eu-central-1:000000000000:cluster/production-" + "名" * 50
    shown = on_terminal(_command({"east": 2, long: 2}, EAST), columns=columns, env=_env())
    assert shown.status == 0
    assert shown.widest <= columns
    if columns >= 40:
        assert "1205 objects" in shown.screen[0]
        assert "4 pages" in shown.screen[0]
    assert len(shown.screen) == 4, "no line was wrapped"


def test_more_contexts_than_rows_show_the_one_that_is_read() -> None:
    contexts = {f"context-{number}": 1 for number in range(50)}
    shown = on_terminal(_command(contexts, [_ended("context-30", "pods", 5)]), rows=10, env=_env())
    assert any("context-30" in line and "5 objects" in line for line in shown.screen)
    assert len(shown.screen) <= 10


def test_without_colours_there_are_none() -> None:
    shown = on_terminal(_command({"east": 2}, EAST), env=_env(NO_COLOR="1"))
    assert "1205 objects" in shown.text
    assert not any(set(style.split(";")) - {"", "0", "1", "2"} for style in shown.styles), shown.styles


def test_elsewhere_there_are_plain_lines() -> None:
    command = _command({"east": 2, "west": 2}, EAST, TOLD)
    lines = [
        "  east: 3 of 3 kinds, 1205 objects in 4 pages",
        "  west: 0 of 2 kinds, 507 objects in 3 pages",
        "after it",
    ]
    piped = subprocess.run(command, env=_env(FORCE_COLOR="1"), capture_output=True, text=True, check=True)
    assert (piped.stdout.splitlines(), piped.stderr) == (lines, "")
    dumb = on_terminal(command, env=_env(TERM="dumb"))
    assert dumb.written == "".join(f"{line}\r\n" for line in lines)


def test_all_targets_are_listed_where_that_is_asked_for() -> None:
    command = _command({"east": 2}, EAST, lists_all=True)
    piped = subprocess.run(command, env=_env(), capture_output=True, text=True, check=True)
    assert piped.stdout.splitlines()[:3] == [f"  {each}" for each in EAST]


def test_what_is_not_complete_is_not_counted_so() -> None:
    ended = [_ended("east", "pods", outcome="not run"), _ended("east", "jobs", 3)]
    assert "1 of 2 complete" in on_terminal(_command({"east": 2}, ended), env=_env()).text
    piped = subprocess.run(_command({"east": 2}, ended), env=_env(), capture_output=True, text=True, check=True)
    assert piped.stdout.splitlines()[0] == "  east: 2 of 2 kinds, 3 objects in 2 pages, 1 not complete"


@pytest.mark.parametrize("env", [{}, {"TERM": "dumb"}])
def test_names_show_and_do_nothing_else(env: dict[str, str]) -> None:
    ended = [f"{EVIL} · pods: complete, 5 objects in 1 pages, ", EVIL, f"{EVIL} · {EVIL}", _ended("east", "jobs", 8)]
    told = [f"being read: {EVIL} · pods (500 objects in 1 pages)", EVIL * 200, "being read: ((((((", "· · · ("]
    shown: Shown = on_terminal(_command({EVIL: 2, "east": 2}, ended, told), columns=120, env=_env(**env))
    assert shown.status == 0
    for line in shown.text.split("\n"):
        assert line.isprintable(), repr(line)
        assert not line.startswith("forged")
    assert r"e\x1b]0;pwned\x07" in shown.text
    assert "8 objects" in shown.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 20])
def test_a_signal_leaves_a_clean_terminal(times: int, number: signal.Signals) -> None:
    """However often it comes: who holds Ctrl-C down sends many, and make passes on what it is sent."""
    command = _command({"east": 2, "west": 2}, EAST, wait=True)
    shown = on_terminal(command, env=_env(), interrupt_at="waiting", times=times, signal_number=number)
    assert not shown.hid_the_cursor
    assert shown.status != 0
    assert "1205 objects" in shown.text
    for said in ("Traceback", "Exception", "Error"):
        assert said not in shown.text
