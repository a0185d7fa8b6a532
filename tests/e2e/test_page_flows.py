"""The inventory page in a real Airflow and a real browser: each view, who may see it, and what strangers write."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from psycopg.conninfo import conninfo_to_dict

from k8s_inventory.kinds import KINDS
from k8s_inventory.store import Store
from tests.cluster import Cluster, User
from tests.cluster.cluster import free_ports
from tests.cluster.objects import crd, deployment, namespace, pod, service
from tests.conftest import context_to, sync_with_custom_objects
from tests.databases import administer, name_of
from tests.e2e.page_server import PageServer, chromium, page_server

PATIENCE = 60_000
"""Milliseconds for what a browser is to come to, beside whatever else runs on the machine."""
MARKUP = '<img src=x onerror="window.planted=1"><script>window.planted=1</script>{{7*7}}\''
READ = ("pods", "deployments", "services", "events", "namespaces", "nodes", "configmaps", "secrets", "crds", "roles")
NAMESPACE, OTHER = "page-shop", "page-shop-two"


@dataclass
class Scene:
    """What is in the inventory: `prod` all read, twice; `staging` the same cluster, where little may be read."""

    server: PageServer
    database_url: str
    before: datetime
    uids: dict[str, str] = field(default_factory=dict)

    def object(self, kind: str, name: str, context: str = "prod", **more: str) -> str:
        given = {"context": context, "kind": kind, "uid": self.uids[name], **more}
        return "/object?" + "&".join(f"{key}={value}" for key, value in given.items())


def _sync(database_url: str, cluster: Cluster, folder: Path, run: str, reader: User | None = None) -> None:
    context = context_to(
        cluster, folder=folder, name="staging" if reader else "prod", **({"user": reader} if reader else {})
    )
    with Store.connect(database_url) as store:
        sync_with_custom_objects(store, context, run, [KINDS[name] for name in READ])


@pytest.fixture(scope="module")
def scene(
    start_cluster: Callable[..., Cluster],
    new_database: Callable[[], str],
    airflow_database: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("page")
    reader = User("reader")
    cluster = start_cluster(users=[reader])
    cluster.grant(reader, [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}])
    database_url = new_database()
    with Store.connect(database_url) as store:
        store.migrate()
    for name in (NAMESPACE, OTHER):
        cluster.create("/api/v1/namespaces", namespace(name))
        for app, replicas in (("web", 2), ("cart", 1)):
            made = deployment(app, replicas=replicas if name == NAMESPACE else 1, image=f"registry.example/{app}:1.0")
            cluster.create(f"/apis/apps/v1/namespaces/{name}/deployments", made)
    cluster.create(f"/api/v1/namespaces/{NAMESPACE}/services", service("only-here"))
    odd = pod("odd", image='registry.example/<b>odd</b>"onload=1', nodeName="page-node")
    odd["metadata"]["annotations"] = {"note": MARKUP}
    odd["metadata"]["labels"] = {"app": "odd"}
    uid = cluster.create(f"/api/v1/namespaces/{NAMESPACE}/pods", odd)["metadata"]["uid"]
    cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("tests", "shop.example"))
    custom = f"/apis/shop.example/v1/namespaces/{NAMESPACE}/tests"
    cluster.until_served(custom)
    cluster.create(custom, {"apiVersion": "shop.example/v1", "kind": "Test", "metadata": {"name": "custom"}})
    maps = f"/api/v1/namespaces/{OTHER}/configmaps"
    cluster.create_all((maps, {"metadata": {"name": f"settings-{number}"}}) for number in range(60))
    event = {
        "metadata": {"name": "odd.1", "namespace": NAMESPACE},
        "involvedObject": {"kind": "Pod", "name": "odd", "namespace": NAMESPACE, "uid": uid},
        "lastTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reason": "BackOff",
        "message": MARKUP,
        "type": "Warning",
    }
    cluster.create(f"/api/v1/namespaces/{NAMESPACE}/events", event)
    _sync(database_url, cluster, folder, "run-1")
    before = datetime.now(UTC)
    cluster.patch(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web", {"spec": {"replicas": 5}})
    cluster.delete(f"/apis/apps/v1/namespaces/{OTHER}/deployments/cart")
    _sync(database_url, cluster, folder, "run-2")
    _sync(database_url, cluster, folder, "run-2", reader)
    _plant(database_url)
    role = f"page_{name_of(database_url)}"
    administer(
        database_url,
        f"CREATE ROLE {role}",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
    )
    (port,) = free_ports(1)
    given = {"database": airflow_database(), "inventory": database_url, "K8S_PAGE_ROLE": role}
    given["K8S_PAGE_CONN_ID"] = "page"
    # As behind a proxy, under a path; and by a role that may only read.
    with page_server(folder, port=port, base="/airflow", **given) as server:
        made_scene = Scene(server, database_url, before)
        with psycopg.connect(database_url) as connection:
            found = connection.execute(
                "SELECT name, uid FROM k8s_objects WHERE context_name = 'prod' AND namespace = %s "
                "AND kind IN ('Deployment', 'Pod', 'Service')",
                [NAMESPACE],
            )
            made_scene.uids |= dict(found.fetchall())
        server.airflow.run("connections", "add", "page", "--conn-json", _connection(database_url)).check_returncode()
        server.airflow.run("dags", "reserialize").check_returncode()
        yield made_scene


def _connection(database_url: str) -> str:
    """As Airflow's own database keeps it."""
    parameters = conninfo_to_dict(database_url)
    names = {"host": "host", "login": "user", "schema": "dbname"}
    return json.dumps(
        {"conn_type": "postgres", "port": 5432, **{ours: parameters[name] for ours, name in names.items()}}
    )


def _plant(database_url: str) -> None:
    """What no honest API server would say: markup in everything that is text, of a cluster with such a name."""
    with psycopg.connect(database_url) as connection:
        names = [column.name for column in KINDS["pods"].columns if column.type == "text" and column.name != "uid"]
        values = ", ".join(f"{name} = %(markup)s" for name in names)
        connection.execute(
            "CREATE TEMP TABLE planted AS SELECT * FROM k8s_pods WHERE name = 'odd' AND context_name = 'prod';"
        )
        connection.execute(
            f"UPDATE planted SET context_name = %(markup)s, uid = %(markup)s, {values}, images = ARRAY[%(markup)s], "
            "labels = jsonb_build_object(%(markup)s::text, %(markup)s::text), owner_references = jsonb_build_array("
            "jsonb_build_object('kind', %(markup)s::text, 'name', %(markup)s::text, 'uid', %(markup)s::text)), "
            "spec = jsonb_build_object(%(markup)s::text, jsonb_build_array(%(markup)s::text, %(markup)s::text))",
            {"markup": MARKUP},
        )
        connection.execute("INSERT INTO k8s_pods SELECT * FROM planted")
        connection.execute("INSERT INTO k8s_sync_contexts (context_name, server) VALUES (%s, 'https://x')", [MARKUP])
        connection.execute("INSERT INTO k8s_sync_targets (context_name, kind) VALUES (%s, 'pods')", [MARKUP])
        connection.execute(
            "INSERT INTO k8s_sync_runs (run_id, attempt, context_name, kind, outcome, objects, finished_at) "
            "VALUES (%(markup)s, 1, %(markup)s, 'pods', 'complete', 1, now() - interval '1 hour')",
            {"markup": MARKUP},
        )
        connection.execute(
            "INSERT INTO k8s_sync_runs (run_id, attempt, context_name, kind, outcome, error, warning) "
            "VALUES (%(markup)s, 1, %(markup)s, 'pods', 'failed', %(markup)s, %(markup)s)",
            {"markup": MARKUP},
        )
        connection.execute(
            'INSERT INTO k8s_changes (context_name, kind, "group", plural, namespace, name, uid, change, seen_at, '
            "run_id, evidence, columns, old) VALUES (%(markup)s, %(markup)s, '', 'pods', %(markup)s, %(markup)s, "
            "%(markup)s, 'updated', now(), %(markup)s, %(markup)s, ARRAY['phase', %(markup)s], "
            "jsonb_build_object('phase', %(markup)s::text, %(markup)s::text, %(markup)s::text))",
            {"markup": MARKUP},
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with chromium() as made:
        yield made


def _context(browser: Browser, scene: Scene, user: str, **more: Any) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, **more)
    context.set_default_timeout(PATIENCE)
    context.add_cookies([{"name": "_token", "value": scene.server.token(user), "url": scene.server.root}])
    return context


@pytest.fixture(scope="module")
def as_admin(browser: Browser, scene: Scene) -> Iterator[BrowserContext]:
    context = _context(browser, scene, "admin")
    yield context
    context.close()


@pytest.fixture
def view(as_admin: BrowserContext, scene: Scene) -> Iterator[Callable[[str], Page]]:
    """Opens an address of the page; nothing may be written to the console by it."""
    page, said = as_admin.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    def opened(path: str) -> Page:
        page.goto(f"{scene.server.url}{path}")
        return page

    yield opened
    page.close()
    assert not [each for each in said if "status of 4" not in each], said


def _settled(page: Page) -> None:
    """All parts of the page that come by themselves are there."""
    expect(page.get_by_text(re.compile("Loading …|Counting …"))).to_have_count(0)


# -- who may see it --------------------------------------------------------------------------------


def _addresses() -> list[str]:
    """Every address that the app has, with something in place of what varies."""
    from k8s_inventory.web.app import app
    from k8s_inventory.web.pages import STATIC

    filled = {"{folder}/{name}": "inventory/freshness", "{form}": "csv", "{path:path}": "nothing/there"}
    found = []
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route}: not behind the app's own dependencies"
        assert route.methods == {"GET"}, f"{route.path}: the page only reads"
        path = route.path
        for name, value in filled.items():
            path = path.replace(name, value)
        found += [path.replace("{name}", name) for name in STATIC] if "{name}" in path else [path]
    assert len(found) > 15
    return found


_GIVEN = "?context=prod&kind=pods&uid=x&family=config&part=spec&run_id=x&of=pods&left=prod&left_uid=x&right_uid=x"


def test_nothing_is_served_to_who_is_not_logged_in_or_may_not_read_the_dag(scene: Scene) -> None:
    server = scene.server
    nobody, viewer = server.token("nobody"), server.token("viewer")
    forged = viewer[:-4] + ("AAAA" if not viewer.endswith("AAAA") else "BBBB")
    secrets = (NAMESPACE, "registry.example", "prod", "Zero-Clause", "--bg:")
    for path in _addresses():
        for token, statuses in ((None, {401}), (forged, {401, 403}), ("x", {401, 403}), (nobody, {403})):
            status, text, headers = server.get(path + _GIVEN, token)
            assert status in statuses, (path, token, status)
            assert not any(each in text for each in secrets), path
            assert headers["Cache-Control"] == "no-store" or status == 403, path
        status, _, headers = server.get(path + _GIVEN, viewer)
        assert status not in (401, 403, 405, 500), (path, status)
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';"), path
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "SAMEORIGIN", path


def test_no_address_takes_anything_but_a_question(scene: Scene) -> None:
    token = scene.server.token("admin")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("/", "/search", "/answers/inventory/freshness", "/static/page.css", "/nothing/there"):
            assert scene.server.get(path + _GIVEN, token, method)[0] == 405, path


def test_a_viewer_is_offered_no_run_and_airflow_would_refuse_one(scene: Scene, browser: Browser) -> None:
    context = _context(browser, scene, "viewer")
    page = context.new_page()
    page.goto(f"{scene.server.url}/coverage/kinds?context=prod&family=workloads")
    expect(page.get_by_role("table")).to_be_visible()
    assert page.locator("[data-trigger]").count() == 0
    asked = context.request.post(
        f"{scene.server.root}/api/v2/dags/k8s_inventory/dagRuns", data={"logical_date": None, "conf": {}}
    )
    assert asked.status == 403
    context.close()


# -- in Airflow ------------------------------------------------------------------------------------


def test_it_stands_in_airflow_by_its_login_and_follows_its_theme(scene: Scene, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{scene.server.root}/")
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill("admin")
    page.get_by_role("button", name=re.compile("sign in|log ?in", re.IGNORECASE)).click()
    page.get_by_role("link", name="Inventory").click()
    frame = page.frame_locator("iframe[title=Inventory]")
    expect(frame.get_by_role("heading", name="Coverage", exact=True)).to_be_visible()
    frame.get_by_role("link", name="Compare").click()
    expect(frame.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("/airflow/plugin/inventory/airflow/k8s_inventory/compare"))
    page.reload()
    expect(frame.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
    for theme in ("dark", "light"):
        page.evaluate("theme => { document.documentElement.className = theme; }", theme)
        expect(frame.locator(f"html[data-theme={theme}]")).to_be_attached()
    context.close()


# -- the views -------------------------------------------------------------------------------------


def test_coverage_says_what_can_not_be_trusted_and_why(view: Callable[[str], Page]) -> None:
    page = view("/")
    lacking = page.get_by_role("region", name="Not to be trusted right now")
    expect(lacking).to_contain_text("staging")
    assert "prod" not in lacking.inner_text().split()
    staging = lacking.locator("li", has_text="staging")
    staging.locator("summary").first.click()
    expect(staging).to_contain_text("forbidden")
    expect(staging).to_contain_text("Grant list on it")
    row = page.locator("tbody", has=page.get_by_role("rowheader", name="staging"))
    cell = row.locator("a.cell.forbidden", has_text="forbidden").first
    cell.click()
    opened = row.get_by_role("region", name="Kinds")
    expect(opened).to_contain_text("forbidden")
    expect(row.locator("h2")).to_be_focused()
    expect(page).to_have_url(re.compile("/k8s_inventory/$"))
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    cell.click()
    opened.get_by_role("rowheader").get_by_role("link").first.click()  # leads away, and not into the cell
    expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/search\?context=staging&kind=\w+$"))
    expect(page).to_have_title(re.compile(r"^\w+ staging · Kubernetes inventory$"))
    page.go_back()
    expect(page.get_by_role("heading", name="Coverage", exact=True)).to_be_visible()


def _cell(page: Page, cluster: str, family: str) -> Locator:
    """That has its line: what it says ends with it."""
    row = page.locator("tbody", has=page.get_by_role("rowheader", name=cluster))
    return row.get_by_role("link", name=re.compile(f" {family}: from .+, between .+ and .+$"))


def test_each_cell_has_a_line_of_its_count_over_time(view: Callable[[str], Page], scene: Scene) -> None:
    page = view("/")
    with psycopg.connect(scene.database_url) as connection:
        counts = connection.execute(
            "SELECT sum(objects) FILTER (WHERE run_id = 'run-1'), sum(objects) FILTER (WHERE run_id = 'run-2') "
            "FROM k8s_sync_runs WHERE context_name = 'prod' AND kind IN ('pods', 'deployments')"
        ).fetchone()
    assert counts is not None
    (before, after) = counts
    assert before > after > 0
    cell = _cell(page, "prod", "workloads")
    line = cell.get_by_role("img")
    expect(line).to_have_accessible_name(
        re.compile(rf"^workloads: from {before} to {after} in the last .+, between {after} and {before}$")
    )
    assert len((line.locator("polyline").get_attribute("points") or "").split()) == 30
    assert (line.bounding_box() or {})["width"] > 60
    expect(cell.locator("span")).to_have_text(str(after))
    for cluster, family in (
        ("prod", "networking"),
        ("prod", "custom"),
        ("staging", "workloads"),
        (MARKUP, "workloads"),
    ):
        expect(_cell(page, cluster, family)).to_be_visible()


def test_lines_come_as_their_rows_come_into_view_one_after_another(as_admin: BrowserContext, scene: Scene) -> None:
    """So that somebody who looks through a hundred clusters leaves the page's sessions to others, and nothing moves."""
    page, held = as_admin.new_page(), []
    page.route("**/coverage/counts?*", lambda route: held.append(route))
    page.set_viewport_size({"width": 1366, "height": 150})
    page.goto(f"{scene.server.url}/")
    settled = (
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 20))))"
    )
    page.evaluate(settled)
    assert held == []
    rows = page.locator(".matrix > tbody")
    with page.expect_request("**/coverage/counts?*"):
        page.set_viewport_size({"width": 1366, "height": 2000})
    places = [row.bounding_box() for row in rows.all()]
    assert len(places) == 3
    for number in range(3):
        page.evaluate(settled)
        assert len(held) == number + 1
        if number < 2:
            with page.expect_request("**/coverage/counts?*"):
                held[number].continue_()
        else:
            held[number].continue_()
    for row in rows.all():
        expect(row.locator("svg").first).to_be_visible()
    assert [row.bounding_box() for row in rows.all()] == places
    page.set_viewport_size({"width": 1366, "height": 150})
    page.set_viewport_size({"width": 1366, "height": 2000})
    page.evaluate(settled)
    assert len(held) == 3
    page.close()


def test_without_scripts_cells_lead_to_their_kinds(scene: Scene, browser: Browser) -> None:
    context = _context(browser, scene, "viewer", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{scene.server.url}/")
    assert page.locator("svg").count() == 0
    page.locator("tbody", has=page.get_by_role("rowheader", name="prod")).locator("a.cell").first.click()
    expect(page.get_by_role("heading", name="workloads of prod", level=1)).to_be_attached()
    expect(page.get_by_role("img", name=re.compile("^pods: from .* in 2 listings$"))).to_be_visible()
    context.close()


def test_a_part_that_does_not_come_says_so(as_admin: BrowserContext, scene: Scene) -> None:
    page = as_admin.new_page()
    page.route("**/object/events?*", lambda route: route.abort())
    page.route("**/search/facets*", lambda route: route.fulfill(status=404, body="<b>no</b>"))
    page.goto(f"{scene.server.url}{scene.object('pods', 'odd')}")
    _settled(page)
    expect(page.locator("main")).to_contain_text("Airflow could not be reached")
    page.goto(f"{scene.server.url}/search?kind=pods")
    _settled(page)
    expect(page.locator("#facets")).to_have_text("This part could not be had (404).")
    page.close()


def test_a_cell_is_read_anew_through_airflows_own_api(view: Callable[[str], Page], scene: Scene) -> None:
    page = view("/coverage/kinds?context=prod&family=workloads")
    page.get_by_role("button", name="Read now: prod, pods").click()
    expect(page.get_by_role("status")).to_contain_text("Airflow took the run")
    conf, state, by, run_id = scene.server.airflow.query(
        "SELECT conf::text, state, triggering_user_name, run_id FROM dag_run ORDER BY id DESC LIMIT 1"
    )[0]
    assert json.loads(conf) == {"contexts": ["prod"], "resources": ["pods"]}
    assert (state, by) == ("queued", "admin")
    expect(page.get_by_role("status").get_by_role("link")).to_have_text(run_id)


def test_a_run_has_a_tab_in_airflow(scene: Scene, as_admin: BrowserContext) -> None:
    page = as_admin.new_page()
    asked = as_admin.request.post(
        f"{scene.server.root}/api/v2/dags/k8s_inventory/dagRuns", data={"logical_date": None, "dag_run_id": "run-2"}
    )
    assert asked.ok
    page.goto(f"{scene.server.root}/dags/k8s_inventory/runs/run-2")
    page.locator("a[href$='/plugin/inventory_run']").click()
    frame = page.frame_locator("iframe[title=Inventory]")
    expect(frame.get_by_role("row", name=re.compile("^staging forbidden"))).to_be_visible()
    page.close()


def test_no_other_site_can_start_a_run(scene: Scene, browser: Browser) -> None:
    """A form of another site, with the user's cookies in the browser, and the same by a frame of its own."""
    context = _context(browser, scene, "admin")
    page = context.new_page()
    runs = "SELECT count(*) FROM dag_run"
    before = scene.server.airflow.query(runs)
    address = f"{scene.server.root}/api/v2/dags/k8s_inventory/dagRuns"
    page.route(
        "http://elsewhere.example/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f"<form method=post enctype='text/plain' action='{address}'>"
            f'<input name=\'{{"logical_date":null,"x":"\' value=\'"}}\'></form>'
            f"<iframe src='{scene.server.url}/'></iframe>",
        ),
    )
    page.goto("http://elsewhere.example/")
    page.evaluate("document.forms[0].submit()")
    page.wait_for_url(address)
    assert scene.server.airflow.query(runs) == before
    context.close()


def test_search_finds_by_each_field_and_narrows_by_facets(view: Callable[[str], Page]) -> None:
    page = view("/search")
    page.get_by_label("Name", exact=True).fill("=web")
    page.get_by_label("Namespace", exact=True).fill(NAMESPACE)
    page.get_by_role("button", name="Search").click()
    facets = page.locator("#facets")
    expect(facets).to_contain_text("1 object")
    facets.get_by_role("link", name="deployments").click()
    row = page.get_by_role("row", name=re.compile("^web"))
    expect(row).to_contain_text("0/5")  # as `kubectl get -o wide` has it
    expect(row).to_contain_text("registry.example/web:1.0")
    page.get_by_role("link", name=re.compile("^Namespace")).click()  # leaves the condition out
    expect(page.get_by_role("row", name=re.compile("^web"))).to_have_count(2)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=od*&namespace=" + NAMESPACE + "&kind=pods", {"odd"}),
        ("labels=app+in+(odd)&kind=po", {"odd"}),
        ("image=<b>odd</b>&context=prod", {"odd"}),
        ("node=page-node&context=prod", {"odd"}),
        ("annotation=note&context=prod", {"odd"}),
        ("owner=Deployment/nothing-like-it", set()),
        ("kind=tests.shop.example&context=prod", {"custom"}),
        ("q=only-here&context=prod&kind=services", {"only-here"}),
        ("q=%25&context=prod", set()),
        ("q=_&context=prod&kind=pods", set()),
    ],
)
def test_search_by(scene: Scene, asked: str, found: set[str]) -> None:
    status, text, _ = scene.server.get(
        f"/search.json?{asked}".replace("<", "%3C").replace(">", "%3E"), scene.server.token("viewer")
    )
    assert status == 200
    assert {each["name"] for each in json.loads(text)} == found


def test_pages_by_key_have_every_object_once(scene: Scene) -> None:
    token = scene.server.token("viewer")
    seen, address = [], "/search?"
    while address:
        status, text, _ = scene.server.get(address, token)
        assert status == 200
        seen += re.findall(r'<th scope="row"><a href="[^"]*/object\?([^"]*)"', text)
        found = re.search(r'href="/airflow/k8s_inventory(/search\?[^"]*)"[^>]*>Next', text)
        address = (found.group(1) if found else "").replace("&amp;", "&")
        assert bool(address) == ("Next 50" in text)
    with psycopg.connect(scene.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM k8s_objects").fetchone() == (len(seen),)
    assert len(seen) == len(set(seen)) > 80


def test_facets_count_what_there_is(scene: Scene) -> None:
    token = scene.server.token("viewer")
    text = scene.server.get(f"/search/facets?namespace={NAMESPACE}&context=prod", token)[1]
    with psycopg.connect(scene.database_url) as connection:
        query = "SELECT count(*) FROM k8s_objects WHERE namespace = %s AND context_name = 'prod'"
        (count,) = connection.execute(query, [NAMESPACE]).fetchone() or (None,)
    assert f"<b>{count}</b> object" in text
    assert "at least" in scene.server.get("/search/facets", token)[1], "of staging not all is known"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("/search?labels=a===b", "is no label selector"),
        ("/search?at=yesterday", "is no time"),
        ("/search?kind=nonsense", "is no kind"),
        ("/search?after=zzz", "is damaged"),
        ("/search?after=WzEsMiwzLDQsNV0", "is damaged"),
        ("/search?q=" + "x" * 401, "400 characters"),
        ("/search?q=%00", "NUL"),
        ("/changes?since=tomorrow", "is no time"),
        ("/changes?after=x~y", "is no time"),
        ("/compare?left=prod", "are the same"),
        ("/object?context=prod&kind=&uid=x", "of which kind"),
    ],
)
def test_what_can_not_be_asked_is_said(scene: Scene, address: str, why: str) -> None:
    status, text, _ = scene.server.get(address, scene.server.token("viewer"))
    assert status == 422
    assert why in text


def test_files_hold_what_is_shown_and_no_formula(scene: Scene) -> None:
    with psycopg.connect(scene.database_url) as connection:
        connection.execute(
            "UPDATE k8s_pods SET images = '{=HYPERLINK(1)}' WHERE name = 'odd' AND context_name = 'prod'"
        )
    text = scene.server.get("/search.csv?kind=pods&q=odd", scene.server.token("viewer"))[1]
    (row,) = [each for each in csv.DictReader(io.StringIO(text)) if each["cluster"] == "prod"]
    assert row["name"] == "odd"
    assert row["Images"] == "'=HYPERLINK(1)"


def test_search_as_of_an_instant(scene: Scene, view: Callable[[str], Page]) -> None:
    at = scene.before.isoformat().replace("+00:00", "Z")
    now = view(f"/search?kind=deployments&namespace={OTHER}")
    expect(now.get_by_role("link", name="cart")).to_have_count(0)
    then = view(f"/search?kind=deployments&namespace={OTHER}&at={at}")
    then.get_by_role("link", name="cart").click()
    expect(then.locator("main")).to_contain_text("As it was at")
    then.get_by_role("link", name="now", exact=True).click()
    expect(then.get_by_role("heading", name="Deployment cart is gone")).to_be_visible()


def test_an_object_has_its_row_relations_history_and_spec(scene: Scene, view: Callable[[str], Page]) -> None:
    page = view(scene.object("pods", "odd"))
    expect(page.get_by_role("heading", name="odd")).to_be_visible()
    expect(page.locator(".kubectl")).to_contain_text(
        f"kubectl --context prod --namespace {NAMESPACE} get pods odd -o yaml"
    )
    expect(page.locator("main")).to_contain_text("runs on Node page-node")
    expect(page.locator("main")).to_contain_text("BackOff")
    expect(page.locator("main")).to_contain_text(MARKUP)
    expect(page.locator("main")).to_contain_text("seen last by run run-2")
    fold = page.locator("details.fold", has_text="containers").first
    fold.locator("summary").first.click()
    expect(fold).to_contain_text("terminationMessagePath")
    page = view(scene.object("deployments", "web"))
    history = page.locator(".timeline li.updated", has_text="replicas").first
    expect(history.locator(".from").first).to_have_text("2")
    expect(history.locator(".to").first).to_have_text("5")


def test_links_lead_both_ways_between_objects(scene: Scene, view: Callable[[str], Page]) -> None:
    with psycopg.connect(scene.database_url) as connection:
        connection.execute(
            "UPDATE k8s_pods SET owner_references = jsonb_build_array(jsonb_build_object('apiVersion', 'apps/v1', "
            "'kind', 'Deployment', 'name', 'web', 'controller', true, 'uid', %s::text)) "
            "WHERE name = 'odd' AND context_name = 'prod'",
            [scene.uids["web"]],
        )
    page = view(scene.object("pods", "odd"))
    page.locator(".chain").get_by_role("link", name="Deployment web").click()
    expect(page.get_by_role("heading", name="Deployment web")).to_be_visible()
    page.locator(".edges").get_by_role("link", name=re.compile("odd")).click()
    expect(page.get_by_role("heading", name="Pod odd")).to_be_visible()


def test_changes_show_what_became_what_and_narrow(scene: Scene, view: Callable[[str], Page]) -> None:
    page = view(f"/changes?namespace={NAMESPACE}&column=replicas")
    line = page.locator(".timeline li", has_text="Deployment web")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("2 → 5")
    page.get_by_label("Column").fill("images")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Nothing changed")).to_be_visible()
    page = view(f"/changes?namespace={OTHER}&change=deleted")
    expect(page.locator(".timeline li", has_text="Deployment cart")).to_contain_text("deleted")
    expect(page.locator("main")).to_contain_text("Not all changes of this time are known")


def test_compare_two_namespaces_two_instants_and_two_clusters(scene: Scene, view: Callable[[str], Page]) -> None:
    page = view(f"/compare?left=prod&left_namespace={NAMESPACE}&right_namespace={OTHER}")
    expect(page.get_by_role("row", name=re.compile("services.*only-here"))).to_contain_text(f"only prod/{NAMESPACE}")
    web = page.get_by_role("row", name=re.compile("deployments.*web"))
    expect(web).to_contain_text("different")
    web.get_by_role("button").click()
    expect(page.locator(".differences").first).to_contain_text("replicas")
    expect(page.locator(".differences").first).to_contain_text("5 → 1")
    at = scene.before.isoformat().replace("+00:00", "Z")
    page = view(f"/compare?left=prod&right_at={at}&kind=deployments")
    expect(page.get_by_role("row", name=re.compile("cart"))).to_contain_text("only prod at")
    page = view("/compare?left=prod&right=staging&kind=deployments")
    expect(page.locator(".note")).to_contain_text("staging can not be spoken for in: deployments (forbidden)")


def test_answers_are_run_and_had_as_files(scene: Scene, view: Callable[[str], Page]) -> None:
    page = view("/answers")
    page.get_by_role("searchbox", name="Question").fill("may we not read")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Which kinds may we not read?").click()
    expect(page.get_by_role("table")).to_contain_text("staging")
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "staging" in Path(download.value.path()).read_text()


def test_every_answer_of_the_pack_runs_as_the_page_runs_it(scene: Scene) -> None:
    from k8s_inventory.queries import query_pack

    token = scene.server.token("viewer")
    answers = {path: scene.server.get(f"/answers/{path}", token) for path in query_pack()}
    assert {path: text for path, (status, text, _) in answers.items() if status != 200} == {}


def test_a_run_says_what_it_read(view: Callable[[str], Page]) -> None:
    page = view("/run?dag_id=k8s_inventory&run_id=run-2")
    expect(page.get_by_role("row", name=re.compile("^staging forbidden"))).to_be_visible()
    page = view("/run?dag_id=another&run_id=run-2")
    expect(page.get_by_role("heading", name="Not a run of the inventory")).to_be_visible()


# -- strangers, keys and eyes ----------------------------------------------------------------------


def _all_views(scene: Scene) -> list[str]:
    from urllib.parse import urlencode

    planted = urlencode({"context": MARKUP, "kind": "pods", "uid": MARKUP})
    return [
        "/",
        f"/coverage/kinds?{urlencode({'context': MARKUP, 'family': 'workloads'})}",
        f"/coverage/counts?{urlencode({'context': MARKUP})}",
        f"/search?{urlencode({'q': MARKUP, 'labels': 'a=b', 'image': MARKUP})}",
        "/search?kind=pods",
        f"/search?{urlencode({'context': MARKUP})}",
        f"/search/facets?{urlencode({'q': 'img'})}",
        f"/object?{planted}",
        *(f"/object/{part}?{planted}&part=spec" for part in ("relations", "events", "history", "yaml")),
        scene.object("pods", "odd"),
        "/changes",
        f"/changes?{urlencode({'context': MARKUP, 'q': MARKUP, 'column': MARKUP})}",
        f"/compare?{urlencode({'left': MARKUP, 'right': 'prod', 'kind': 'pods'})}",
        f"/compare?{urlencode({'left': 'prod', 'left_at': MARKUP})}",
        f"/answers?{urlencode({'q': MARKUP})}",
        "/answers/inventory/freshness",
        f"/run?{urlencode({'run_id': MARKUP})}",
        f"/run?{urlencode({'run_id': MARKUP, 'dag_id': MARKUP})}",
        f"/{urlencode({'x': MARKUP})}",
    ]


def test_what_strangers_write_stays_text(scene: Scene, as_admin: BrowserContext) -> None:
    page = as_admin.new_page()
    shown = 0
    for path in _all_views(scene):
        page.goto(f"{scene.server.url}{path}")
        _settled(page)
        assert page.evaluate("[window.planted, document.querySelectorAll('img, main script, [onerror]').length]") == [
            None,
            0,
        ], path
        assert "49" not in page.locator("main").inner_text().split("'") if page.locator("main").count() else True
        shown += MARKUP[:20] in page.content().replace("&lt;", "<").replace("&gt;", ">")
    assert shown > 8
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(scene: Scene, browser: Browser, theme: str) -> None:
    """No serious finding of axe in any view."""
    context = _context(browser, scene, "admin", color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    web, at = scene.object("deployments", "web"), scene.before.isoformat().replace("+00:00", "Z")
    for path in (
        "/",
        "/coverage/kinds?context=staging&family=config",
        "/search?kind=pods",
        "/search?labels=a===b",
        web,
        f"/changes?namespace={NAMESPACE}",
        f"/compare?left=prod&left_namespace={NAMESPACE}&right_namespace={OTHER}&left_at={at}",
        "/answers",
        "/answers/inventory/freshness",
        "/run?run_id=run-2",
    ):
        page.goto(f"{scene.server.url}{path}")
        _settled(page)
        assert page.locator("html").get_attribute("data-theme") == theme
        found = Axe().run(page).response["violations"]
        serious = [
            (each["id"], [node["html"][:200] for node in each["nodes"][:3]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert not serious, (path, serious)
    context.close()


def test_it_works_by_keys_alone(scene: Scene, view: Callable[[str], Page]) -> None:
    page = view("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("To the content")
    page.keyboard.press("/")
    expect(page.locator(":focus")).to_have_id("find")
    page.keyboard.type("=only-here")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
    link = page.get_by_role("row", name=re.compile("only-here")).get_by_role("link").first
    for _ in range(80):
        page.keyboard.press("Tab")
        if link.evaluate("each => each === document.activeElement"):
            break
    assert link.evaluate("each => getComputedStyle(each).outlineStyle") != "none"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Service only-here")).to_be_visible()


@pytest.mark.parametrize("width", [1366, 2560, 420])
def test_it_fits_the_screen(view: Callable[[str], Page], width: int) -> None:
    for path in ("/", "/search?kind=pods", "/changes", "/compare", "/answers"):
        page = view(path)
        page.set_viewport_size({"width": width, "height": 800})
        _settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_first_paint_needs_little(view: Callable[[str], Page], scene: Scene) -> None:
    page = view("/")
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".map(each => each.encodedBodySize)"
    )
    assert len(sizes) >= 5
    assert sum(sizes) < 100_000
