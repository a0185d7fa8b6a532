"""Real servers for the tests: kube-apiservers, PostgreSQL of several versions, and a proxy for faults."""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import hypothesis
import psutil
import pytest

from k8s_inventory import known_secrets
from k8s_inventory.kinds import KINDS, Kind
from k8s_inventory.kube.contexts import Context, kubeconfig_contexts
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, find_custom, sync_target
from tests.cluster import Cluster, kubeconfig
from tests.cluster.binary import KUBERNETES_VERSION
from tests.cluster.cluster import ADMIN, User
from tests.cluster.every_kind import make_every_kind
from tests.cluster.objects import crd, make_workloads, namespace, pod
from tests.databases import VERSIONS, Server, administer, drop_database, name_of, start
from tests.databases import new_database as make_database
from tests.installed import build_wheel
from tests.proxy import Answer, Proxy
from tests.syncing import sync_kinds

os.environ.setdefault("GOGC", "300")  # control planes spend a quarter less time on collecting garbage
hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")
IMPATIENT = Limits(
    connect_timeout=2,
    read_timeout=10,
    attempts=2,
    longest_wait=0.5,
    requests_per_second=1000,
    looks_apart=0.1,
    longest_look=3,
)


def pytest_report_header() -> str:
    versions = ", ".join(str(version) for version in VERSIONS)
    return f"Kubernetes {KUBERNETES_VERSION}, PostgreSQL {versions}"


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("testrunuid", None) is None and not hasattr(config, "workerinput"):
        config.option.testrunuid = uuid.uuid4().hex  # of pytest-xdist: the processes that run tests have it


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends what is left of servers where the processes that run tests were killed, as they are after Ctrl-C."""
    if hasattr(config, "workerinput"):
        return
    left = [each for each in psutil.process_iter() if _run_of(each) == config.option.testrunuid]
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for each in left:
            with suppress(psutil.NoSuchProcess):
                end(each)
        _, left = psutil.wait_procs(left, timeout=10)


def _run_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("PYTEST_XDIST_TESTRUNUID")
    except (psutil.Error, OSError):
        return None


@pytest.fixture(autouse=True, scope="module")
def _no_known_secrets() -> Iterator[None]:
    """What one file of tests plants, or takes for a secret, is none in another one's messages."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for pieces in ("_new", "_old"):
            monkeypatch.setattr(known_secrets, pieces, known_secrets._Pieces())
        yield


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("K8S_") or name in ("DATABASE_URL", "KUBECONFIG"):
            monkeypatch.delenv(name)


# -- clusters --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server with objects of every kind, and an aged `reader` who may list pods alone."""
    reader = User("reader")
    with Cluster.start(tmp_path_factory.mktemp("cluster"), users=[reader]) as made:
        made.create("/api/v1/namespaces", namespace("shop"))
        for number in range(5):
            made.create("/api/v1/namespaces/shop/pods", pod(f"web-{number}"))
        make_workloads(made, "shop")
        made.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("tests", "shop.example"))
        make_every_kind(made)
        # An aggregated API that is down makes every discovery incomplete; it has tests of its own.
        made.delete("/apis/apiregistration.k8s.io/v1/apiservices/v1.metrics.example")
        custom = "/apis/shop.example/v1/namespaces/shop/tests"
        made.until_served(custom)
        made.create(custom, {"apiVersion": "shop.example/v1", "kind": "Test", "metadata": {"name": "custom"}})
        made.grant(reader, [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}])
        yield made


@pytest.fixture(scope="module")
def start_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cluster]]:
    """Starts one more cluster, with the arguments of `Cluster.start`; ended after the last test of the file."""
    started: list[Cluster] = []

    def start_one(**arguments: object) -> Cluster:
        started.append(Cluster.start(tmp_path_factory.mktemp("cluster"), **arguments))  # type: ignore[arg-type]
        return started[-1]

    yield start_one
    for each in started:
        each.stop()


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    """A plain-HTTP proxy before the cluster that can spoil answers."""
    with Proxy(cluster) as made:
        yield made


@pytest.fixture
def stalled(proxy: Proxy, tmp_path: Path) -> Iterator[str]:
    """A kubeconfig whose cluster stops answering after the first page of pods."""
    released = threading.Event()

    def spoil(path: str, real: Answer) -> Answer | None:
        if "continue=" in path:
            released.wait(60)
        return None

    proxy.spoil = spoil
    path = tmp_path / "stalled"
    path.write_text(json.dumps(proxy.context.kubeconfig))
    yield str(path)
    released.set()


def context_to(cluster: Cluster, *, folder: Path, name: str = "test", user: User = ADMIN) -> Context:
    """The context that leads to a cluster, as a user, by a kubeconfig in `folder`."""
    path = folder / f"{name}-{user.name}.kubeconfig"
    path.write_text(kubeconfig({name: cluster}, user=user))
    return kubeconfig_contexts(str(path))[name]


@pytest.fixture
def context_of(tmp_path: Path) -> Callable[..., Context]:
    return partial(context_to, folder=tmp_path)


# -- databases -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def database_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Server]]:
    """The server of a version. It would lose data in a power cut, which no test has."""
    servers: dict[int, Server] = {}

    def server(version: int) -> Server:
        if version not in servers:
            servers[version] = start(version, tmp_path_factory.mktemp("postgres"))
            off = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "full_page_writes", "synchronous_commit")]
            administer(servers[version].url("postgres"), *off, "SELECT pg_reload_conf()")
        return servers[version]

    yield server
    for each in servers.values():
        each.stop()


@pytest.fixture(scope="session")
def copy_database(database_servers: Callable[[int], Server]) -> Callable[..., str]:
    """Makes one more database, with what a function writes into an empty one; it is called once a server."""
    templates: dict[tuple[int, Callable[[str], None]], str] = {}

    def copy(fill: Callable[[str], None], version: int = VERSIONS[0]) -> str:
        server = database_servers(version)
        if (version, fill) not in templates:
            made = make_database(server)
            fill(made)
            templates[version, fill] = name_of(made)
        return make_database(server, templates[version, fill])

    return copy


def _migrate(database_url: str) -> None:
    with Store.connect(database_url) as store:
        store.migrate()


@pytest.fixture(scope="session")
def new_database(database_servers: Callable[[int], Server]) -> Callable[[], str]:
    """Makes one more empty database of the newest version."""
    return lambda: make_database(database_servers(VERSIONS[0]))


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, database_servers: Callable[[int], Server], copy_database: Callable[..., str]
) -> Iterator[str]:
    """A database of the newest version: empty, or with a schema where the test has a `store`, which is in it."""
    server = database_servers(VERSIONS[0])
    url = copy_database(_migrate) if "store" in request.fixturenames else make_database(server)
    yield url
    drop_database(server, url)


@pytest.fixture(params=VERSIONS, ids=lambda version: f"postgres{version}")
def any_database_url(request: pytest.FixtureRequest, database_servers: Callable[[int], Server]) -> Iterator[str]:
    """An empty database, of every version in turn."""
    server = database_servers(request.param)
    url = make_database(server)
    yield url
    drop_database(server, url)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with Store.connect(database_url) as made:
        yield made


@pytest.fixture(params=VERSIONS, ids=lambda version: f"postgres{version}")
def any_store(
    request: pytest.FixtureRequest, database_servers: Callable[[int], Server], copy_database: Callable[..., str]
) -> Iterator[Store]:
    """A store in a database of every version in turn."""
    url = copy_database(_migrate, request.param)
    with Store.connect(url) as made:
        yield made
    drop_database(database_servers(request.param), url)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def again(store: Store) -> Callable[[], Store]:
    """A way to open one more session like this one."""
    return partial(Store.connect, store.connection.info.dsn, schema=store.schema)


# -- syncing ---------------------------------------------------------------------------------------


def sync_with_custom_objects(
    store: Store, context: Context, run: str, kinds: Iterable[Kind] = KINDS.values(), **settings: object
) -> dict[str, Result]:
    """These kinds and all custom ones of a context, by their names; discovery must be complete."""
    chosen = Settings.load({"requests_per_second": 1000, "kinds_at_once": 1, **settings})
    with Session(context, IMPATIENT) as session:
        discovery, custom = find_custom(session, store, Custom(("*",)), run=Run(run), settings=chosen)
        assert discovery.attempt.outcome == "complete", discovery
        results = sync_kinds(session, again(store), [*kinds, *custom], run=Run(run), settings=chosen)
        return {result.kind: result for result in results}


def sync_custom_objects(store: Store, context: Context, run: str, **settings: object) -> None:
    """The CRDs and all custom objects of a context; everything must be complete."""
    for result in sync_with_custom_objects(store, context, run, [KINDS["crds"]], **settings).values():
        assert result.attempt.outcome in ("complete", "absent"), result


@pytest.fixture
def sync(store: Store) -> Callable[..., Result]:
    """Syncs a kind through a context into `store`; settings by keyword, those that `Limits` has for the session."""
    counter = iter(range(1, 1000))

    def run(
        context: Context, kind: str, *, into: Store | None = None, run: Run | None = None, **settings: object
    ) -> Result:
        chosen = run or Run(f"run-{next(counter)}")
        given = settings.keys() & {each.name for each in fields(Limits)}
        limits = replace(IMPATIENT, **{name: settings[name] for name in given})  # type: ignore[arg-type]
        with Session(context, limits) as session:
            return sync_target(session, into or store, KINDS[kind], run=chosen, settings=Settings.load(settings))

    return run
