"""Where the quickstart keeps its data: one folder of the project, which git ignores."""

from pathlib import Path

PROJECT = Path(__file__).parents[1]
LOCAL = PROJECT / ".local"
POSTGRES = LOCAL / "postgres"
CLUSTERS = LOCAL / "clusters"
AIRFLOW = LOCAL / "airflow"
KUBECONFIG = LOCAL / "demo.kubeconfig"
