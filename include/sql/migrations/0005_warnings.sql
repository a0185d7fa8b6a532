-- What a person should know of an attempt although it succeeded.

ALTER TABLE k8s_sync_runs ADD COLUMN warning text;

COMMENT ON COLUMN k8s_sync_runs.warning IS
'What to know of an attempt although it succeeded: rows kept in doubt, a path of `redact` that leads nowhere.';

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
    latest.warning
FROM k8s_sync_targets AS target
CROSS JOIN LATERAL (
    SELECT *
    FROM k8s_sync_runs AS run
    WHERE run.context_name = target.context_name AND run.kind = target.kind
    ORDER BY run.id DESC
    LIMIT 1
) AS latest;
