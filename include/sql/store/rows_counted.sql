-- How many rows each table has of these contexts, by the kind that it is of.
{%- for kind in kinds %}
SELECT
    {{ kind.name | literal }} AS kind,
    context_name,
    count(*) AS objects
FROM {{ kind.table | identifier }}
WHERE context_name = any(%(contexts)s)
GROUP BY context_name
{%- if not loop.last %}
UNION ALL
{%- endif %}
{%- endfor %};
