-- What was: former values of rows, objects that are gone, and how far an instant is known.

CREATE OR REPLACE AGGREGATE k8s_overlay(jsonb) (
    SFUNC = jsonb_concat,
    STYPE = jsonb,
    INITCOND = '{}',
    PARALLEL = SAFE
);

COMMENT ON AGGREGATE k8s_overlay(jsonb) IS 'JSON objects laid over each other, the last on top.';

-- JSON without what stands at a path, an array of names, in which * stands for every one.
CREATE OR REPLACE FUNCTION k8s_without(value jsonb, path text[])
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
BEGIN
    IF jsonb_typeof(value) NOT IN ('object', 'array') THEN
        RETURN value;
    ELSIF path[1] <> '*' AND (jsonb_typeof(value) = 'array' OR NOT value ? path[1]) THEN
        RETURN value;
    ELSIF cardinality(path) = 1 THEN
        RETURN CASE WHEN path[1] <> '*' THEN value - path[1] END;
    ELSIF path[1] <> '*' THEN
        RETURN jsonb_set(value, path[1:1], k8s_without(value -> path[1], path[2:]));
    ELSIF jsonb_typeof(value) = 'array' THEN
        RETURN (
            SELECT coalesce(jsonb_agg(k8s_without(element.value, path[2:]) ORDER BY element.position), '[]')
            FROM jsonb_array_elements(value) WITH ORDINALITY AS element (value, position)
        );
    END IF;
    RETURN (
        SELECT coalesce(jsonb_object_agg(member.key, k8s_without(member.value, path[2:])), '{}')
        FROM jsonb_each(value) AS member
    );
END
$function$;

-- The same for several paths, as JSON.
CREATE OR REPLACE FUNCTION k8s_without(value jsonb, paths jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
    path jsonb;
BEGIN
    FOR path IN SELECT jsonb_array_elements(paths) LOOP
        value := k8s_without(value, ARRAY(SELECT jsonb_array_elements_text(path)));
    END LOOP;
    RETURN value;
END
$function$;

-- What the changes of an object after an instant took away: by column, what the earliest that changed it says. No row where
-- it has not changed since, or was not there yet. A keyframe, or a last row, holds all columns, so none has to be asked
-- behind one; and what is large is read of those changes alone that have something to say.
CREATE OR REPLACE FUNCTION k8s_former(of_context text, of_plural text, of_group text, of_uid text, instant timestamptz)
RETURNS TABLE (old jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT
    coalesce(framed.whole, '{}')
    || coalesce(walked.old, '{}')
    || jsonb_build_object('resource_version', first.old_resource_version, 'made_of', first.made_of)
FROM (
    SELECT
        change.change,
        change.old_resource_version,
        change.made_of
    FROM k8s_changes AS change
    WHERE
        change.uid = k8s_former.of_uid
        AND change.seen_at > k8s_former.instant
        AND change.context_name = k8s_former.of_context
        AND change.plural = k8s_former.of_plural
        AND change."group" = k8s_former.of_group
    ORDER BY change.seen_at
    LIMIT 1
) AS first
LEFT JOIN LATERAL (
    SELECT
        change.seen_at,
        coalesce(change.keyframe, change.old) AS whole
    FROM k8s_changes AS change
    WHERE
        change.uid = k8s_former.of_uid
        AND change.seen_at > k8s_former.instant
        AND change.context_name = k8s_former.of_context
        AND change.plural = k8s_former.of_plural
        AND change."group" = k8s_former.of_group
        AND (change.keyframe IS NOT NULL OR change.change = 'deleted')
    ORDER BY change.seen_at
    LIMIT 1
) AS framed ON TRUE
LEFT JOIN LATERAL (
    SELECT
        k8s_overlay(
            CASE
                WHEN change.columns <@ said.names THEN change.old
                ELSE (
                    SELECT jsonb_object_agg(saying.name, change.old -> saying.name)
                    FROM unnest(said.names) AS saying (name)
                )
            END
        ) AS old
    FROM (
        SELECT
            earliest.seen_at,
            array_agg(earliest.name) AS names
        FROM (
            SELECT DISTINCT ON (differing.name)
                differing.name,
                change.seen_at
            FROM k8s_changes AS change
            CROSS JOIN unnest(change.columns) AS differing (name)
            WHERE
                change.uid = k8s_former.of_uid
                AND change.seen_at > k8s_former.instant
                AND change.context_name = k8s_former.of_context
                AND change.plural = k8s_former.of_plural
                AND change."group" = k8s_former.of_group
                AND change.seen_at < coalesce(framed.seen_at, 'infinity')
            ORDER BY differing.name, change.seen_at
        ) AS earliest
        GROUP BY earliest.seen_at
    ) AS said
    INNER JOIN k8s_changes AS change
        ON
            change.uid = k8s_former.of_uid
            AND change.seen_at > k8s_former.instant
            AND change.context_name = k8s_former.of_context
            AND change.plural = k8s_former.of_plural
            AND change."group" = k8s_former.of_group
            AND said.seen_at = change.seen_at
) AS walked ON TRUE
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
        WHEN
            target.history_since IS NULL
            OR target.history_since > k8s_coverage_at.instant
            OR target.told_twice @> k8s_coverage_at.instant
            THEN 'unknown'
        WHEN latest.outcome = 'absent' THEN 'absent'
        WHEN latest.scope = 'all' AND latest.outcome = 'complete' THEN 'complete'
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
        run.error,
        run.scope
    FROM k8s_sync_runs AS run
    WHERE
        run.context_name = target.context_name
        AND run.kind = target.kind
        -- One that found another at work says nothing of the rows; that other one does.
        AND run.outcome IS DISTINCT FROM 'busy'
        -- What reads in parts stores them one by one, and what ended incomplete before it ended.
        AND CASE
            WHEN run.scope = 'all' AND coalesce(run.outcome IN ('complete', 'absent'), TRUE) THEN run.finished_at
            ELSE run.started_at
        END <= k8s_coverage_at.instant
    ORDER BY run.id DESC
    LIMIT 1
) AS latest ON TRUE
LEFT JOIN LATERAL (
    SELECT run.snapshot_at
    FROM k8s_sync_runs AS run
    WHERE
        run.context_name = target.context_name
        AND run.kind = target.kind
        AND run.finished_at <= k8s_coverage_at.instant
        AND run.outcome = 'complete'
        AND run.scope = 'all'
    ORDER BY run.finished_at DESC
    LIMIT 1
) AS completed ON TRUE;
END;

COMMENT ON FUNCTION k8s_coverage_at(timestamptz) IS
'How far an instant is known, by context and kind: complete, absent (not served then), incomplete (rows are those of complete_as_of), or unknown.';

-- A declared kind's target has its plural for its name; that of any other has the group, too.
CREATE OR REPLACE FUNCTION k8s_history_since(of_context text, of_plural text, of_group text)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT target.history_since
FROM k8s_sync_targets AS target
WHERE
    target.context_name = of_context
    AND target.kind IN (
        of_plural || '.' || coalesce(nullif(of_group, ''), 'core'),
        CASE of_plural WHEN 'customresourcedefinitions' THEN 'crds' ELSE of_plural END
    )
ORDER BY strpos(target.kind, '.') DESC
LIMIT 1;
END;

COMMENT ON FUNCTION k8s_history_since(text, text, text) IS
'Since when every change of the objects of a plural and group is noted: of an earlier one, the value after it is not known.';

CREATE OR REPLACE FUNCTION k8s_unknown_since(since timestamptz)
RETURNS TABLE (context_name text, kind text, complete_as_of timestamptz, error text, history_since timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT
    coverage.context_name,
    coverage.kind,
    coverage.complete_as_of,
    coverage.error,
    coverage.history_since
FROM k8s_coverage_at(now()) AS coverage
WHERE
    coverage.kind <> 'events'
    AND (
        coverage.known NOT IN ('complete', 'absent')
        OR coverage.history_since > since
        OR (coverage.known = 'complete' AND coverage.complete_as_of < since)
    );
END;

COMMENT ON FUNCTION k8s_unknown_since(timestamptz) IS
'Kinds of which not all changes since an instant are known, by context; without Events, of which no history is kept.';
