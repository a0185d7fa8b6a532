{#- `branches`: (place, kind) in the order of the answer. `shown`: columns beside those that all have in common.
`after`: where the last page ended; `after.place` is that of the first branch, `after.in_namespace` whether it was in one. -#}
{%- from "web/conditions.jinja" import source, conditions with context -%}
-- A page of the objects that match, by kind, cluster, namespace and name: each table is gone through by its index of names,
-- and no further than the page is full.
SELECT found.*
FROM (
{%- for place, kind in branches %}
    (
        SELECT
            {{ place }} AS place,
            object.context_name,
            {% if kind.shared_by %}object."group"{% else %}{{ kind.group | literal }}{% endif %} AS "group",
            {% if kind.shared_by %}object.plural{% else %}{{ kind.plural | literal }}{% endif %} AS plural,
            {% if kind.shared_by %}object.kind{% else %}{{ kind.kind | literal }}{% endif %} AS kind,
            object.namespace,
            object.name,
            object.uid,
            object.created_at,
            object.deletion_requested_at
            {%- for name in shown %},
            object.{{ name | identifier }}
            {%- endfor %}
        FROM {{ source(kind) }} AS object
        WHERE
            {{ conditions(kind) }}
            {%- if after and after.place == place %}
            {%- if kind.shared_by or not after.in_namespace %}
            AND object.context_name >= %(after_context)s
            AND (
                object.context_name > %(after_context)s
                {%- if after.in_namespace %}
                OR object.namespace > %(after_namespace)s
                OR object.namespace IS NULL
                OR (object.namespace = %(after_namespace)s AND (object.name, object.uid) > (%(after_name)s, %(after_uid)s))
                {%- else %}
                OR (object.namespace IS NULL AND (object.name, object.uid) > (%(after_name)s, %(after_uid)s))
                {%- endif %}
            )
            {%- else %}
            AND (object.context_name, object.namespace, object.name, object.uid)
            > (%(after_context)s, %(after_namespace)s, %(after_name)s, %(after_uid)s)
            {%- endif %}
            {%- endif %}
        ORDER BY object.context_name, {% if kind.namespaced %}object.namespace, {% endif %}object.name, object.uid
        LIMIT %(limit)s
    )
    {%- if not loop.last %}
    UNION ALL
    {%- endif %}
{%- endfor %}
) AS found
LIMIT %(limit)s;
