-- Events, those that are gone from their clusters with those that are there, and what they are about.
CREATE OR REPLACE VIEW k8s_event_history AS
SELECT
    event.context_name,
    event.namespace,
    event.name,
    event.uid,
    event.first_seen_at,
    event.last_seen_at,
    event.count,
    event.type,
    event.reason,
    event.message,
    event.involved_kind,
    event.involved_namespace,
    event.involved_name,
    event.involved_uid,
    event.involved_field_path,
    event.source_component,
    event.source_host,
    event.action,
    event.created_at,
    event.data,
    NULL::timestamptz AS kept_at
FROM k8s_events AS event
WHERE
    NOT EXISTS (
        SELECT FROM k8s_past_events AS past
        WHERE
            past.context_name = event.context_name
            AND past.uid = event.uid
            AND coalesce(past.count, 0) > coalesce(event.count, 0)
    )
UNION ALL
SELECT
    past.context_name,
    past.namespace,
    past.name,
    past.uid,
    past.first_seen_at,
    past.last_seen_at,
    past.count,
    past.type,
    past.reason,
    past.message,
    past.involved_kind,
    past.involved_namespace,
    past.involved_name,
    past.involved_uid,
    past.involved_field_path,
    past.source_component,
    past.source_host,
    past.action,
    past.created_at,
    past.data,
    past.kept_at
FROM k8s_past_events AS past
WHERE
    NOT EXISTS (
        SELECT FROM k8s_events AS event
        WHERE
            event.context_name = past.context_name
            AND event.uid = past.uid
            AND coalesce(event.count, 0) >= coalesce(past.count, 0)
    );

COMMENT ON VIEW k8s_event_history IS
'Every Event that was seen, once, with its highest count: those of k8s_events, and those that are gone (kept_at) for event_days.';

-- By its uid; and where an Event knows no uid, or has the name in its place, as kubelets write of their Nodes, by name, for
-- as long as the object was there. Of an object that is gone, its last change tells what it was.
CREATE OR REPLACE FUNCTION k8s_events_of(of_context text, of_uid text)
RETURNS SETOF k8s_event_history
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
SELECT event.*
FROM k8s_event_history AS event
WHERE
    event.context_name = of_context
    AND left(event.involved_uid, 200) = left(of_uid, 200)
    AND event.involved_uid = of_uid
UNION ALL
SELECT event.*
FROM (
    SELECT
        object.kind,
        object.namespace,
        object.name,
        object.created_at,
        NULL::timestamptz AS gone_at
    FROM k8s_objects AS object
    WHERE object.context_name = of_context AND object.uid = of_uid
    UNION ALL
    SELECT
        gone.kind,
        gone.namespace,
        gone.name,
        (gone.last_row ->> 'created_at')::timestamptz,
        gone.deleted_at
    FROM k8s_deleted AS gone
    WHERE gone.context_name = of_context AND gone.uid = of_uid
) AS object
INNER JOIN k8s_event_history AS event
    ON
        left(event.involved_name, 200) = left(object.name, 200)
        AND event.involved_name = object.name
WHERE
    event.context_name = of_context
    AND event.involved_kind = object.kind
    AND (object.namespace IS NULL OR event.involved_namespace = object.namespace)
    AND (event.involved_uid IS NULL OR event.involved_uid IN ('', event.involved_name))
    AND event.involved_uid IS DISTINCT FROM of_uid
    AND event.last_seen_at >= object.created_at
    AND (object.gone_at IS NULL OR event.first_seen_at <= object.gone_at);
END;

COMMENT ON FUNCTION k8s_events_of(text, text) IS
'The Events about an object (context, uid), there or gone: by its uid, or by its name where they know no uid.';

-- Between two complete readings lies what was last seen after the one, and forgotten before the other. What had been read
-- is there as far as it was kept since. Of instants that were told twice it is not known when they were read.
CREATE OR REPLACE FUNCTION k8s_events_missed(since timestamptz, forgotten_after interval DEFAULT '1 hour')
RETURNS TABLE (context_name text, missed_from timestamptz, missed_until timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH context AS (
    SELECT
        target.context_name,
        max(target.kept_since) FILTER (WHERE target.kind = 'events') AS kept_since
    FROM k8s_sync_targets AS target
    GROUP BY target.context_name
),

reading AS (
    SELECT
        context.context_name,
        context.kept_since,
        run.snapshot_at
    FROM context
    INNER JOIN k8s_sync_runs AS run
        ON
            run.context_name = context.context_name
            AND run.kind = 'events'
            AND run.outcome = 'complete'
            AND run.scope = 'all'
            AND run.snapshot_at IS NOT NULL
),

held AS (
    SELECT
        reading.context_name,
        reading.snapshot_at
    FROM reading
    WHERE
        reading.snapshot_at >= (
            SELECT max(earlier.snapshot_at)
            FROM reading AS earlier
            WHERE
                earlier.context_name = reading.context_name
                AND earlier.snapshot_at <= coalesce(reading.kept_since, 'infinity')
        )
        OR NOT EXISTS (
            SELECT FROM reading AS earlier
            WHERE
                earlier.context_name = reading.context_name
                AND earlier.snapshot_at <= coalesce(reading.kept_since, 'infinity')
        )
),

step AS (
    SELECT
        instant.context_name,
        lag(instant.snapshot_at) OVER (PARTITION BY instant.context_name ORDER BY instant.snapshot_at) AS after,
        instant.snapshot_at AS before,
        instant.is_now
    FROM (
        SELECT
            held.context_name,
            held.snapshot_at,
            FALSE AS is_now
        FROM held
        UNION ALL
        SELECT
            context.context_name,
            clock_timestamp(),
            TRUE
        FROM context
    ) AS instant
)

SELECT
    missed.context_name,
    missed.missed_from,
    missed.missed_until
FROM (
    SELECT
        target.context_name,
        greatest(lower(twice.told), k8s_events_missed.since) AS missed_from,
        least(upper(twice.told), clock_timestamp()) AS missed_until
    FROM k8s_sync_targets AS target
    CROSS JOIN unnest(target.told_twice) AS twice (told)
    WHERE target.kind = 'events'
    UNION ALL
    SELECT
        step.context_name,
        greatest(step.after, since) AS missed_from,
        -- What was not read yet at all may still be.
        CASE
            WHEN step.is_now AND (step.after IS NULL OR step.after < since) THEN step.before
            ELSE step.before - forgotten_after
        END AS missed_until
    FROM step
) AS missed
WHERE missed.missed_from < missed.missed_until;
END;

COMMENT ON FUNCTION k8s_events_missed(timestamptz, interval) IS
'Times since an instant of which Events were not read before the cluster forgot them, by default after an hour; or not yet, at all.';
