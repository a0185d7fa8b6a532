-- Of what kinds of a context an instant is not all known, and why.
SELECT
    coverage.context_name,
    coverage.kind,
    coverage.known,
    coverage.outcome,
    coverage.complete_as_of
FROM k8s_coverage_at(%(at)s) AS coverage
WHERE
    coverage.context_name = %(context)s
    AND coverage.kind = any(%(targets)s)
    AND coverage.known NOT IN ('complete', 'absent')
ORDER BY coverage.kind;
