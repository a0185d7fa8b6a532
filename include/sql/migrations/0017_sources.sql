-- Several may write one inventory, each with contexts of its own: only who had a context can say that it has it no more.

CREATE TABLE k8s_sync_sources (
    source text NOT NULL,
    context_name text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (context_name, source)
);

COMMENT ON TABLE k8s_sync_sources IS
'Which contexts each source (K8S_SOURCE_NAME) has in its configuration, and since when that is known.';

-- New columns of a view come last, so that views over it stay.
CREATE OR REPLACE VIEW k8s_clusters AS
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
    ) AS same_cluster_as,
    array(
        SELECT source.source
        FROM k8s_sync_sources AS source
        WHERE source.context_name = context.context_name
        ORDER BY source.source
    ) AS sources
FROM k8s_sync_contexts AS context;
