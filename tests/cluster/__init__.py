"""A real Kubernetes control plane on this machine, for tests, benchmarks and the demo.

`Cluster.start(directory)` brings up etcd and kube-apiserver (2 to 3 seconds), and on request the
controller manager and the scheduler. Everything listens on 127.0.0.1 only.
"""

from tests.cluster.cluster import Cluster, Rejected, User, kubeconfig, wait_until

__all__ = ["Cluster", "Rejected", "User", "kubeconfig", "wait_until"]
