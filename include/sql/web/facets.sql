{#- `branches`: (place, kind) of the tables that are asked. -#}
{%- from "web/conditions.jinja" import source, conditions with context -%}
-- How many objects match, by cluster, by kind and by namespace, and in all: `place` and the rest say of what.
WITH counted AS (
{%- for place, kind in branches %}
    SELECT
        {{ place }} AS place,
        {% if kind.shared_by %}object.plural || '.' || coalesce(nullif(object."group", ''), 'core'){% else %}NULL::text{% endif %} AS custom,
        object.context_name,
        object.namespace,
        count(*) AS objects
    FROM {{ source(kind) }} AS object
    WHERE
        {{ conditions(kind) }}
    GROUP BY object.context_name, object.namespace{% if kind.shared_by %}, object.plural, object."group"{% endif %}
    {%- if not loop.last %}
    UNION ALL
    {%- endif %}
{%- endfor %}
)

SELECT
    CASE grouping(counted.place, counted.context_name, counted.namespace)
        WHEN 3 THEN 'kind'
        WHEN 5 THEN 'context'
        WHEN 6 THEN 'namespace'
        ELSE 'all'
    END AS facet,
    counted.place,
    counted.custom,
    counted.context_name,
    counted.namespace,
    coalesce(sum(counted.objects), 0)::bigint AS objects
FROM counted
GROUP BY GROUPING SETS ((counted.place, counted.custom), (counted.context_name), (counted.namespace), ())
ORDER BY facet, objects DESC, counted.context_name, counted.namespace, counted.place, counted.custom;
