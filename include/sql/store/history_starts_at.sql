-- What was before is about to be dropped.
UPDATE k8s_sync_targets
SET history_since = %(instant)s
WHERE history_since < %(instant)s;
