"""FRONT DOOR 2: `cloudquery sync`, by the same collector as the DAG."""
