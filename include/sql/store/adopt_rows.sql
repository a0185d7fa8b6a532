{#- What stands in a column of a moved row until its next listing. -#}
{%- macro value(column) -%}
{%- if column.name in as_custom -%} moved.{{ column.name | identifier }}
{%- elif not column.required -%} NULL
{%- elif column.type == "text" -%} ''
{%- elif column.type == "text[]" or column.type == "jsonb" and not column.is_array -%} '{}'
{%- elif column.type == "jsonb" -%} '[]'
{%- elif column.type == "boolean" -%} FALSE
{%- else -%} 0
{%- endif -%}
{%- endmacro -%}
-- Rows of a kind that was a custom one to an older version go to its own table. One that is there already was read by the
-- declaration, so it stays.
WITH moved AS (
    DELETE FROM k8s_custom_objects
    WHERE "group" = %(group)s AND plural = %(plural)s
    RETURNING *
)

INSERT INTO {{ table | identifier }} (
    context_name,
    {{ columns | map(attribute="name") | map("identifier") | join(",\n    ") }}
)
SELECT
    moved.context_name
    {%- for column in columns %},
    {{ value(column) }}{% if column.name not in as_custom %} AS {{ column.name | identifier }}{% endif %}
    {%- endfor %}
FROM moved
ON CONFLICT DO NOTHING;
