-- How much an attempt left out of what it stored; and no userinfo in the URLs of what is stored already. Rows of objects
-- lose theirs with the next listing of their whole kind.

ALTER TABLE k8s_sync_runs ADD COLUMN redacted bigint;

COMMENT ON COLUMN k8s_sync_runs.redacted IS
'How often <redacted> stands in the objects that the attempt decoded: those that changed, or all of them where it wrote every row anew.';

UPDATE k8s_sync_contexts
SET server = regexp_replace(server, '://[^/?#]+@', '://<redacted>@')
WHERE server ~ '://[^/?#]+@';

UPDATE k8s_sync_runs
SET
    error = regexp_replace(error, '://[^/?#"\s]+@', '://<redacted>@', 'g'),
    warning = regexp_replace(warning, '://[^/?#"\s]+@', '://<redacted>@', 'g')
WHERE concat(error, ' ', warning) ~ '://[^/?#"\s]+@';

UPDATE k8s_sync_parts
SET error = regexp_replace(error, '://[^/?#"\s]+@', '://<redacted>@', 'g')
WHERE error ~ '://[^/?#"\s]+@';

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
    latest.redacted
FROM k8s_sync_targets AS target
CROSS JOIN LATERAL (
    SELECT *
    FROM k8s_sync_runs AS run
    WHERE run.context_name = target.context_name AND run.kind = target.kind
    ORDER BY run.id DESC
    LIMIT 1
) AS latest;
