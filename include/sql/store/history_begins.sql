-- All of the target was read once: from now on each change of its rows is noted.
UPDATE k8s_sync_targets
SET history_since = clock_timestamp()
WHERE context_name = %(context_name)s AND kind = %(kind)s AND history_since IS NULL;
