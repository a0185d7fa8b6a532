{%- from "store/noted_as_deleted.jinja" import noted_as_deleted with context -%}
-- The kind is proven to be gone from the cluster, and its objects with it.
WITH gone AS (
    DELETE FROM {{ table | identifier }} AS stored
    WHERE
        stored.context_name = %(context_name)s
        {%- for name in shared_by %}
        AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
        {%- endfor %}
    RETURNING stored.*
),

{{ noted_as_deleted() }}
