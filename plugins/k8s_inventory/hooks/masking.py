"""What this package knows to be secret is masked in what Airflow itself logs and shows, too."""

from __future__ import annotations

from airflow.sdk.log import mask_secret

from k8s_inventory.known_secrets import learn, learn_kubeconfig, tell


def mask(*connections: object) -> None:
    """From now on the secrets that are used, and those of these Airflow connections."""
    tell(mask_secret)
    for each in connections:
        learn(getattr(each, "password", None))
        learn_kubeconfig(getattr(each, "extra_dejson", None), is_used=True)
