-- Stored objects that a listing under selectors lacks, though their labels would have been selected, or are not known:
-- rows of other rules of redaction may lack some. It is some of them, and others the next time, so that none waits for good
-- behind those that have only left the selection.
SELECT
    stored.uid,
    stored.namespace,
    stored.name
FROM {{ table | identifier }} AS stored
WHERE
    stored.context_name = %(context_name)s
    {%- for name in shared_by %}
    AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %}
    AND (%(namespace)s::text IS NULL OR stored.namespace = %(namespace)s)
    AND (
        %(selector)s::text IS NULL
        OR NOT coalesce(starts_with(stored.made_of, %(rules)s), FALSE)
        OR stored.made_of = %(rules)s || %(restated)s
        OR k8s_matches(stored.labels, %(selector)s)
    )
    AND NOT EXISTS (SELECT 1 FROM pg_temp.k8s_seen AS seen WHERE seen.uid = stored.uid)
ORDER BY random()
LIMIT %(most)s;
