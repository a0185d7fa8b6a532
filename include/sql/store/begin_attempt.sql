WITH target AS (
    INSERT INTO k8s_sync_targets (context_name, kind)
    VALUES (%(context_name)s, %(kind)s)
    ON CONFLICT DO NOTHING
)

INSERT INTO k8s_sync_runs (run_id, attempt, invocation, context_name, kind, scope)
VALUES (%(run_id)s, %(attempt)s, %(invocation)s, %(context_name)s, %(kind)s, %(scope)s)
RETURNING id;
