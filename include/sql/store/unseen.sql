-- How many stored objects of a part its listing lacks: they are there, and are not selected.
SELECT count(*) AS found
FROM {{ table | identifier }} AS stored
WHERE
    stored.context_name = %(context_name)s
    {%- for name in shared_by %}
    AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %}
    AND (%(namespace)s::text IS NULL OR stored.namespace = %(namespace)s)
    AND NOT EXISTS (SELECT 1 FROM pg_temp.k8s_seen AS seen WHERE seen.uid = stored.uid);
