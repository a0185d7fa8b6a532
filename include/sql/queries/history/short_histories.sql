-- How far back is the history of each context and kind, where that is less than a week?
-- Hit: A row is a target whose former states a week ago are not all known: none before history_since (null: no history
-- is kept), and where `known` is incomplete, what the listing before, of complete_as_of, had.
-- Do: Leave `history_days` at what you need, and look why a kind is not complete.
-- Key: kind
-- Source: docs/history.md.
-- Limits: It can not say why a history is short: it may be new, switched off, truncated, or dropped after history_days.
WITH asked AS NOT MATERIALIZED (
    SELECT now() - interval '7 days' AS since
)

SELECT
    coverage.context_name,
    coverage.kind,
    coverage.known,
    coverage.history_since,
    date_trunc('second', now() - coverage.history_since) AS reaches_back,
    coverage.complete_as_of,
    coverage.outcome,
    coverage.error,
    NULL::text AS not_known
FROM asked
CROSS JOIN k8s_coverage_at(asked.since) AS coverage
WHERE coverage.known NOT IN ('complete', 'absent') AND coverage.kind <> 'events'
ORDER BY coverage.history_since DESC NULLS FIRST, coverage.context_name, coverage.kind;
