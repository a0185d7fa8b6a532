-- Marks contexts that are gone from the configuration of the last source that had them, if these are all, and those that
-- came back. Their rows stay. A context that no source has (a CloudQuery source without a name reads it, or it is of the time
-- before sources) is gone only where nobody has seen it for a month.
WITH listed AS (
    INSERT INTO k8s_sync_sources (source, context_name)
    SELECT
        %(source)s AS source,
        given.context_name
    FROM unnest(%(contexts)s::text[]) AS given (context_name)
    WHERE nullif(%(source)s::text, '') IS NOT NULL
    ON CONFLICT DO NOTHING
),

left_out AS (
    DELETE FROM k8s_sync_sources
    WHERE source = %(source)s AND %(are_all)s AND context_name <> all(%(contexts)s::text[])
    RETURNING context_name
)

UPDATE k8s_sync_contexts AS stored
SET unconfigured_since = CASE WHEN stored.context_name <> all(%(contexts)s::text[]) THEN now() END
WHERE
    CASE
        WHEN stored.context_name = any(%(contexts)s::text[]) THEN stored.unconfigured_since IS NOT NULL
        ELSE
            stored.unconfigured_since IS NULL
            AND %(are_all)s
            AND NOT EXISTS (
                SELECT FROM k8s_sync_sources AS other
                WHERE other.context_name = stored.context_name AND other.source <> %(source)s
            )
            AND (
                nullif(%(source)s::text, '') IS NULL
                OR stored.context_name IN (SELECT left_out.context_name FROM left_out)
                OR stored.last_seen_at NOT BETWEEN now() - interval '30 days' AND now() + interval '30 days'
            )
    END
RETURNING stored.context_name, stored.unconfigured_since;
