-- An attempt that found another at work.
INSERT INTO k8s_sync_runs (
    run_id, attempt, invocation, mode, context_name, kind, scope, outcome, error, seconds, retryable, finished_at
)
VALUES (
    %(run_id)s, %(attempt)s, %(invocation)s, %(mode)s, %(context_name)s, %(kind)s, %(scope)s, 'busy', %(error)s, 0, TRUE,
    clock_timestamp()
);
