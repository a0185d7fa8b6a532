{%- set key = (["context_name"] + shared_by | list + ["uid"]) | map("identifier") | list -%}
-- How many of the staged rows are not in {{ table }} by now.
SELECT count(*)
FROM pg_temp.k8s_staged AS staged
WHERE NOT EXISTS (
    SELECT FROM {{ table | identifier }} AS stored
    WHERE
        {%- for name in key %}
        {% if not loop.first %}AND {% endif %}stored.{{ name }} = staged.{{ name }}
        {%- endfor %}
        AND stored.resource_version = staged.resource_version
        AND stored.made_of IS NOT DISTINCT FROM staged.made_of
);
