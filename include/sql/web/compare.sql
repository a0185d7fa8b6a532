{#- `branches`: (place, kind); `left_at`, `right_at`: whether that side is of an instant; `noise`: columns that are left out.
`made_by`: kinds that are compared themselves, so that what they control is left out.
`same_namespaces`: whether both sides are compared namespace by namespace. -#}
{%- macro side(kind, name, at) -%}
        SELECT
            object.uid,
            object.name,
            {% if kind.namespaced %}object.namespace{% else %}NULL::text{% endif %} AS namespace,
            {% if kind.shared_by %}object.plural || '.' || coalesce(nullif(object."group", ''), 'core'){% else %}NULL::text{% endif %} AS custom,
            to_jsonb(object.*) - %(noise)s::text[]
            {%- if not kind.shared_by %}{% for path in paths[kind.name] %} #- {{ path | literal }}::text[]{% endfor %}{% endif %} AS fields
        FROM {% if at %}{{ (kind.table ~ "_at") | identifier }}(%({{ name }}_at)s){% else %}{{ kind.table | identifier }}{% endif %} AS object
        WHERE
            object.context_name = %({{ name }}_context)s
            {%- if kind.namespaced %}
            AND (%({{ name }}_namespace)s::text IS NULL OR object.namespace = %({{ name }}_namespace)s)
            {%- endif %}
            {%- if kind.shared_by and custom %}
            AND object.plural = %(plural)s
            AND object."group" = %(group)s
            {%- endif %}
            AND NOT EXISTS (
                SELECT FROM jsonb_path_query(object.owner_references, '$[*]') AS owner (of)
                WHERE owner.of ->> 'controller' = 'true' AND owner.of ->> 'kind' = any(%(made_by)s)
            )
{%- endmacro -%}
-- What is only on one side, and what differs, by kind, namespace and name.
SELECT found.*
FROM (
{%- for place, kind in branches %}
    SELECT
        {{ place }} AS place,
        coalesce(left_side.custom, right_side.custom) AS custom,
        coalesce(left_side.namespace, right_side.namespace) AS namespace,
        coalesce(left_side.name, right_side.name) AS name,
        left_side.uid AS left_uid,
        right_side.uid AS right_uid,
        CASE WHEN left_side.uid IS NOT NULL AND right_side.uid IS NOT NULL THEN (
            SELECT array_agg(field.key ORDER BY field.key)
            FROM jsonb_each(left_side.fields) AS field
            WHERE field.value IS DISTINCT FROM right_side.fields -> field.key
        ) END AS columns
    FROM (
{{ side(kind, "left", left_at) }}
    ) AS left_side
    FULL JOIN (
{{ side(kind, "right", right_at) }}
    ) AS right_side
        ON
            left_side.name = right_side.name
            {%- if kind.namespaced and same_namespaces %}
            AND coalesce(left_side.namespace, '') = coalesce(right_side.namespace, '')
            {%- endif %}
            {%- if kind.shared_by %}
            AND left_side.custom = right_side.custom
            {%- endif %}
    WHERE left_side.fields IS DISTINCT FROM right_side.fields
    {%- if not loop.last %}
    UNION ALL
    {%- endif %}
{%- endfor %}
) AS found
WHERE (%(only)s::text IS NULL OR %(only)s = CASE WHEN found.right_uid IS NULL THEN 'left' WHEN found.left_uid IS NULL THEN 'right' ELSE 'different' END)
ORDER BY found.place, found.custom, found.namespace, found.name
LIMIT %(limit)s;
