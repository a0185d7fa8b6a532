-- Until when changes of each target of these contexts are noted, and the rules of redaction that hold for them.
SELECT
    context_name,
    kind,
    changed_at::text AS changed_at,
    history_rules
FROM k8s_sync_targets
WHERE context_name = any(%(contexts)s::text[]) AND changed_at IS NOT NULL
ORDER BY context_name, kind;
