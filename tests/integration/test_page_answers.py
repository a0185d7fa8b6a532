"""What the inventory page answers to odd questions, and of odd rows: asked without a browser, of a real database."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from psycopg.types.json import Jsonb

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.queries import Query
from k8s_inventory.store import Store, StoreError
from k8s_inventory.store.forgetting import forget_context
from k8s_inventory.sync import Result
from k8s_inventory.web import views
from k8s_inventory.web.access import may_read, may_trigger
from k8s_inventory.web.app import app
from k8s_inventory.web.coverage import FAMILY_NAMES
from k8s_inventory.web.reading import Busy, Snapshot
from tests.cluster import Cluster
from tests.cluster.cluster import User
from tests.cluster.objects import deployment, pod

Ask = Callable[..., Response]


@pytest.fixture
def ask(store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Asks the page as somebody who may read and trigger the DAG; parameters by keyword."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    views.reader.cache_clear()
    monkeypatch.setattr(app, "dependency_overrides", {may_read: lambda: None, may_trigger: lambda: True})
    client = TestClient(app)
    yield lambda path, **given: client.get(path, params=given or None)
    views.reader().close()
    views.reader.cache_clear()


def _put(store: Store, table: str, **values: Any) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f"%({name})s" for name in values)
    store.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})".encode(), values)


def _put_object(store: Store, table: str, name: str, *, context: str = "prod", **values: Any) -> str:
    """A row with what each table asks for; returns its uid."""
    uid = hashlib.sha256(f"{context} {table} {values.get('namespace')} {name}".encode()).hexdigest()
    required = store.connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass "
        "AND attnum > 0 AND attnotnull AND NOT atthasdef",
        [table],
    ).fetchall()
    empty = {"text": "", "text[]": [], "jsonb": Jsonb({}), "boolean": False}
    given = {column: empty.get(type_, 0) for column, type_ in required}
    if "owner_references" in given:
        given["owner_references"] = Jsonb([])
    given |= {"context_name": context, "uid": uid, "name": name, **values}
    _put(store, table, **given)
    return uid


def _put_run(
    store: Store, kind: str, outcome: str | None, *, context: str = "prod", days: float = 0, **more: Any
) -> None:
    """An attempt, so many days ago, and its target."""
    then = datetime.now(UTC) - timedelta(days=days)
    store.connection.execute(
        "INSERT INTO k8s_sync_contexts (context_name, server) VALUES (%s, 'https://x') ON CONFLICT DO NOTHING",
        [context],
    )
    exact = then if outcome == "complete" else None
    store.connection.execute(
        "INSERT INTO k8s_sync_targets (context_name, kind, last_complete_at, exact_as_of, history_since) "
        "VALUES (%(context)s, %(kind)s, %(exact)s, %(exact)s, %(exact)s) "
        "ON CONFLICT (context_name, kind) DO UPDATE "
        "SET exact_as_of = coalesce(%(exact)s, k8s_sync_targets.exact_as_of)",
        {"context": context, "kind": kind, "exact": exact},
    )
    finished = then if outcome else None
    given = {"run_id": "run", "attempt": 1, "context_name": context, "kind": kind, "outcome": outcome}
    given |= {"started_at": then, "snapshot_at": exact, "finished_at": finished}
    _put(store, "k8s_sync_runs", **given, **more)


def _token(*position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/search", {"after": _token(0, "c", None, "\ud800", "u")}),
        ("/search", {"after": _token(0, "\ud800", "n", "n", "u")}),
        ("/search", {"after": base64.urlsafe_b64encode(b"[" * 2990).decode()}),
        ("/search", {"after": base64.urlsafe_b64encode(b"5").decode()}),
        ("/search", {"after": "é"}),
        ("/changes", {"until": "0001-01-01"}),
        ("/changes", {"until": "0001-03-01", "since": "90d"}),
        ("/changes", {"after": "2026-01-01~٣" + "9" * 30}),
        ("/compare", {"left": "prod", "only": "both", "right": "other"}),
    ],
)
def test_no_address_is_so_odd_that_it_has_no_answer(ask: Ask, path: str, given: dict[str, str]) -> None:
    answer = ask(path, **given)
    assert answer.status_code == 422, answer.text[:300]
    assert "can not be" in answer.text


def test_the_next_page_is_found_after_a_name_of_any_length(store: Store, ask: Ask) -> None:
    """Names of RBAC have no limit of their own."""
    for number in range(51):
        _put_object(store, "k8s_clusterroles", f"{'長' * 5000} {number:02}")
    first = ask("/search", kind="clusterroles").text
    (address,) = re.findall(r'href="(/search\?[^"]*)"[^>]*>Next', first)
    assert ask(address.replace("&amp;", "&")).text.count('<th scope="row">') == 1


# -- search ----------------------------------------------------------------------------------------


def _names(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.text[:300]
    return [each["name"] for each in answer.json()]


_DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def images(store: Store) -> None:
    beside = ["a:1", "registry.example/web:1.2", "b:2"]
    _put_object(store, "k8s_pods", "beside", namespace="shop", images=beside)
    _put_object(store, "k8s_pods", "across", namespace="shop", images=["registry.example/web:1.0", "side:1.2"])
    _put_object(store, "k8s_pods", "first", namespace="shop", images=["x"], init_images=["registry.example/job:1.2"])
    statuses = [{"name": "web", "imageID": f"docker.io/library/web@{_DIGEST}"}]
    by_tag = {"images": ["web:1"], "status": Jsonb({"phase": "Running", "containerStatuses": statuses})}
    _put_object(store, "k8s_pods", "by-tag", namespace="shop", **by_tag)


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("registry.example/*:1.2", ["beside", "first"]),
        ("registry.example/*", ["across", "beside", "first"]),
        ("*:1.2", ["across", "beside", "first"]),
        ("web:1", ["across", "beside", "by-tag"]),
        ("b:2", ["beside"]),
        ("1 registry", []),
        (_DIGEST, ["by-tag"]),
        (f"*/web@{_DIGEST[:20]}*", ["by-tag"]),
        ("sha256:cd", []),
    ],
)
def test_a_pattern_of_images_is_that_of_one_image(ask: Ask, images: None, image: str, found: list[str]) -> None:
    for more in ({"kind": "pods"}, {}):
        assert _names(ask("/search.json", image=image, **more)) == found
        assert f"<b>{len(found)}</b> object" in ask("/search/facets", image=image, **more).text


def test_what_a_large_owner_owns_is_not_said_to_be_all(store: Store, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("k8s_inventory.web.searching.MOST_OWNED", 3)
    owner = _put_object(store, "k8s_replicasets", "web", namespace="shop")
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": owner, "controller": True}
    for number in range(4):
        owned = {"namespace": "shop", "owner_references": Jsonb([reference])}
        _put_object(store, "k8s_pods", f"web-{number}", **owned)
    assert "owns more than 3 objects" in ask("/search", owner="ReplicaSet/web").text
    assert "at least <b>3" in ask("/search/facets", owner="ReplicaSet/web").text.replace("<b>at least ", "at least <b>")
    monkeypatch.setattr("k8s_inventory.web.searching.MOST_OWNED", 4)
    assert "more than" not in ask("/search", owner="ReplicaSet/web").text
    monkeypatch.setattr("k8s_inventory.web.searching.MOST_OWNERS", 1)
    _put_object(store, "k8s_replicasets", "web", namespace="other")
    said = ask("/search", owner="ReplicaSet/web").text
    assert "More than 1 objects are called ReplicaSet/web" in said
    assert "The first 1 objects called ReplicaSet/web own nothing" in said
    assert "at least" in ask("/search/facets", owner="ReplicaSet/web").text


@pytest.mark.parametrize(
    ("outcome", "given", "is_exact"),
    [
        ("complete", {"q": "web"}, True),
        ("absent", {"q": "web"}, True),
        ("forbidden", {"q": "web"}, False),
        ("forbidden", {"q": "web", "kind": "pods"}, False),
        ("forbidden", {"q": "web", "kind": "pods", "context": "prod"}, False),
        ("forbidden", {"q": "web", "context": "another"}, True),
        (None, {"q": "web", "kind": "pods"}, False),
        ("complete", {"q": "web", "kind": "services"}, False),
        ("complete", {"q": "web", "kind": "pods", "at": "2001-01-01"}, False),
        ("complete", {"kind": "pods", "at": "2001-01-01"}, False),
        ("complete", {"at": "2001-01-01", "context": "prod"}, False),
        ("complete", {"q": "web", "kind": "pods", "at": "2100-01-01"}, True),
    ],
)
def test_a_count_of_what_is_not_all_known_says_so(
    store: Store, ask: Ask, outcome: str | None, given: dict[str, str], is_exact: bool
) -> None:
    _put_run(store, "pods", outcome, days=1)
    said = ask("/search/facets", **given).text
    assert ("not all is known" in said) != is_exact, said


def test_what_is_only_in_part_read_is_not_all_known(store: Store, ask: Ask) -> None:
    _put_run(store, "pods", "complete", scope="namespaces: shop")
    assert "not all is known" in ask("/search/facets", q="web").text


def test_a_custom_kind_that_discovery_has_not_found_is_known_not_to_be_there(store: Store, ask: Ask) -> None:
    _put_run(store, "custom", "complete")
    assert "not all is known" not in ask("/search/facets", kind="tests.shop.example", q="x").text
    _put_run(store, "tests.shop.example", "forbidden")
    assert "not all is known" in ask("/search/facets", kind="tests.shop.example", q="x").text


def test_a_cluster_that_nobody_knows_is_not_an_empty_one(store: Store, ask: Ask) -> None:
    _put_run(store, "deployments", "complete")
    _put_object(store, "k8s_deployments", "web", namespace="shop")
    assert "has no cluster prdo" in ask("/search", context="prdo").text
    assert "has no cluster" not in ask("/search", context="prod", q="x").text
    said = ask("/compare", left="prod", right="prdo", kind="deployments").text
    assert re.search(r"prdo</b> can not be spoken for in: deployments \(never read\)", said)
    assert "has no cluster prdo" in ask("/changes", context="prdo").text


def test_names_with_blanks_around_them_lead_somewhere(store: Store, ask: Ask) -> None:
    _put_run(store, "pods", "complete", context=" prod ")
    _put_object(store, "k8s_pods", "web", context=" prod ", namespace="shop")
    assert _names(ask("/search.json", context=" prod ")) == ["web"]
    (address,) = re.findall(r'href="(/object\?[^"]*)"', ask("/search", context=" prod ").text)
    assert ask(address.replace("&amp;", "&")).status_code == 200
    assert "pods" in ask("/coverage/kinds", context=" prod ", family="workloads").text


def test_pods_are_found_by_their_node_where_nodes_may_not_be_read(store: Store, ask: Ask) -> None:
    for context, outcome in (("prod", "complete"), ("test", "forbidden")):
        _put_run(store, "pods", "complete", context=context)
        _put_run(store, "nodes", outcome, context=context)
        _put_object(store, "k8s_pods", f"of-{context}", context=context, namespace="shop", node_name="node-1")
    assert _names(ask("/search.json", node="node-1")) == ["of-test"]
    _put_object(store, "k8s_nodes", "node-1")
    assert _names(ask("/search.json", node="node-1", kind="pods")) == ["of-prod", "of-test"]
    assert "<b>2</b> objects" in ask("/search/facets", node="node-1", kind="pods").text


@pytest.mark.parametrize("kind", ["tests.shop.example", "Tests.Shop.example"])
def test_kinds_are_the_same_however_they_are_written(store: Store, ask: Ask, kind: str) -> None:
    made = {"plural": "tests", "group": "shop.example", "kind": "Test", "namespace": "shop"}
    for context, outcome in (("prod", "complete"), ("test", "forbidden")):
        _put_run(store, "custom", "complete", context=context)
        _put_run(store, "tests.shop.example", outcome, context=context, objects=1)
        _put_object(store, "k8s_custom_objects", "x", context=context, **made)
    assert len(_names(ask("/search.json", kind=kind))) == 2
    assert "<b>at least 2</b> objects" in ask("/search/facets", kind=kind).text
    assert "tests.shop.example (forbidden)" in ask("/compare", left="prod", right="test", kind=kind).text


# -- runs ------------------------------------------------------------------------------------------


def _rows(answer: Response) -> list[list[str]]:
    """Of the table of a page, the text of each cell."""
    assert answer.status_code == 200, answer.text[:300]
    rows = re.findall(r"<tr>(.*?)</tr>", answer.text.partition("<tbody>")[2], re.DOTALL)
    return [[re.sub(r"<[^>]*>", "", each) for each in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)] for row in rows]


@pytest.mark.parametrize(
    ("dag", "mode"),
    [("k8s_inventory", "full"), ("k8s_inventory_incremental", "incremental"), ("k8s_inventory_watch", "watch")],
)
def test_each_dag_that_reads_has_its_runs(store: Store, ask: Ask, dag: str, mode: str) -> None:
    """Two that are scheduled for the same minute have the same id."""
    for objects, each in enumerate(("full", "incremental", "watch")):
        _put_run(store, "pods", "complete", mode=each, objects=objects)
    ((context, outcome, kinds, objects, *_),) = _rows(ask("/run", run_id="run", dag_id=dag))
    assert (context, outcome, kinds) == ("prod", "complete", "pods")
    assert objects == str(["full", "incremental", "watch"].index(mode))
    assert "Not a run of the inventory" in ask("/run", run_id="run", dag_id="k8s_inventory_report").text


def test_a_run_came_to_what_its_last_attempts_did(store: Store, ask: Ask) -> None:
    """Retries, tasks that are cleared, and a watch, which has an attempt every few minutes."""
    for outcome, changed in (("unreachable", 0), ("complete", 5), ("complete", 2)):
        _put_run(store, "pods", outcome, objects=7, changed=changed)
    _put_run(store, "services", "complete", objects=1)
    _put_run(store, "services", "forbidden", deleted=0)
    assert [row[:5] for row in _rows(ask("/run", run_id="run"))] == [
        ["prod", "complete", "pods", "7", "7"],
        ["prod", "forbidden", "services", "0", "0"],
    ]


# -- one object ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "web",
        "--server=elsewhere.example",
        "-f",
        "$(touch x)`'\"\\",
        "a\nb\tc",
        "\x03\x1b[201~\ntouch x\n",
        "\\' \x7f\u202e é☃ '",
        "-\x04 x",
    ],
)
def test_the_line_for_kubectl_asks_for_the_object_whatever_it_is_called(
    ask: Ask,
    cluster: Cluster,
    context_of: Callable[..., Context],
    sync: Callable[..., Result],
    tmp_path: Path,
    name: str,
) -> None:
    """Names of RBAC may be anything without `/` and `%`: options, quotes, and what a terminal takes for keys."""
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    uid = cluster.create(roles, {"metadata": {"name": name}, "rules": []})["metadata"]["uid"]
    sync(context_of(cluster), "clusterroles")
    cluster.delete(f"{roles}/{quote(name)}")
    said = ask("/object", context="test", kind="clusterroles", uid=uid).text
    (line,) = (unescape(each) for each in re.findall(r'data-copy="([^"]*)"', said))
    assert line.isprintable(), "what is pasted is pressed"
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    program.chmod(0o700)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    shell = subprocess.run(["bash", "-c", line], env=env, capture_output=True)
    words = shell.stdout.decode().split("\0")[:-1]
    assert words[:4] == ["--context", "test", "get", "clusterroles.rbac.authorization.k8s.io"]
    assert sorted(words[4:]) == sorted(["-o", "yaml", name, *(["--"] if name.startswith("-") else [])])
    assert name == words[4] or words[-2:] == ["--", name]


def _link(answer: Response, text: str) -> str:
    """The address of the only link of this text."""
    (address,) = re.findall(rf'<a (?:class="[^"]*" )?href="([^"]*)"[^>]*>{text}</a>', answer.text)
    return unescape(address)


def test_what_is_gone_is_shown_as_it_was_however_short_it_was_there(
    ask: Ask, cluster: Cluster, context_of: Callable[..., Context], sync: Callable[..., Result]
) -> None:
    maps, context = "/api/v1/namespaces/shop/configmaps", context_of(cluster)
    uids = {}
    for name in ("there-twice", "there-once"):
        uids[name] = cluster.create(maps, {"metadata": {"name": name}})["metadata"]["uid"]
        sync(context, "configmaps")
    for name in uids:
        cluster.delete(f"{maps}/{name}")
    sync(context, "configmaps")
    for name, uid in uids.items():
        gone = ask("/object", context="test", kind="configmaps", uid=uid)
        assert f"{name} is gone" in gone.text
        was = ask(_link(gone, "As it was"))
        assert "As it was at" in was.text
        assert name in was.text


def test_what_is_gone_was_owned_by_what_owned_it(
    ask: Ask, cluster: Cluster, context_of: Callable[..., Context], sync: Callable[..., Result]
) -> None:
    pods, context = "/api/v1/namespaces/shop/pods", context_of(cluster)
    owners = "/apis/apps/v1/namespaces/shop/deployments"
    owner = cluster.create(owners, deployment("owner"))["metadata"]
    made = pod("owned")
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "owner", "uid": owner["uid"]}
    unknown = {"apiVersion": "shop.example/v1", "kind": "Shop", "name": "of-another-kind", "uid": "x"}
    made["metadata"]["ownerReferences"] = [{**reference, "controller": True}, unknown]
    uid = cluster.create(pods, made)["metadata"]["uid"]
    for kind in ("deployments", "pods"):
        sync(context, kind)
    cluster.delete(f"{pods}/owned")
    cluster.delete(f"{owners}/owner")
    for kind in ("pods", "deployments"):
        sync(context, kind)
    was = ask(_link(ask("/object", context="test", kind="pods", uid=uid), "As it was"))
    assert "of-another-kind" in was.text
    assert "Nothing own" not in was.text
    assert "As it was at" in ask(_link(was, "Deployment <b>owner</b>")).text


def test_owners_of_an_instant_are_said_to_be_those_of_now(store: Store, ask: Ask) -> None:
    _put_run(store, "pods", "complete", days=1)
    _put_run(store, "deployments", "complete", days=1)
    then = datetime.now(UTC).isoformat()
    asked = {"owner": "Deployment/web", "kind": "pods", "at": then}
    assert "There is no Deployment/web now that could own anything" in ask("/search", **asked).text
    owner = _put_object(store, "k8s_deployments", "web", namespace="shop")
    assert "Nothing is owned by Deployment/web now" in ask("/search", **asked).text
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": owner, "controller": True}
    _put_object(store, "k8s_pods", "web-1", namespace="shop", owner_references=Jsonb([reference]))
    for at, is_said in ((then, True), ("", False)):
        said = ask("/search", **{**asked, "at": at}).text
        assert "web-1</a>" in said
        assert ("Who owns what is known of now alone" in said) == is_said
        assert ("at least" in ask("/search/facets", **{**asked, "at": at}).text) == is_said


# -- coverage --------------------------------------------------------------------------------------


def _untrusted(ask: Ask) -> str:
    found = re.search(r'<section class="card lacking".*?</section>', ask("/").text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", found.group()).split()) if found else ""


def test_what_is_read_anew_is_trusted_no_more_than_before(store: Store, ask: Ask) -> None:
    _put_run(store, "pods", "forbidden")
    before = _untrusted(ask)
    assert "forbidden" in before
    _put_run(store, "pods", None)
    assert _untrusted(ask) == before
    assert "being read for" in ask("/coverage/kinds", context="prod", family="workloads").text
    _put_run(store, "pods", "complete")
    assert _untrusted(ask) == ""


def test_what_was_never_read_to_the_end_is_not_trusted(store: Store, ask: Ask) -> None:
    _put_run(store, "pods", None)
    assert "pods" in _untrusted(ask)


def test_what_was_read_long_ago_is_not_trusted(store: Store, ask: Ask) -> None:
    _put_run(store, "pods", "complete", days=1)
    assert _untrusted(ask) == ""
    _put_run(store, "services", "complete", days=5, objects=7)
    said = _untrusted(ask)
    assert "old services" in said
    assert "Not read as a whole since" in said


def test_a_count_is_that_of_the_last_listing_while_the_next_one_is_under_way(store: Store, ask: Ask) -> None:
    _put_run(store, "pods", "complete", objects=7)
    _put_run(store, "pods", None)
    assert "<b>7</b> objects" in ask("/").text
    assert "<b>7</b> objects" in ask("/search/facets").text


def test_of_many_custom_kinds_those_that_lack_something_come_first(
    store: Store, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_TARGETS", 3)
    for name in "abcd":
        _put_run(store, f"{name}.example", "complete")
    _put_run(store, "z.example", "failed")
    said = ask("/coverage/kinds", context="prod", family="custom").text
    assert re.findall(r">(\w\.example)</a>", said) == ["z.example", "a.example", "b.example"]
    assert "and more" in said


def test_each_kind_of_coverage_leads_to_its_objects(store: Store, ask: Ask) -> None:
    """But for the search for custom kinds, which is a target and has no objects."""
    for kind in (*KINDS, "custom", "tests.shop.example", "tests.core"):
        _put_run(store, kind, "complete")
    led = 0
    for family in FAMILY_NAMES:
        said = ask("/coverage/kinds", context="prod", family=family).text
        for address in re.findall(r'<a href="(/search\?[^"]*)"', said):
            assert ask(unescape(address)).status_code == 200, address
            led += 1
    assert led == len(KINDS) + 2


def test_how_many_custom_kinds_were_found_is_no_number_of_objects(store: Store, ask: Ask) -> None:
    _put_run(store, "custom", "complete", objects=30)
    _put_run(store, "tests.shop.example", "complete", objects=4)
    assert "<b>4</b> objects" in ask("/").text
    assert _lines(ask) == {"custom": (4, 4, 4, 4)}
    store.connection.execute("UPDATE k8s_sync_runs SET run_id = 'both'")
    assert re.search(r"<td[^>]*>4</td>", ask("/run", run_id="both").text)


# -- counts over time ------------------------------------------------------------------------------


def _lines(ask: Ask, context: str = "prod") -> dict[str, tuple[int, ...]]:
    """What is said of each family's line: the first count, the last, the least and the greatest."""
    answer = ask("/coverage/counts", context=context)
    assert answer.status_code == 200, answer.text[:300]
    said = re.findall(
        r"<title>(\w+): from (.+?) to (.+?) in the last [^<]+, between (.+?) and (.+?)</title>", answer.text
    )
    assert len(said) == answer.text.count("<svg")
    return {family: tuple(int(each.replace("\u202f", "")) for each in counts) for family, *counts in said}


def test_a_line_has_the_counts_of_syncs(
    store: Store, ask: Ask, cluster: Cluster, context_of: Callable[..., Context], sync: Callable[..., Result]
) -> None:
    pods, names = "/api/v1/namespaces/shop/pods", ("counted-1", "counted-2", "counted-3")
    context = context_of(cluster)
    before = sum(sync(context, kind).attempt.objects for kind in ("pods", "deployments"))
    for name in names:
        cluster.create(pods, pod(name))
    sync(context, "pods")
    cluster.delete(f"{pods}/{names[0]}")
    sync(context, "pods")
    for name in names[1:]:
        cluster.delete(f"{pods}/{name}")
    assert sync(context_of(cluster, user=User("reader")), "deployments").attempt.outcome == "forbidden"
    assert sync(context, "pods", namespaces=["shop"]).attempt.outcome == "complete"
    first, last, least, most = _lines(ask, "test")["workloads"]
    assert (first, last, least) == (before, before + 2, before)
    assert most in (before + 2, before + 3), "that of the moment between may fall between two points"


@pytest.mark.parametrize(
    ("attempts", "said"),
    [
        pytest.param([(1, "complete", 3)], (3, 3, 3, 3), id="one"),
        pytest.param([(20, "complete", 3), (10, "complete", 9), (5, "complete", 4)], (3, 4, 3, 9), id="several"),
        pytest.param([(90, "complete", 70), (40, "complete", 3), (5, "complete", 4)], (3, 4, 3, 4), id="long ago"),
        pytest.param([(9, "complete", 3), (5, "forbidden", 0), (1, "failed", 0)], (3, 3, 3, 3), id="not known since"),
        pytest.param(
            [(9, "complete", 3), (5, "partial", 1), (1, "complete", 5)], (3, 5, 3, 5), id="incomplete between"
        ),
        pytest.param([(9, "complete", 3), (1, None, 7)], (3, 3, 3, 3), id="under way"),
        pytest.param([(9, "complete", 3), (1, "busy", 7)], (3, 3, 3, 3), id="of another writer"),
        pytest.param([(9, "complete", 3), (1, "absent", 0)], (3, 0, 0, 3), id="not served any more"),
        pytest.param([(9, "forbidden", 0), (5, "complete", 3)], (3, 3, 3, 3), id="not known before"),
        pytest.param([(9, "complete", 1_000), (5, "complete", 12_345)], (1_000, 12_345, 1_000, 12_345), id="many"),
        pytest.param([(9, "forbidden", 0)], None, id="never"),
        pytest.param([(9, None, 5)], None, id="not yet"),
    ],
)
def test_a_line_is_of_what_was_known_when(
    store: Store, ask: Ask, attempts: list[tuple[float, str | None, int]], said: tuple[int, ...] | None
) -> None:
    for days, outcome, objects in attempts:
        _put_run(store, "pods", outcome, days=days, objects=objects)
    _put_run(store, "pods", "complete", context="another", objects=99)
    assert _lines(ask) == ({"workloads": said} if said else {})


def test_a_line_begins_where_its_first_run_has_ended_and_grows_by_what_comes_later(store: Store, ask: Ask) -> None:
    for kind, days in (("pods", 9), ("deployments", 8.99), ("jobs", 3)):
        _put_run(store, kind, "complete", days=days, objects=5)
    _put_run(store, "services", "complete", days=1, objects=2)
    _put_run(store, "pods", "complete", scope="namespaces: shop", objects=1)
    assert _lines(ask) == {"workloads": (10, 15, 10, 15), "networking": (2, 2, 2, 2)}


@pytest.mark.parametrize(("most", "points"), [(6_000, 30), (30, 10), (3, 2), (0, 2)])
def test_lines_of_many_kinds_have_fewer_points(
    store: Store, ask: Ask, monkeypatch: pytest.MonkeyPatch, most: int, points: int
) -> None:
    monkeypatch.setattr(views, "MOST_COUNTED", most)
    for name in "abc":
        _put_run(store, f"{name}.example", "complete", days=2, objects=1)
        _put_run(store, f"{name}.example", "complete", days=1, objects=3)
    text = ask("/coverage/counts", context="prod").text
    assert _lines(ask) == {"custom": (3, 9, 3, 9)}
    (drawn,) = re.findall(r'points="([^"]*)"', text)
    assert len(drawn.split()) == points


def test_a_cluster_that_was_forgotten_has_no_lines(store: Store, ask: Ask) -> None:
    _put_run(store, "pods", "complete", objects=3)
    assert "line" in ask("/coverage/counts", context="prod").text
    forget_context(store, "prod")
    assert ask("/coverage/counts", context="prod").text.strip() == ""


def test_a_line_finds_its_cell_whatever_the_cluster_is_called(store: Store, ask: Ask) -> None:
    odd = """a'b"] , <x>:\\&=?%é """
    _put_run(store, "pods", "complete", context=odd, objects=3)
    (selector,) = re.findall(r'hx-swap-oob="beforeend:([^"]*)"', ask("/coverage/counts", context=odd).text)
    (end,) = re.findall(r"^a\.cell\[href\$='([\w?&=%+;.-]+)'\]$", selector)
    assert len(re.findall(rf'class="cell [^"]*" href="[^"]*{re.escape(end)}"', ask("/").text)) == 1


# -- comparing -------------------------------------------------------------------------------------


def test_what_something_that_is_compared_controls_is_left_out(store: Store, ask: Ask) -> None:
    for context in ("prod", "test"):
        for kind in ("jobs", "cronjobs", "deployments"):
            _put_run(store, kind, "complete", context=context)
    made = {"namespace": "shop", "owner_references": Jsonb([{"kind": "CronJob", "name": "night", "controller": True}])}
    _put_object(store, "k8s_jobs", "night-2936", **made)
    _put_object(store, "k8s_jobs", "by-hand", namespace="shop")
    by_operator = Jsonb([{"kind": "Shop", "name": "x", "controller": True}])
    _put_object(store, "k8s_deployments", "by-operator", namespace="shop", owner_references=by_operator)
    said = ask("/compare", left="prod", right="test").text
    assert "by-hand" in said
    assert "by-operator" in said
    assert "night-2936" not in said
    assert "night-2936" in ask("/compare", left="prod", right="test", kind="jobs").text


# -- files -----------------------------------------------------------------------------------------


def test_no_other_sign_between_cells_makes_a_formula(store: Store, ask: Ask) -> None:
    """Where numbers have a comma, spreadsheets take `;` for the end of a cell, and quotes within for nothing."""
    for number, image in enumerate(["a;=1+1", "a\n=1;", 'a;"=1', "a; +1", "＝1", "a;\t@x"]):
        _put_object(store, "k8s_pods", f"pod-{number}", namespace="shop", images=[image])
    text = ask("/search.csv", kind="pods").text
    cells = [each for line in re.split(r"[;\r\n]", text) for each in line.split(",")]
    assert not [each for each in cells if re.match(r"[\s\"']*[=+@＝-]", each) and not each.lstrip('"').startswith("'")]
    assert len(list(csv.DictReader(io.StringIO(text)))) == 6


def test_numbers_stay_numbers_in_files() -> None:
    from k8s_inventory.web.exporting import as_csv, as_json

    rows = [[Decimal("-1.5"), Decimal(2), -3]]
    assert bytes(as_csv("x", ["a", "b", "c"], rows).body) == b"a,b,c\r\n-1.5,2,-3\r\n"
    assert json.loads(bytes(as_json("x", ["a", "b", "c"], rows).body)) == [{"a": -1.5, "b": 2, "c": -3}]


@pytest.mark.parametrize("path", ["/search.exe", "/answers/inventory/freshness.exe", "/search."])
def test_no_other_files_are_made(ask: Ask, path: str) -> None:
    assert ask(path).status_code in (404, 422)


def test_one_namespace_is_compared_with_one(store: Store, ask: Ask) -> None:
    for context, namespaces in (("prod", "abc"), ("test", "abd")):
        _put_run(store, "configmaps", "complete", context=context)
        for namespace in namespaces:
            _put_object(store, "k8s_configmaps", "everywhere", context=context, namespace=namespace)
            _put_object(store, "k8s_configmaps", f"of-{context}", context=context, namespace=namespace)
    asked = {"left": "prod", "right": "test", "kind": "configmaps"}
    for given in ({"left_namespace": "a"}, {"right_namespace": "a"}, {"left_namespace": "a", "right_namespace": "a"}):
        said = ask("/compare", **asked, **given).text
        assert re.findall(r"(of-\w+)</a>", said) == ["of-prod", "of-test"]
        assert "prod/a" in said
        assert "test/a" in said
    assert "are the same" in ask("/compare", left="prod", right_namespace="a").text


def test_a_kind_of_the_core_group_without_a_declaration_leads_somewhere(store: Store, ask: Ask) -> None:
    """As what a Kubernetes to come may have."""
    for context in ("prod", "test"):
        _put_run(store, "custom", "complete", context=context)
        _put_run(store, "tests.core", "complete", context=context)
    _put_object(store, "k8s_custom_objects", "x", plural="tests", group="", kind="Test", namespace="shop")
    facet = ask(_link(ask("/search/facets", q="x"), "tests.core"))
    assert facet.status_code == 200
    assert ask(_link(facet, "x")).status_code == 200
    assert ask(_link(ask("/compare", left="prod", right="test", kind="tests.core"), "x")).status_code == 200


def test_names_are_asked_for_alike_among_changes(store: Store, ask: Ask) -> None:
    for name in ("web", "web-2", "my-web"):
        given = {"context_name": "prod", "kind": "Deployment", "group": "apps", "plural": "deployments", "name": name}
        given |= {"namespace": "shop", "uid": name, "change": "created", "run_id": "r", "evidence": "e"}
        _put(store, "k8s_changes", **given, seen_at=datetime.now(UTC) - timedelta(minutes=1))
    for asked, found in (("web", 3), ("web*", 2), ("=web", 1), ("=we", 0)):
        assert ask("/changes", q=asked).text.count('<li class="created">') == found, asked
    assert "since: &#39;soon&#39; is no time" in ask("/changes", since="soon").text


# -- bounds ----------------------------------------------------------------------------------------


def test_large_objects_that_change_often_cost_no_more_than_a_page(
    store: Store, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8s_inventory.web.views.MOST_BYTES", 5_000)
    monkeypatch.setattr("k8s_inventory.web.differences.MOST_BYTES", 5_000)
    now = datetime.now(UTC)
    for number in range(20):
        old = {"spec": {"x": f"{number}-" + "y" * 900}}
        given = {"context_name": "prod", "kind": "ConfigMap", "group": "", "plural": "configmaps", "name": "large"}
        given |= {"namespace": "shop", "uid": "u", "change": "updated", "run_id": "r", "evidence": "e"}
        seen = now - timedelta(minutes=number)
        _put(store, "k8s_changes", **given, seen_at=seen, columns=["spec"], old=Jsonb(old))
    said = ask("/changes").text
    assert said.count('<li class="updated">') == 20
    assert 1 < said.count("y" * 300) < 12
    assert "not known" in said


def test_what_is_not_gone_through_is_not_known(store: Store, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the value of now, which is that after a change later still."""
    uid = _put_object(store, "k8s_deployments", "web", namespace="shop", replicas=9)
    given = {"context_name": "prod", "kind": "Deployment", "group": "apps", "plural": "deployments", "name": "web"}
    given |= {"namespace": "shop", "uid": uid, "change": "updated", "run_id": "r", "evidence": "e"}
    now = datetime.now(UTC)
    _put(store, "k8s_sync_targets", context_name="prod", kind="deployments", history_since=now - timedelta(days=1))
    for number in range(8):
        seen, old = now - timedelta(minutes=10 - number), Jsonb({"replicas": number})
        _put(store, "k8s_changes", **given, seen_at=seen, columns=["replicas"], old=old)

    def last() -> list[str]:
        return re.findall(r'class="to">([^<]*)<', ask("/changes").text)[:2]

    assert last() == ["9", "7"]
    monkeypatch.setattr("k8s_inventory.web.differences.MOST_LATER", 5)
    assert last() == ["not known", "not known"]


def test_requests_that_wait_leave_threads_to_others(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from k8s_inventory.web.reading import MOST_ASKING, Busy, Reader

    made = Reader(lambda: pytest.fail("no session is free"))
    for _ in range(MOST_ASKING):
        assert made._asking.acquire(blocking=False)
    with pytest.raises(Busy), made.snapshot():
        pass
    assert MOST_ASKING < 40, "anyio's threads are as many"


def test_a_role_that_is_not_there_is_named(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_PAGE_ROLE", "nobody_at_all")
    views.reader.cache_clear()
    answer = ask("/")
    assert answer.status_code == 503
    assert "K8S_PAGE_ROLE" in answer.text
    assert "nobody_at_all" in answer.text


@pytest.mark.parametrize(
    ("of", "title"),
    [
        ("none", "There is no inventory yet"),
        ("older", "The inventory is of an older version"),
        ("newer", "The inventory is of a newer version"),
        ("ours", "Something of the inventory is missing"),
    ],
)
def test_an_inventory_that_lacks_what_is_asked_is_said_to_be_what_it_is(
    ask: Ask, store: Store, of: str, title: str
) -> None:
    change = {
        "none": "DROP TABLE k8s_schema_migrations",
        "older": "DELETE FROM k8s_schema_migrations WHERE version > 3",
        "newer": "INSERT INTO k8s_schema_migrations (version, name) VALUES (9999, 'later')",
        "ours": "SELECT 1",
    }[of]
    store.connection.execute(change.encode())
    store.connection.execute("ALTER TABLE k8s_sync_targets RENAME COLUMN exact_as_of TO of_another_name")
    answer = ask("/")
    assert answer.status_code == 503
    assert title in answer.text


def test_columns_that_are_added_disturb_no_session(ask: Ask, store: Store) -> None:
    """By an upgrade, or by users: psycopg has plans made of what a session runs six times."""
    uid = _put_object(store, "k8s_pods", "web", namespace="shop")
    of_all = "SELECT NULL AS not_known, * FROM k8s_pods"
    added = Query("own", "pods", "Which?", "", "", ("name",), "", "", ("pods",), of_all)

    def asked() -> list[int]:
        of_object = ask("/object", context="prod", kind="pods", uid=uid)
        views._run(added)
        return [of_object.status_code, ask("/search", kind="pods").status_code]

    assert [asked() for _ in range(8)] == [[200, 200]] * 8
    store.connection.execute('ALTER TABLE k8s_pods ADD COLUMN "added ""%" text')
    assert asked() == [200, 200]


def test_an_object_that_lacks_a_column_is_of_an_inventory_that_does(ask: Ask, store: Store) -> None:
    uid = _put_object(store, "k8s_pods", "web", namespace="shop")
    store.connection.execute("ALTER TABLE k8s_pods RENAME COLUMN pod_ip TO of_another_name")
    answer = ask("/object", context="prod", kind="pods", uid=uid)
    assert answer.status_code == 503
    assert "Something of the inventory is missing" in answer.text


def test_what_is_locked_is_said_to_be_being_changed(ask: Ask, store: Store) -> None:
    with store.connection.transaction():
        store.connection.execute("LOCK TABLE k8s_pods IN ACCESS EXCLUSIVE MODE")
        answer = ask("/search", kind="pods")
    assert answer.status_code == 503
    assert "The inventory is being changed" in answer.text


def test_an_inventory_of_which_nobody_may_say_its_version_is_not_said_to_be_none(
    ask: Ask, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"reads_{uuid4().hex}"
    store.connection.execute(
        f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA public TO {role}; "
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}; "
        f"REVOKE SELECT ON k8s_schema_migrations FROM {role}; "
        "ALTER TABLE k8s_sync_targets RENAME COLUMN exact_as_of TO of_another_name".encode()
    )
    monkeypatch.setenv("K8S_PAGE_ROLE", role)
    views.reader.cache_clear()
    answer = ask("/")
    store.connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())
    assert answer.status_code == 503
    assert "The page&#39;s role may not read this" in answer.text


@pytest.mark.parametrize(
    ("error", "title"),
    [(Busy(), "Too many ask at once"), (StoreError("The database is away."), "The database is away.")],
)
def test_an_inventory_that_nobody_can_ask_again_is_not_said_to_be_none(
    ask: Ask, store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception, title: str
) -> None:
    store.connection.execute("ALTER TABLE k8s_sync_targets RENAME COLUMN exact_as_of TO of_another_name")
    read = Snapshot.rows

    def rows(snapshot: Snapshot, name: str, *given: Any, **more: Any) -> Any:
        if name == "made_by":
            raise error
        return read(snapshot, name, *given, **more)

    monkeypatch.setattr(Snapshot, "rows", rows)
    answer = ask("/")
    assert answer.status_code == 503
    assert title in answer.text
    assert "no inventory" not in answer.text


def test_large_values_are_shown_in_part() -> None:
    from k8s_inventory.web.differences import LONGEST_TEXT, as_yaml
    from k8s_inventory.web.folding import MOST_ENTRIES, folded

    many = {f"key-{number:06}": "x" * 5 for number in range(50_000)}
    assert len(as_yaml(many)) <= LONGEST_TEXT + 20
    assert as_yaml({"b": 1, "a": [1, {"c": None}]}) == "a:\n- 1\n- c: null\nb: 1"
    assert as_yaml("x" * 30_000).endswith("… and more")
    folds = folded(many)
    assert len(folds) == MOST_ENTRIES + 1
    assert folds[-1].text == f"… and {50_000 - MOST_ENTRIES} more"
    wide = [{"name": str(number), **{f"f{each}": "y" * 900 for each in range(9)}} for number in range(500)]
    assert sum(len(str(each)) for each in folded(wide)) < 1_000_000
