-- How many rows there are of a kind that is gone from its cluster.
SELECT count(*)
FROM {{ table | identifier }} AS stored
WHERE
    stored.context_name = %(context_name)s
    {%- for name in shared_by %}
    AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %};
