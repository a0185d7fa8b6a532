"""The commands of the Makefile: a sync, Airflow's UI and psql on this machine, with nothing to set up."""
