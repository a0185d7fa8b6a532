-- The changes of targets, each after an instant of its own and until another, in the order in which they were noted.
WITH span AS (
    SELECT
        given.span ->> 'context_name' AS context_name,
        given.span ->> 'plural' AS plural,
        given.span ->> 'group' AS "group",
        -- What is later than all there is was sent before the history was emptied.
        CASE
            WHEN (given.span ->> 'after')::timestamptz <= (given.span ->> 'until')::timestamptz
                THEN (given.span ->> 'after')::timestamptz
            ELSE '-infinity'
        END AS after,
        (given.span ->> 'until')::timestamptz AS until
    FROM jsonb_array_elements(%(spans)s::jsonb) AS given (span)
)

SELECT
    change.context_name,
    change.kind,
    change."group",
    change.plural,
    change.namespace,
    change.name,
    change.uid,
    change.change,
    change.seen_at,
    change.not_before,
    change.happened_at,
    change.old_resource_version,
    change.resource_version,
    change.run_id,
    change.evidence,
    change.columns,
    change.old::text AS old
FROM k8s_changes AS change
INNER JOIN span
    ON
        change.context_name = span.context_name
        AND change.plural = span.plural
        AND change."group" = span."group"
WHERE
    change.seen_at > (SELECT min(earliest.after) FROM span AS earliest)
    AND change.seen_at > span.after
    AND change.seen_at <= span.until
ORDER BY change.seen_at, change.id;
