-- Each row carries what it is made of (made_of), so that targets and parts need not know it of theirs; the instants that
-- complete rows are exact as of; and rows that the present redaction has not reached.

ALTER TABLE k8s_sync_targets ADD COLUMN exact_as_of timestamptz;
ALTER TABLE k8s_sync_parts ADD COLUMN exact_as_of timestamptz;
ALTER TABLE k8s_sync_contexts ADD COLUMN version_since timestamptz;
ALTER TABLE k8s_sync_runs
ADD COLUMN snapshot_at timestamptz,
ADD COLUMN under_other_rules bigint;

COMMENT ON COLUMN k8s_sync_targets.fingerprint IS 'Not used any more: each row has its own, in made_of.';
COMMENT ON COLUMN k8s_sync_parts.fingerprint IS 'Not used any more: each row has its own, in made_of.';
COMMENT ON COLUMN k8s_sync_parts.exact_as_of IS
'Instant of the snapshot that the last complete listing read.';
COMMENT ON COLUMN k8s_sync_contexts.version_since IS
'When this version of Kubernetes was first met, where another was before.';
COMMENT ON COLUMN k8s_sync_runs.snapshot_at IS
'Instant of the snapshot that was read, the earliest where there are several: of its first request, by the clock of the database.';
COMMENT ON COLUMN k8s_sync_runs.under_other_rules IS
'Rows of the target that the attempt left as they were written under other settings of redaction; 0 once these hold for all.';

-- New columns of a view come last, so that views over it stay.
CREATE OR REPLACE VIEW k8s_sync_status AS
SELECT
    target.context_name,
    target.kind,
    latest.outcome,
    latest.error,
    target.last_complete_at,
    latest.run_id,
    latest.attempt,
    latest.scope,
    latest.pages,
    latest.objects,
    latest.changed,
    latest.deleted,
    latest.bytes,
    latest.seconds,
    latest.resource_version,
    latest.started_at,
    latest.finished_at,
    latest.warning,
    latest.redacted,
    target.exact_as_of,
    latest.under_other_rules
FROM k8s_sync_targets AS target
CROSS JOIN LATERAL (
    SELECT *
    FROM k8s_sync_runs AS run
    WHERE run.context_name = target.context_name AND run.kind = target.kind
    ORDER BY run.id DESC
    LIMIT 1
) AS latest;

COMMENT ON VIEW k8s_sync_status IS
'The last attempt by context and kind. Since its last complete listing (last_complete_at), rows are exact as of exact_as_of.';
