-- Objects as a list would hold them, made of rows that were written by other rules of redaction, in the order of their uids.
SELECT
    uid,
    api_version,
    (
        jsonb_build_object(
            'metadata',
            jsonb_build_object(
                'uid', uid,
                'name', name,
                'namespace', namespace,
                'creationTimestamp', created_at,
                'deletionTimestamp', deletion_requested_at,
                'resourceVersion', resource_version,
                'generation', generation,
                'labels', labels,
                'annotations', annotations,
                'ownerReferences', owner_references,
                'finalizers', finalizers
            )
            {%- for name in rest if name != "data" %},
            '{{ name }}', {{ name }}
            {%- endfor %}
            {%- for column in columns if column.path in cells %},
            '{{ column.path }}', {{ column.name | identifier }}
            {%- endfor %}
            {%- if shared_by %},
            'apiVersion', api_version,
            'kind', kind
            {%- endif %}
        )
        {%- if "data" in rest %}
        || coalesce(data, '{}')
        {%- endif %}
    )::text AS object
FROM {{ table | identifier }}
WHERE
    context_name = %(context_name)s
    {%- for name in shared_by %}
    AND {{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %}
    AND uid > %(after)s
    AND NOT coalesce(starts_with(made_of, %(rules)s), false)
ORDER BY uid
LIMIT %(most)s;
