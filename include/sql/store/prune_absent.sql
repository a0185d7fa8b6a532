-- The kind is proven to be gone from the cluster, and its objects with it.
DELETE FROM {{ table | identifier }}
WHERE
    context_name = %(context_name)s
    {%- for name in shared_by %}
    AND {{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %};
