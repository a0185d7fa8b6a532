"""Airflow triggers: what starts a DAG when something happens in a cluster."""
