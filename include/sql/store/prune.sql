-- Deletes what a complete listing lacks. Runs after no other outcome.
DELETE FROM {{ table | identifier }} AS stored
WHERE
    stored.context_name = %(context_name)s
    {%- for name in shared_by %}
    AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %}
    AND NOT EXISTS (SELECT 1 FROM pg_temp.k8s_seen AS seen WHERE seen.uid = stored.uid);
