-- What discovery found in a context, for the other tasks of the same run.

CREATE TABLE k8s_sync_discoveries (
    context_name text PRIMARY KEY,
    run_id text NOT NULL,
    found jsonb NOT NULL,
    discovered_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE k8s_sync_discoveries IS 'Internal: the custom kinds that the last run found, so that its tasks ask once.';
