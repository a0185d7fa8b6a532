{#- `kind`: its table. -#}
{%- from "web/conditions.jinja" import source with context -%}
-- One object, with all of its row that is declared: users add columns, and an upgrade does while sessions have plans of this.
SELECT
{%- for column in kind.columns %}
    object.{{ column.name | identifier }},
{%- endfor %}
    {% if kind.shared_by %}object."group"{% else %}{{ kind.group | literal }}{% endif %} AS of_group,
    {% if kind.shared_by %}object.plural{% else %}{{ kind.plural | literal }}{% endif %} AS of_plural,
    {% if kind.shared_by %}object.kind{% else %}{{ kind.kind | literal }}{% endif %} AS of_kind
FROM {{ source(kind) }} AS object
WHERE
    object.context_name = %(context)s
    AND object.uid = %(uid)s
    {%- if kind.shared_by %}
    AND object.plural = %(plural)s
    AND object."group" = %(group)s
    {%- endif %}
ORDER BY object.created_at DESC NULLS LAST
LIMIT 1;
