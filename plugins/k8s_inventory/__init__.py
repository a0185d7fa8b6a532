"""k8s-inventory: an exact SQL inventory of Kubernetes clusters, kept in PostgreSQL by Airflow."""

__version__ = "0.1.0"
