-- Of the stored objects by whose names others are staged, though nothing says that they have gone, the first.
SELECT
    stored.namespace,
    stored.name
FROM pg_temp.k8s_staged AS staged
-- Row by row, by the index of names: see `see`.
INNER JOIN LATERAL (
    SELECT
        kept.namespace,
        kept.name
    FROM {{ table | identifier }} AS kept
    WHERE
        kept.context_name = %(context_name)s
        {%- for name in shared_by %}
        AND kept.{{ name | identifier }} = {{ "%(" + name + ")s" }}
        {%- endfor %}
        {%- if namespaced %}
        AND kept.namespace = staged.namespace
        {%- elif shared_by %}
        AND kept.namespace IS NULL
        {%- endif %}
        {%- if long_names %}
        AND left(kept.name, 200) = left(staged.name, 200)
        {%- endif %}
        AND kept.name = staged.name
        AND kept.uid <> staged.uid
        AND NOT kept.uid = ANY(%(gone)s::text[])
    ORDER BY kept.name
    LIMIT 1
) AS stored ON TRUE
ORDER BY stored.name
LIMIT 1;
