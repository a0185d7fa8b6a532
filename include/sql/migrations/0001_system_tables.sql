-- What k8s-inventory knows of contexts and targets, and how each attempt ended.

CREATE TABLE k8s_sync_contexts (
    context_name text PRIMARY KEY,
    cluster_uid text,
    server text NOT NULL,
    ca_fingerprint text,
    version text,
    provider text,
    region text,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    unconfigured_since timestamptz
);

CREATE TABLE k8s_sync_targets (
    context_name text NOT NULL,
    kind text NOT NULL,
    fingerprint text,
    resource_version text,
    last_complete_at timestamptz,
    last_verified_at timestamptz,
    PRIMARY KEY (context_name, kind)
);

CREATE TABLE k8s_sync_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text NOT NULL,
    attempt integer NOT NULL,
    context_name text NOT NULL,
    kind text NOT NULL,
    scope text NOT NULL DEFAULT 'all',
    outcome text CHECK (
        outcome IN ('complete', 'partial', 'unauthorized', 'forbidden', 'absent', 'unreachable', 'failed')
    ),
    error text,
    pages integer NOT NULL DEFAULT 0,
    objects bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    seconds double precision,
    resource_version text,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

CREATE INDEX k8s_sync_runs_target ON k8s_sync_runs (context_name, kind, id DESC);

CREATE INDEX k8s_sync_runs_run_id ON k8s_sync_runs (run_id);

CREATE VIEW k8s_clusters AS
SELECT
    context_name,
    cluster_uid,
    server,
    version,
    provider,
    region,
    first_seen_at,
    last_seen_at,
    unconfigured_since,
    ca_fingerprint,
    array(
        SELECT other.context_name
        FROM k8s_sync_contexts AS other
        WHERE other.cluster_uid = context.cluster_uid AND other.context_name <> context.context_name
        ORDER BY other.context_name
    ) AS same_cluster_as
FROM k8s_sync_contexts AS context;

CREATE VIEW k8s_sync_status AS
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
    latest.finished_at
FROM k8s_sync_targets AS target
CROSS JOIN LATERAL (
    SELECT *
    FROM k8s_sync_runs AS run
    WHERE run.context_name = target.context_name AND run.kind = target.kind
    ORDER BY run.id DESC
    LIMIT 1
) AS latest;

COMMENT ON VIEW k8s_clusters IS 'One row a context: the cluster it leads to, and other contexts that lead to the same.';

COMMENT ON VIEW k8s_sync_status IS 'The last attempt by context and kind; last_complete_at tells how old its rows are.';

COMMENT ON TABLE k8s_sync_runs IS 'One row an attempt on a target (context x kind). outcome is null while it runs.';

COMMENT ON TABLE k8s_sync_targets IS 'Internal: what the last complete listing of a target left behind.';

COMMENT ON TABLE k8s_sync_contexts IS 'Internal: the table behind k8s_clusters.';
