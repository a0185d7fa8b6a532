-- Notes the uids of a page as seen; returns the positions (from 0) of those objects whose row has to be written.
WITH page AS (
    SELECT
        listed.uid,
        listed.resource_version,
        listed.position
    FROM unnest(%(uids)s::text[], %(versions)s::text[]) WITH ORDINALITY AS listed (uid, resource_version, position)
),

seen AS (
    INSERT INTO pg_temp.k8s_seen (uid)
    SELECT page.uid FROM page
    ON CONFLICT DO NOTHING
    RETURNING uid
)

SELECT (page.position - 1)::integer AS position
FROM page
INNER JOIN seen ON page.uid = seen.uid
LEFT JOIN {{ table | identifier }} AS stored
    ON
        stored.context_name = %(context_name)s
        {%- for name in shared_by %}
        AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
        {%- endfor %}
        AND page.uid = stored.uid
WHERE
    %(rewrite)s
    OR stored.uid IS NULL
    OR page.resource_version = ''
    OR page.resource_version <> stored.resource_version
ORDER BY page.position;
