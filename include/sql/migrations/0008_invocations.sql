-- One run id is not one run: a run may be cleared and done again, and an id may be used again.

ALTER TABLE k8s_sync_runs ADD COLUMN invocation text NOT NULL DEFAULT '';

COMMENT ON COLUMN k8s_sync_runs.invocation IS
'Which doing of the run an attempt belongs to: made by `plan` or by the sync itself, and another where a task is cleared.';

ALTER TABLE k8s_sync_discoveries ADD COLUMN invocation text NOT NULL DEFAULT '';
