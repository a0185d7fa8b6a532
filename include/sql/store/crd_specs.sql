SELECT spec::text AS spec
FROM k8s_custom_resources
WHERE
    name = %(name)s
    AND api_group = %(group)s
    AND plural = %(plural)s
    AND jsonb_typeof(spec) = 'object'
ORDER BY context_name;
