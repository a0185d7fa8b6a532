"""What comes from outside shows, and does nothing else."""

from __future__ import annotations

import json
import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_inventory.cloudquery.serve import JSONFormatter, TextFormatter
from k8s_inventory.kube.errors import Expired, KubeError
from k8s_inventory.printable import ReportedError, printable, printable_lines
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt
from k8s_inventory.sync import select
from k8s_inventory.sync.summary import lines

EVIL = (
    "a\x1b]0;pwned\x07b\x1b[2Jc\r\nforged: complete\td\x7f\x9b31m\u202ereversed\u2066\u2028\u2029\x85"
    "\u200b\ufeff\ud800[/x][link=https://evil.example]here[/link][bold]:boom:"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web-0 · größer 名前 🚀 a\\b", "web-0 · größer 名前 🚀 a\\b"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\r\tc\0", r"a\nb\r\tc\x00"),
        ("\x7f\x80\x9b", r"\x7f\x80\x9b"),
        ("\u202e\u2066\u2028\u2029\u200b\ufeff", r"\u202e\u2066\u2028\u2029\u200b\ufeff"),
        ("\U000e0041\ud800", r"\U000e0041\ud800"),
        ("\xa0\u3000", r"\xa0\u3000"),
        (None, "None"),
    ],
)
def test_what_does_not_print_shows_as_an_escape(text: object, shown: str) -> None:
    assert printable(text) == shown
    assert str(ReportedError(str(text))) == shown


@given(st.text(st.characters()))
def test_whatever_the_text_is_one_line_of_what_prints(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in shown)
    shown.encode()
    assert printable(shown) == shown
    assert printable_lines(f"{text}\n{text}").split("\n") == [*map(printable, text.split("\n"))] * 2


def test_every_error_is_printable() -> None:
    assert str(KubeError(EVIL)) == str(Expired(EVIL)) == printable(EVIL)
    attempt = Attempt("failed", EVIL)
    assert attempt.error == printable(EVIL)
    attempt.error, attempt.warning = f"more: {EVIL}", f"first\n{EVIL}"
    assert attempt.error.isprintable()
    assert all(line.isprintable() for line in attempt.warning.split("\n"))


def every_error_class() -> list[type[Exception]]:
    """Those that the package itself raises for people to read."""
    import importlib
    import pkgutil

    import k8s_inventory

    found: list[type[Exception]] = []
    for module in pkgutil.walk_packages(k8s_inventory.__path__, "k8s_inventory."):
        if not module.name.startswith(("k8s_inventory.operators", "k8s_inventory.hooks", "k8s_inventory.plugin")):
            members = vars(importlib.import_module(module.name)).values()
            found += [each for each in members if isinstance(each, type) and issubclass(each, Exception)]
    return [each for each in found if each.__module__.startswith("k8s_inventory.")]


def test_no_error_is_left_out() -> None:
    # Never shown but as part of one of the others.
    internal = {
        "Busy",
        "Exhausted",
        "_TryAgain",
        "_Restart",
        "_TooMuch",
        "_NotAsMade",
        "JSONPathError",
        "NotMetadata",
        "PathTooLong",
        "Oversized",
        "ProxyRefused",
        "SocksRefused",
        "Unreadable",
        "Refused",
    }
    left = {each.__name__ for each in every_error_class() if not issubclass(each, ReportedError)}
    assert left <= internal


def _row(**changes: object) -> dict[str, object]:
    counts = dict.fromkeys(("objects", "changed", "deleted"), 0)
    row = {"context_name": EVIL, "kind": EVIL, "outcome": "failed", "error": EVIL, "warning": EVIL, "what_to_do": ""}
    return {**row, **counts, "seconds": 1.0, "whole_context": False, **changes}


def test_the_report_shows_names_and_messages_as_they_are() -> None:
    shown = lines([_row(), _row(seconds=None, error=None)], width=2000).split("\n")
    assert all(line.isprintable() for line in shown)
    assert not any(line.strip().startswith("forged") for line in shown)
    markup = "[/x][link=https://evil.example]here[/link][bold]:boom:"
    assert sum(markup in line for line in shown) >= 4, "markup is markup of ours alone"


def test_the_report_says_what_is_missing_in_the_configuration() -> None:
    shown = lines([_row(warning="of the row")], warnings=["of the\x1b configuration"])
    assert shown.splitlines()[-2:] == ["Warning: of the\\x1b configuration", "Warning: of the row"]


def test_the_label_of_a_task_is_printable() -> None:
    tasks = select(Settings.load({"contexts": [EVIL]}), [EVIL]).tasks(most=300)
    assert all(task["label"].isprintable() for task in tasks)
    assert {task["context"] for task in tasks} == {EVIL}, "the context itself is what it is"


@pytest.mark.parametrize("form", [JSONFormatter(), TextFormatter("%(levelname)s %(message)s")])
def test_the_log_of_the_plugin_is_printable_when_it_was_taken_apart(form: logging.Formatter) -> None:
    try:
        raise KeyError(EVIL)
    except KeyError as error:
        record = logging.makeLogRecord(
            {"msg": "%s", "args": (EVIL,), "levelno": 40, "levelname": "ERROR", "context": EVIL, "page": 7}
        )
        record.exc_info = (KeyError, error, error.__traceback__)
    said = form.format(record)
    if isinstance(form, JSONFormatter):
        assert "\n" not in said
        fields = json.loads(said)
        assert fields["page"] == 7
        assert fields["context"] == printable(EVIL)
        said = "\n".join(map(str, fields.values()))
    assert all(line.isprintable() for line in said.split("\n"))
    assert not any(line.startswith("forged") for line in said.split("\n"))
