-- Deletes what a complete listing lacks: of all, or of one namespace, or only what is confirmed to be gone.
DELETE FROM {{ table | identifier }} AS stored
WHERE
    stored.context_name = %(context_name)s
    {%- for name in shared_by %}
    AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %}
    AND (%(namespace)s::text IS NULL OR stored.namespace = %(namespace)s)
    AND (%(gone)s::text[] IS NULL OR stored.uid = any(%(gone)s))
    AND NOT EXISTS (SELECT 1 FROM pg_temp.k8s_seen AS seen WHERE seen.uid = stored.uid);
