-- What keeps a context as a whole from being read is tried once a run, whatever its outcome is called.

ALTER TABLE k8s_sync_runs
ADD COLUMN whole_context boolean NOT NULL DEFAULT FALSE,
ADD COLUMN retryable boolean;

COMMENT ON COLUMN k8s_sync_runs.whole_context IS
'Whether the error is of the context as a whole, so that no other task of the run tries it again.';
COMMENT ON COLUMN k8s_sync_runs.retryable IS
'Whether a later attempt may do better, where this one was not complete.';
