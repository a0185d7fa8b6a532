-- The kind, or the namespace, is proven to be gone from the cluster, and its objects with it.
DELETE FROM {{ table | identifier }}
WHERE
    context_name = %(context_name)s
    {%- for name in shared_by %}
    AND {{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %}
    AND (%(live_namespaces)s::text[] IS NULL OR namespace <> all(%(live_namespaces)s));
