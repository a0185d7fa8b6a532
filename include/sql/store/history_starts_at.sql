-- What was before is about to be dropped.
UPDATE k8s_sync_targets
SET {{ since_column }} = %(instant)s
WHERE {{ since_column }} < %(instant)s;
