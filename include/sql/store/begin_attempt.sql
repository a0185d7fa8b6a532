-- Where no history is to be kept, what comes next is not known of it any more; where rows are to stay when their objects go,
-- all that go from now on do.
WITH target AS (
    INSERT INTO k8s_sync_targets AS stored (context_name, kind, kept_since)
    VALUES (%(context_name)s, %(kind)s, CASE WHEN %(keeps_gone)s THEN clock_timestamp() END)
    ON CONFLICT (context_name, kind) DO UPDATE
        SET
            history_since = CASE WHEN %(keeps_history)s THEN stored.history_since END,
            kept_since = CASE WHEN %(keeps_gone)s THEN coalesce(stored.kept_since, excluded.kept_since) END
        WHERE (stored.kept_since IS NULL) = %(keeps_gone)s OR (stored.history_since IS NOT NULL AND NOT %(keeps_history)s)
)

INSERT INTO k8s_sync_runs (run_id, attempt, invocation, mode, context_name, kind, scope)
VALUES (%(run_id)s, %(attempt)s, %(invocation)s, %(mode)s, %(context_name)s, %(kind)s, %(scope)s)
RETURNING
    id,
    (
        SELECT stored.history_rules
        FROM k8s_sync_targets AS stored
        WHERE stored.context_name = %(context_name)s AND stored.kind = %(kind)s
    ) AS history_rules;
