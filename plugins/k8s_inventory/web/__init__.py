"""The inventory page in Airflow's UI: server-rendered, and read-only."""
