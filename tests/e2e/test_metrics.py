"""The metrics of a run, of a real Airflow whose tasks run as they do in a deployment, as StatsD and OTLP get them."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256

import pytest
import yaml

from k8s_inventory.operators.metrics import METRICS
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import free_ports
from tests.e2e.airflow_home import AirflowHome, server_settings, started, until
from tests.metric_listeners import otlp, statsd

ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/prod"


@pytest.fixture(scope="module")
def airflow(
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
    airflow_database: Callable[[], str],
    new_database: Callable[[], str],
) -> Iterator[AirflowHome]:
    """Its contexts: one that is called by an ARN, and one whose server is not there."""
    folder = tmp_path_factory.mktemp("metrics")
    configs = [folder / name for name in ("prod", "dead")]
    configs[0].write_text(kubeconfig({ARN: cluster}))
    dead = yaml.safe_load(kubeconfig({"dead": cluster}))
    dead["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    configs[1].write_text(yaml.safe_dump(dead))
    api_port, health_port = free_ports(2)
    made = AirflowHome.make(
        folder / "airflow",
        database=airflow_database(),
        **server_settings(api_port, health_port),
        AIRFLOW__CORE__EXECUTOR="LocalExecutor",
        AIRFLOW__CORE__PARALLELISM="2",
        KUBECONFIG=":".join(map(str, configs)),
        DATABASE_URL=new_database(),
        K8S_RETRIES="0",
        K8S_MAX_TASKS="1",
        K8S_RESOURCES="pods,services",
    )
    with ExitStack() as stack:
        log = stack.enter_context(started("api-server", [str(made.bin / "airflow"), "api-server"], made.env, folder))

        def is_up() -> bool:
            with urllib.request.urlopen(f"http://127.0.0.1:{api_port}/api/v2/monitor/health", timeout=5) as answer:
                return bool(answer.status == 200)

        until("The API server", is_up, [log])
        yield made


def _run(airflow: AirflowHome, dag: str, **env: str) -> None:
    airflow.run("dags", "test", "--use-executor", dag, datetime.now(UTC).isoformat(), **env)


def test_statsd_without_tags(airflow: AirflowHome, cluster: Cluster) -> None:
    """A task that fails, since its context is dead, sends what it came to."""
    with statsd() as server:
        _run(
            airflow,
            "k8s_inventory",
            AIRFLOW__METRICS__STATSD_ON="True",
            AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
            AIRFLOW__METRICS__STATSD_PORT=str(server.port),
        )
        values = server.values()
        print(*values.items(), sep="\n")
    prod = f"arn_aws_eks_eu-west-1_123456789012_cluster_prod_{sha256(ARN.encode()).hexdigest()[:8]}"
    found = {name.removeprefix("airflow.k8s_inventory."): value for name, (value,) in values.items()}
    pods, services = len(cluster.list("/api/v1/pods")), len(cluster.list("/api/v1/services"))
    assert (found.pop(f"targets.{prod}.complete"), found.pop("targets.dead.unreachable")) == ((2, "c"), (2, "c"))
    for metric, kind in (("objects", "g"), ("changed", "c")):
        assert found.pop(f"{metric}.{prod}.pods") == (pods, kind)
        assert found.pop(f"{metric}.{prod}.services") == (services, kind)
    for kind in ("pods", "services"):
        assert found.pop(f"objects.dead.{kind}") == (0, "g")
        for context in (prod, "dead"):
            milliseconds, what = found.pop(f"duration.{context}.{kind}")
            assert what == "ms"
            assert milliseconds > 0
        age, what = found.pop(f"age.{prod}.{kind}")
        assert what == "g"
        assert 0 < age < 300
        read, what = found.pop(f"bytes.{prod}.{kind}")
        assert what == "c"
        assert read > 500
    assert found == {}, "what was never read has no age, and what is zero is not counted"


def test_opentelemetry(airflow: AirflowHome, cluster: Cluster) -> None:
    """Of a run that goes on from there, the rows are counted all the same."""
    with otlp() as server:
        _run(
            airflow,
            "k8s_inventory_incremental",
            AIRFLOW__METRICS__OTEL_ON="True",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
            OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta",
        )
        points = server.points()
    found = {(name, *attributes.values()): (shape, value) for name, shape, attributes, value in points}
    assert len(found) == len(points)
    objects, age, duration = (f"airflow.k8s_inventory.{metric}" for metric in ("objects", "age", "duration"))
    assert found[objects, ARN, "pods"] == ("gauge", len(cluster.list("/api/v1/pods")))
    assert found["airflow.k8s_inventory.targets", "dead", "unreachable"] == ("sum delta", 2)
    assert found[age, ARN, "pods"][0] == "gauge"
    assert found[age, ARN, "pods"][1] < 300
    assert (age, "dead", "pods") not in found
    assert found[duration, ARN, "pods"][0] == "exponential_histogram delta"
    assert found["airflow.k8s_inventory.bytes", ARN, "pods"][0] == "sum delta"
    assert ("airflow.k8s_inventory.changed", ARN, "pods") not in found
    named = {name: attributes.keys() for name, _, attributes, _ in points}
    assert all(
        named[f"airflow.k8s_inventory.{name}"] == set(METRICS[name].by)
        for name in METRICS.keys() - {"changed", "deleted"}
    )
