"""Real servers for the tests: kube-apiservers, PostgreSQL of several versions, and a proxy for faults."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from k8s_inventory.kinds import KINDS, Kind
from k8s_inventory.kube.contexts import Context, kubeconfig_contexts
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, find_custom, sync_kinds, sync_target
from tests.cluster import Cluster, kubeconfig
from tests.cluster.binary import KUBERNETES_VERSION
from tests.cluster.cluster import ADMIN, User
from tests.cluster.every_kind import make_every_kind
from tests.cluster.objects import crd, make_workloads, namespace, pod
from tests.databases import VERSIONS, Server, start
from tests.installed import build_wheel
from tests.proxy import Proxy

IMPATIENT = Limits(connect_timeout=2, read_timeout=10, attempts=2, longest_wait=0.5, requests_per_second=1000)


def pytest_report_header() -> str:
    versions = ", ".join(str(version) for version in VERSIONS)
    return f"Kubernetes {KUBERNETES_VERSION}, PostgreSQL {versions}"


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


@pytest.fixture(scope="session")
def start_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cluster]]:
    """Starts one more cluster, with the arguments of `Cluster.start`; ended after the last test."""
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
    servers: dict[int, Server] = {}

    def server(version: int) -> Server:
        if version not in servers:
            servers[version] = start(version, tmp_path_factory.mktemp("postgres"))
        return servers[version]

    yield server
    for each in servers.values():
        each.stop()


def _new_database(server: Server) -> str:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server.url(name)


@pytest.fixture(scope="session")
def new_database(database_servers: Callable[[int], Server]) -> Callable[[], str]:
    """Makes one more empty database of the newest version."""
    return lambda: _new_database(database_servers(VERSIONS[0]))


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """An empty database of the newest version."""
    return new_database()


@pytest.fixture(params=VERSIONS, ids=lambda version: f"postgres{version}")
def any_database_url(request: pytest.FixtureRequest, database_servers: Callable[[int], Server]) -> str:
    """An empty database, of every version in turn."""
    return _new_database(database_servers(request.param))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with Store.connect(database_url) as made:
        made.migrate()
        yield made


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


# -- syncing ---------------------------------------------------------------------------------------


def sync_with_custom_objects(
    store: Store, context: Context, run: str, kinds: Iterable[Kind] = KINDS.values(), **settings: object
) -> dict[str, Result]:
    """These kinds and all custom ones of a context, by their names; discovery must be complete."""
    chosen = Settings.load({"requests_per_second": 1000, **settings})
    with Session(context, IMPATIENT) as session:
        discovery, custom = find_custom(session, store, Custom(("*",)), run=Run(run), settings=chosen)
        assert discovery.attempt.outcome == "complete", discovery
        results = sync_kinds(session, [store], [*kinds, *custom], run=Run(run), settings=chosen)
        return {result.kind: result for result in results}


def sync_custom_objects(store: Store, context: Context, run: str, **settings: object) -> None:
    """The CRDs and all custom objects of a context; everything must be complete."""
    for result in sync_with_custom_objects(store, context, run, [KINDS["crds"]], **settings).values():
        assert result.attempt.outcome in ("complete", "absent"), result


@pytest.fixture
def sync(store: Store) -> Callable[..., Result]:
    """Syncs a kind through a context into `store`; settings by keyword."""
    counter = iter(range(1, 1000))

    def run(
        context: Context, kind: str, *, into: Store | None = None, run: Run | None = None, **settings: object
    ) -> Result:
        chosen = run or Run(f"run-{next(counter)}")
        with Session(context, IMPATIENT) as session:
            return sync_target(session, into or store, KINDS[kind], run=chosen, settings=Settings.load(settings))

    return run
