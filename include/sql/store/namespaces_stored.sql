-- The namespaces of the stored objects of a kind, one index lookup each.
WITH RECURSIVE found AS (
    SELECT min(stored.namespace) AS namespace
    FROM {{ table | identifier }} AS stored
    WHERE
        stored.context_name = %(context_name)s
        {%- for name in shared_by %}
        AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
        {%- endfor %}
    UNION ALL
    SELECT
        (
            SELECT min(stored.namespace)
            FROM {{ table | identifier }} AS stored
            WHERE
                stored.context_name = %(context_name)s
                {%- for name in shared_by %}
                AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
                {%- endfor %}
                AND stored.namespace > found.namespace
        )
    FROM found
    WHERE found.namespace IS NOT NULL
)

SELECT namespace FROM found WHERE namespace IS NOT NULL;
