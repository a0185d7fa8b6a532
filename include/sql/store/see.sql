-- Notes the uids of a page as seen; returns the positions (from 0) of those objects whose row has to be written, and of
-- those that an earlier page held, too.
WITH page AS (
    SELECT
        listed.object ->> 0 AS uid,
        listed.object ->> 1 AS resource_version,
        listed.object ->> 2 AS made_of,
        (listed.position - 1)::integer AS position
    FROM jsonb_array_elements(%(objects)s::jsonb) WITH ORDINALITY AS listed (object, position)
),

seen AS (
    INSERT INTO pg_temp.k8s_seen (uid)
    SELECT page.uid FROM page
    ON CONFLICT DO NOTHING
    RETURNING uid
),

compared AS (
    SELECT
        page.position,
        seen.uid IS NULL AS is_again,
        (
            %(rewrite)s
            OR stored.uid IS NULL
            OR page.resource_version = ''
            OR page.resource_version <> stored.resource_version
            OR page.made_of IS DISTINCT FROM stored.made_of
        ) AS differs
    FROM page
    LEFT JOIN seen ON page.uid = seen.uid
    -- Row by row: by statistics of a table that has just been filled, all of it would be read for each page.
    LEFT JOIN LATERAL (
        SELECT
            kept.uid,
            kept.resource_version,
            kept.made_of
        FROM {{ table | identifier }} AS kept
        WHERE
            kept.context_name = %(context_name)s
            {%- for name in shared_by %}
            AND kept.{{ name | identifier }} = {{ "%(" + name + ")s" }}
            {%- endfor %}
            AND kept.uid = page.uid
        ORDER BY kept.uid
        LIMIT 1
    ) AS stored ON TRUE
)

SELECT
    coalesce(array_agg(position ORDER BY position) FILTER (WHERE differs AND NOT is_again), '{}') AS to_write,
    coalesce(array_agg(position ORDER BY position) FILTER (WHERE is_again), '{}') AS again
FROM compared;
