-- The last attempt of each target of a run, in the one doing of it whose invocation begins so; what changed, of all; and what
-- attempts of other runs had changed since the target was last complete, of which nobody was told.
WITH attempt AS (
    SELECT
        *,
        min(id) OVER of_target AS first_id,
        (sum(changed) OVER of_target)::bigint AS changed_in_all,
        (sum(deleted) OVER of_target)::bigint AS deleted_in_all
    FROM k8s_sync_runs
    WHERE run_id = %(run_id)s AND starts_with(invocation, %(invocation)s)
    WINDOW of_target AS (PARTITION BY context_name, kind)
),

latest AS (
    SELECT DISTINCT ON (context_name, kind) *
    FROM attempt
    ORDER BY context_name, kind, id DESC
)

SELECT
    latest.context_name,
    latest.kind,
    latest.scope,
    latest.outcome,
    latest.objects,
    latest.changed_in_all AS changed,
    latest.deleted_in_all AS deleted,
    coalesce(untold.changed, 0)::bigint AS changed_before,
    coalesce(untold.deleted, 0)::bigint AS deleted_before,
    latest.seconds,
    latest.error,
    latest.warning,
    latest.whole_context,
    latest.resource_version
FROM latest
INNER JOIN LATERAL (
    SELECT
        sum(before.changed) AS changed,
        sum(before.deleted) AS deleted
    FROM k8s_sync_runs AS before
    WHERE
        before.context_name = latest.context_name
        AND before.kind = latest.kind
        AND latest.outcome = 'complete'
        AND before.id < latest.first_id
        AND before.id > coalesce(
            (
                SELECT max(complete.id)
                FROM k8s_sync_runs AS complete
                WHERE
                    complete.context_name = latest.context_name
                    AND complete.kind = latest.kind
                    AND complete.id < latest.first_id
                    AND complete.outcome = 'complete'
            ),
            0
        )
) AS untold ON TRUE
ORDER BY latest.context_name, latest.kind;
