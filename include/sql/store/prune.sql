{%- from "store/noted_as_deleted.jinja" import noted_as_deleted with context -%}
-- Deletes what a complete listing lacks: of all, or of one namespace, or only what is confirmed to be gone.
WITH gone AS (
    DELETE FROM {{ table | identifier }} AS stored
    WHERE
        stored.context_name = %(context_name)s
        {%- for name in shared_by %}
        AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
        {%- endfor %}
        AND (%(namespace)s::text IS NULL OR stored.namespace = %(namespace)s)
        AND (%(gone)s::text[] IS NULL OR stored.uid = any(%(gone)s))
        AND NOT EXISTS (SELECT 1 FROM pg_temp.k8s_seen AS seen WHERE seen.uid = stored.uid)
    RETURNING stored.*
),

{{ noted_as_deleted() }}
