"""Airflow hooks: where the clusters and the database come from."""
