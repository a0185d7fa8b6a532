-- What was: former values of rows, objects that are gone, and how far an instant is known.

-- What the changes of an object after an instant took away: former values by column, of the earliest change of each. No row
-- where it has not changed since, or was not there yet. A keyframe holds all columns, so none has to be asked behind one.
CREATE OR REPLACE FUNCTION k8s_former(of_context text, of_plural text, of_group text, of_uid text, instant timestamptz)
RETURNS TABLE (old jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT walked.old || jsonb_build_object('resource_version', first.old_resource_version, 'made_of', first.made_of)
FROM (
    SELECT
        change.change,
        change.old_resource_version,
        change.made_of
    FROM k8s_changes AS change
    WHERE
        change.uid = of_uid
        AND change.seen_at > instant
        AND change.context_name = of_context
        AND change.plural = of_plural
        AND change."group" = of_group
    ORDER BY change.seen_at
    LIMIT 1
) AS first
CROSS JOIN LATERAL (
    SELECT coalesce(min(framed.seen_at), 'infinity') AS seen_at
    FROM (
        SELECT change.seen_at
        FROM k8s_changes AS change
        WHERE
            change.uid = of_uid
            AND change.seen_at > instant
            AND change.context_name = of_context
            AND change.plural = of_plural
            AND change."group" = of_group
            AND change.keyframe IS NOT NULL
        ORDER BY change.seen_at
        LIMIT 1
    ) AS framed
) AS keyframe
CROSS JOIN LATERAL (
    SELECT k8s_overlay(coalesce(change.keyframe, change.old) ORDER BY change.seen_at DESC) AS old
    FROM k8s_changes AS change
    WHERE
        change.uid = of_uid
        AND change.seen_at > instant
        AND change.seen_at <= keyframe.seen_at
        AND change.context_name = of_context
        AND change.plural = of_plural
        AND change."group" = of_group
) AS walked
WHERE first.change <> 'created';
END;

COMMENT ON FUNCTION k8s_former(text, text, text, text, timestamptz) IS
'Internal: by column, what the changes of an object after an instant took away.';

CREATE OR REPLACE VIEW k8s_deleted AS
SELECT
    gone.context_name,
    gone.kind,
    gone."group",
    gone.plural,
    gone.namespace,
    gone.name,
    gone.uid,
    gone.seen_at AS deleted_at,
    gone.not_before,
    gone.happened_at,
    gone.evidence,
    gone.run_id,
    gone.old AS last_row
FROM k8s_changes AS gone
WHERE
    gone.change = 'deleted'
    AND NOT EXISTS (
        SELECT FROM k8s_changes AS later
        WHERE
            later.uid = gone.uid
            AND later.seen_at > gone.seen_at
            AND later.context_name = gone.context_name
            AND later.plural = gone.plural
            AND later."group" = gone."group"
    );

COMMENT ON VIEW k8s_deleted IS 'Objects that are gone, with their last row, and what shows that they are.';

CREATE OR REPLACE FUNCTION k8s_coverage_at(instant timestamptz)
RETURNS TABLE (
    context_name text,
    kind text,
    known text,
    complete_as_of timestamptz,
    outcome text,
    error text,
    history_since timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT
    target.context_name,
    target.kind,
    CASE
        WHEN target.history_since IS NULL OR target.history_since > instant THEN 'unknown'
        WHEN latest.outcome = 'complete' OR latest.outcome = 'absent' THEN 'complete'
        ELSE 'incomplete'
    END,
    completed.snapshot_at,
    latest.outcome,
    latest.error,
    target.history_since
FROM k8s_sync_targets AS target
LEFT JOIN LATERAL (
    SELECT
        run.outcome,
        run.error
    FROM k8s_sync_runs AS run
    WHERE run.context_name = target.context_name AND run.kind = target.kind AND run.finished_at <= instant
    ORDER BY run.id DESC
    LIMIT 1
) AS latest ON TRUE
LEFT JOIN LATERAL (
    SELECT run.snapshot_at
    FROM k8s_sync_runs AS run
    WHERE
        run.context_name = target.context_name
        AND run.kind = target.kind
        AND run.finished_at <= instant
        AND run.outcome = 'complete'
    ORDER BY run.id DESC
    LIMIT 1
) AS completed ON TRUE;
END;

COMMENT ON FUNCTION k8s_coverage_at(timestamptz) IS
'How far an instant is known, by context and kind: complete, incomplete (rows are those of complete_as_of), or unknown.';
