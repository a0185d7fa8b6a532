{%- set names = columns | map(attribute="name") | map("identifier") | list -%}
{%- set key = (["context_name"] + shared_by | list + ["uid"]) | map("identifier") | list -%}
-- Rows that would not change need not be written: they only note it where they are made of something else now, other rules
-- or a later write. What stays in the staging differs.
WITH same AS (
    SELECT
        staged.uid,
        staged.made_of,
        (stored.made_of IS DISTINCT FROM staged.made_of) AS is_remade
    FROM pg_temp.k8s_staged AS staged
    INNER JOIN {{ table | identifier }} AS stored
        ON
            {%- for name in key %}
            staged.{{ name }} = stored.{{ name }}
            AND
            {%- endfor %}
            staged.resource_version = stored.resource_version
    WHERE (stored.{{ names | join(", stored.") }}) IS NOT DISTINCT FROM (staged.{{ names | join(", staged.") }})
),

noted AS (
    UPDATE {{ table | identifier }} AS stored
    SET made_of = same.made_of
    FROM same
    WHERE
        stored.context_name = %(context_name)s
        {%- for name in shared_by %}
        AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
        {%- endfor %}
        AND stored.uid = same.uid
        AND same.is_remade
)

DELETE FROM pg_temp.k8s_staged AS staged
USING same
WHERE staged.uid = same.uid;
