-- How many objects there were at an instant is asked of each target by itself, at many instants. However many attempts there
-- have been, it is a look into the index for each.

CREATE INDEX k8s_sync_runs_counted ON k8s_sync_runs (context_name, kind, finished_at) INCLUDE (objects)
WHERE outcome IN ('complete', 'absent') AND scope = 'all';
