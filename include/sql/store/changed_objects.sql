{%- from "store/object_of_row.jinja" import object_of with context -%}
-- Objects as they were before changes, of which other rules of redaction wrote the former values, in the order of the
-- changes.
SELECT
    change.seen_at::text,
    change.id,
    former.api_version,
    {{ object_of("former") }} AS object
FROM (
    SELECT
        noted.id,
        noted.uid,
        noted.seen_at
    FROM k8s_changes AS noted
    WHERE
        noted.context_name = %(context_name)s
        AND noted.plural = %(plural)s
        AND noted."group" = %(group)s
        AND noted.old IS NOT NULL
        AND noted.seen_at >= %(after)s::timestamptz
        AND (noted.seen_at, noted.id) > (%(after)s::timestamptz, %(after_id)s)
        AND NOT coalesce(starts_with(noted.made_of, %(rules)s), FALSE)
    ORDER BY noted.seen_at, noted.id
    LIMIT %(most)s
) AS change
CROSS JOIN LATERAL (
    SELECT *
    FROM {{ (table + "_at") | identifier }}(change.seen_at - interval '1 microsecond') AS instant
    WHERE
        instant.context_name = %(context_name)s
        AND instant.uid = change.uid
        {%- for name in shared_by %}
        AND instant.{{ name | identifier }} = {{ "%(" + name + ")s" }}
        {%- endfor %}
) AS former
ORDER BY change.seen_at, change.id;
