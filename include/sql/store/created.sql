{%- set key = (["context_name"] + shared_by | list + ["uid"]) | map("identifier") | list -%}
-- How many of what is staged has no row yet.
SELECT count(*)
FROM pg_temp.k8s_staged AS staged
WHERE NOT EXISTS (
    SELECT FROM {{ table | identifier }} AS stored
    WHERE
        {%- for name in key %}
        {% if not loop.first %}AND {% endif %}stored.{{ name }} = staged.{{ name }}
        {%- endfor %}
);
