-- Notes the uids of a page as seen; returns the positions (from 0) of those objects whose row has to be written, and of
-- those that an earlier page held, too.
WITH page AS (
    SELECT
        listed.uid,
        listed.resource_version,
        listed.made_of,
        (listed.position - 1)::integer AS position
    FROM
        unnest(%(uids)s::text[], %(versions)s::text[], %(made_of)s::text[])
        WITH ORDINALITY AS listed (uid, resource_version, made_of, position)
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
    LEFT JOIN {{ table | identifier }} AS stored
        ON
            stored.context_name = %(context_name)s
            {%- for name in shared_by %}
            AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
            {%- endfor %}
            AND page.uid = stored.uid
)

SELECT
    coalesce(array_agg(position ORDER BY position) FILTER (WHERE differs AND NOT is_again), '{}') AS to_write,
    coalesce(array_agg(position ORDER BY position) FILTER (WHERE is_again), '{}') AS again
FROM compared;
