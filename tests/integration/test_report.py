"""The report: what is written, and who is told, by the notifiers that Airflow has."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from k8s_inventory.answers import drawn
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.mail_sink import MailSink, html_of

BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
SMTP = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
PLANTED = '<img src=https://evil.example/x onerror="alert(1)"> [x](https://evil.example) @here <!channel> {{ 7*7 }} *b*'
TEMPLATES = {"subject": "{{ report.title }}", "html_content": "{{ report.html }}"}


@pytest.fixture(autouse=True)
def _quiet_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Airflow sets up the logging of the whole process when it is imported."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path_factory.getbasetemp() / "airflow"))
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailSink]:
    with MailSink() as made:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", made.connection)
        yield made


class Report:
    """Runs the operator as a task does, with the environment as its settings; the note that it left last."""

    def __init__(self, cluster: Cluster, sync: Callable[[], None]) -> None:
        self.cluster = cluster
        self.sync = sync
        self.dag_id = "k8s_inventory_report"
        self.note = ""
        self.bound: list[str] = []

    def run(self, *, synced: bool = True, **operator: Any) -> dict[str, dict[str, int | None]]:
        from k8s_inventory.operators import AskOperator

        if synced:
            self.sync()
        context: Any = {"ti": self, "run_id": "run", "params": {}, "dag_run": None}
        return AskOperator(task_id="ask", **operator).execute(context)

    def xcom_push(self, *, key: str, value: dict[str, str]) -> None:
        assert key == "note"
        self.note = value["markdown"]

    def bind(self, name: str, subject: str) -> None:
        """Makes a subject cluster-admin."""
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": subject}]
        self.cluster.create(BINDINGS, {"metadata": {"name": name}, "roleRef": role, "subjects": subjects})
        self.bound.append(name)

    def unbind(self, name: str) -> None:
        self.cluster.delete(f"{BINDINGS}/{name}")
        self.bound.remove(name)


@pytest.fixture
def report(
    cluster: Cluster,
    store: Store,
    sync: Callable[..., Result],
    context_of: Callable[..., Context],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Report]:
    context = context_of(cluster)

    def sync_grants() -> None:
        for kind in ("roles", "clusterroles", "rolebindings", "clusterrolebindings"):
            assert sync(context, kind).outcome == "complete"

    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("K8S_REPORT_QUERIES", "rbac/cluster_admins")
    monkeypatch.setenv("K8S_REPORT_PATH", str(tmp_path / "report"))
    made = Report(cluster, sync_grants)
    yield made
    for name in list(made.bound):
        made.unbind(name)


def test_new_hits_are_mailed_once(
    report: Report, sink: MailSink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("K8S_REPORT_NOTIFIERS", json.dumps({SMTP: {"to": "me@example.com", **TEMPLATES}}))
    first = report.run()
    assert (first["rbac/cluster_admins"]["hits"] or 0) > 0
    assert {each["new"] for each in first.values()} == {0}
    assert sink.messages == []
    assert report.note == "**0 new hits** of 1 query, 0 gone."

    report.bind("planted", PLANTED)
    assert report.run()["rbac/cluster_admins"] == {"hits": (first["rbac/cluster_admins"]["hits"] or 0) + 1, "new": 1}
    (mail,) = sink.messages
    assert (mail["to"], mail["subject"]) == (
        "me@example.com",
        "1 new hit of 1 query in the Kubernetes inventory",
    )
    html = html_of(mail)
    assert _tags(html) <= {"p", "h3", "table", "tr", "th", "td"}
    assert PLANTED in _text_of(html)
    assert "`rbac/cluster_admins`: 1 new of " in report.note
    folders = sorted(path for path in (tmp_path / "report").iterdir() if path.is_dir())
    assert f"All of it: {folders[-1]}" in _text_of(html)
    assert PLANTED.replace('"', '""') in (folders[-1] / "rbac" / "cluster_admins.csv").read_text()
    assert stat.S_IMODE((tmp_path / "report").stat().st_mode) == 0o700

    report.run()
    report.unbind("planted")
    report.run()
    assert len(sink.messages) == 1
    assert report.note == "**0 new hits** of 1 query, 1 gone."
    report.bind("another", "one-that-comes")
    report.run()
    assert len(sink.messages) == 2


def test_what_a_notifier_did_not_take_is_told_the_next_time(report: Report, sink: MailSink) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    def notifier() -> Any:
        return SmtpNotifier(to="me@example.com", subject="{{ report.title }}", html_content="{{ report.text }}")

    report.run(notifier=notifier())
    report.bind("planted", "new-one")
    sink.refuses = True
    with pytest.raises(AirflowException, match=r"^not told: SmtpNotifier \(SMTP\w+\); it is told the next") as refused:
        report.run(notifier=notifier())
    assert not isinstance(refused.value, AirflowFailException), "it is tried again"
    assert "hunter2" not in str(refused.value)
    sink.refuses = False
    report.run(notifier=[notifier(), notifier()])
    assert [mail["subject"] for mail in sink.messages] == ["1 new hit of 1 query in the Kubernetes inventory"] * 2
    assert "new-one" in html_of(sink.messages[0])
    report.run(notifier=notifier())
    assert len(sink.messages) == 2


def test_who_is_named_later_hears_of_what_is_new_then(report: Report, sink: MailSink) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    report.run()
    report.bind("planted", "while-nobody-listens")
    report.run()
    report.run(notifier=SmtpNotifier(to="me@example.com", **TEMPLATES))
    assert sink.messages == []


def test_any_notifier_has_the_notice(report: Report) -> None:
    from airflow.sdk import BaseNotifier

    taken = []

    class Chat(BaseNotifier):
        template_fields = ("text",)

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

        def notify(self, context: Any) -> None:
            taken.append((self.text, context["report"].new))

    report.run(notifier=Chat("{{ report.text }}"))
    report.bind("planted", PLANTED)
    report.run(notifier=Chat("{{ report.text }}"))
    ((text, new),) = taken
    assert new == 1
    names = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(names) == 1
    assert all(not set("<>@*[]()!{}|`") & set(line) and "://" not in line for line in names)
    assert "cluster-admin" in text


def test_a_query_that_fails_is_told_and_others_go_on(
    report: Report, monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    store.connection.execute("ALTER VIEW k8s_grants RENAME TO k8s_grants_of_others")
    monkeypatch.setattr(Store, "check_schema", lambda self: None)
    monkeypatch.setenv("K8S_REPORT_QUERIES", "rbac/wildcards, rbac/bindings_of_nobody")
    with pytest.raises(AirflowFailException, match="^rbac/wildcards: "):
        report.run()
    assert 'Not answered:\n- ``rbac/wildcards: relation "k8s_grants" does not exist' in report.note
    found = store.connection.execute("SELECT query, error IS NULL FROM k8s_answers ORDER BY query").fetchall()
    assert found == [("rbac/bindings_of_nobody", True), ("rbac/wildcards", False)]
    assert len(list((tmp_path / "report").rglob("*.csv"))) == 1


def test_a_folder_that_can_not_be_written_keeps_nobody_from_being_told(
    report: Report, sink: MailSink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    monkeypatch.setenv("K8S_REPORT_NOTIFIERS", json.dumps({SMTP: {"to": "me@example.com", **TEMPLATES}}))
    report.run()
    (tmp_path / "file").write_text("")
    report.bind("planted", "new-one")
    for path in (f"{tmp_path}/file/in-it", "nosuch://key:s3cret@bucket/x"):
        monkeypatch.setenv("K8S_REPORT_PATH", path)
        with pytest.raises(AirflowFailException, match="^the report's files can not be written") as refused:
            report.run()
        assert "s3cret" not in str(refused.value)
    assert len(sink.messages) == 1
    assert "All of it" not in html_of(sink.messages[0])


def test_old_files_and_counts_go_and_nothing_else_does(
    report: Report, monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "report"
    old = (datetime.now(UTC) - timedelta(days=31)).strftime("%Y%m%dT%H%M%SZ")
    young = (datetime.now(UTC) - timedelta(days=29)).strftime("%Y%m%dT%H%M%SZ")
    for name in (old, young, "20200101", "mine", f"{old}.bak"):
        (folder / name / "rbac").mkdir(parents=True)
        (folder / name / "rbac" / "wildcards.csv").write_text("")
    when = "now() - make_interval(days => %s)"
    insert = f"INSERT INTO k8s_answers (report, query, run_id, asked_at) VALUES ('r', %s, 'x', {when})"
    for query, days in (("old", 31), ("young", 29)):
        store.connection.execute(insert, [query, days])
    monkeypatch.setenv("K8S_REPORT_DAYS", "30")
    report.run()
    left = {path.name for path in folder.iterdir()}
    assert left > {young, "20200101", "mine", f"{old}.bak", "counts.svg"}
    assert old not in left
    counts = store.connection.execute("SELECT query FROM k8s_answers WHERE run_id = 'x'").fetchall()
    assert counts == [("young",)]


def test_a_folder_may_be_a_url(report: Report, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from airflow.sdk import ObjectStoragePath

    monkeypatch.setenv("K8S_REPORT_PATH", f"file://{tmp_path}/of a url")
    report.run()
    written = {path.name for path in ObjectStoragePath(f"file://{tmp_path}/of a url").rglob("*")}
    assert {"counts.svg", "cluster_admins.csv"} <= written


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("QUERIES", "securty", "report_queries.*no query is called 'securty'; did you mean 'security'?"),
        ("QUERIES", "rbac, -rbac", "report_queries.*no query is left to ask"),
        ("NOTIFIERS", '{"to": "s3cret-one"}', "report_notifiers.*must be a JSON object of classes"),
        ("NOTIFIERS", "s3cret-one", "report_notifiers.*must be a JSON object of classes"),
        ("NOTIFIERS", '{"nowhere.Notifier": {"token": "s3cret-one"}}', "nowhere.Notifier can not be imported"),
        ("NOTIFIERS", '{"os.system": {"command": "s3cret-one"}}', "os.system is no notifier"),
        ("NOTIFIERS", '{"builtins.dict": {"a": "s3cret-one"}}', "builtins.dict is no notifier"),
        ("NOTIFIERS", f'{{"{SMTP}": {{"to": "a", "topic": "s3cret-one"}}}}', "does not take its arguments: .*'topic'"),
    ],
)
def test_a_setting_that_is_wrong_is_named(
    report: Report, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, said: str
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    monkeypatch.setenv(f"K8S_REPORT_{setting}", value)
    with pytest.raises(AirflowFailException, match=said) as refused:
        report.run(synced=False)
    assert "s3cret" not in str(refused.value)


# -- the picture -----------------------------------------------------------------------------------


def test_the_picture_shows_steps_and_gaps() -> None:
    def at(day: int) -> datetime:
        return datetime(2026, 11, day, tzinfo=UTC)

    counts = {
        "a/<b>": [(at(1), 4), (at(2), None), (at(3), 8), (at(5), 0)],
        "a/none": [],
        "a/failed": [(at(5), 3), (at(5), None)],
        "a/once": [(at(3), 1_000_000)],
    }
    svg = ElementTree.fromstring(drawn(counts))
    texts = [each.text for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "Hits from 2026-11-01 00:00 to 2026-11-05 00:00 UTC"
    assert texts[2:] == [
        "a/<b>",
        "0",
        "8",
        "a/none",
        "-",
        "0",
        "a/failed",
        "failed",
        "3",
        "a/once",
        "1,000,000",
        "1,000,000",
    ]
    path = next(svg.iter("{http://www.w3.org/2000/svg}path")).attrib["d"]
    assert path.count("M") == 2, "a gap where it failed"
    assert "script" not in drawn(counts)
    assert ElementTree.fromstring(drawn({})) is not None


class _Parsed(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def _tags(html: str) -> set[str]:
    return _Parsed(html).tags


def _text_of(html: str) -> str:
    return _Parsed(html).text
