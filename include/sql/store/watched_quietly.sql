-- Watches have come to these revisions, and nothing was stored on the way: all of these targets are exact as of then.
-- Those that another writer has been at in the meantime are left out. Returns the kinds with the ids of their attempts, and
-- how many objects they have.
WITH watched AS (
    SELECT listed.*
    FROM jsonb_to_recordset(%(watched)s::jsonb) AS listed (
        kind text, since text, revision text, read_by text, api_servers text, keeps_history boolean, id bigint,
        seconds double precision, age double precision, bytes bigint
    )
),

moved AS (
    UPDATE k8s_sync_revisions AS kept
    SET revision = watched.revision
    FROM watched
    WHERE
        kept.context_name = %(context_name)s
        AND kept.kind = watched.kind
        AND (kept.revision, kept.read_by, kept.api_servers) = (watched.since, watched.read_by, watched.api_servers)
    RETURNING watched.*, kept.objects
),

of_targets AS (
    UPDATE k8s_sync_targets AS target
    SET
        resource_version = moved.revision,
        exact_as_of = clock_timestamp() - make_interval(secs => moved.age),
        last_complete_at = clock_timestamp(),
        history_since = CASE WHEN moved.keeps_history THEN coalesce(target.history_since, clock_timestamp()) END
    FROM moved
    WHERE target.context_name = %(context_name)s AND target.kind = moved.kind
),

ended AS (
    UPDATE k8s_sync_runs AS run
    SET
        outcome = 'complete',
        error = NULL,
        objects = moved.objects,
        bytes = moved.bytes,
        seconds = greatest(extract(EPOCH FROM clock_timestamp() - run.started_at), 0),
        resource_version = moved.revision,
        snapshot_at = clock_timestamp() - make_interval(secs => moved.age),
        finished_at = clock_timestamp()
    FROM moved
    WHERE run.id = moved.id
    RETURNING moved.kind, run.id, moved.objects
),

made AS (
    INSERT INTO k8s_sync_runs (
        run_id, attempt, invocation, mode, context_name, kind, outcome, objects, bytes, seconds, resource_version,
        snapshot_at, under_other_rules, started_at, finished_at
    )
    SELECT
        %(run_id)s AS run_id,
        %(attempt)s AS attempt,
        %(invocation)s AS invocation,
        %(mode)s AS mode,
        %(context_name)s AS context_name,
        moved.kind,
        'complete' AS outcome,
        moved.objects,
        moved.bytes,
        moved.seconds,
        moved.revision,
        clock_timestamp() - make_interval(secs => moved.age) AS snapshot_at,
        0 AS under_other_rules,
        clock_timestamp() - make_interval(secs => moved.seconds) AS started_at,
        clock_timestamp() AS finished_at
    FROM moved
    WHERE moved.id IS NULL
    RETURNING kind, id, objects
)

SELECT
    ended.kind,
    ended.id,
    ended.objects
FROM ended
UNION ALL
SELECT
    made.kind,
    made.id,
    made.objects
FROM made;
