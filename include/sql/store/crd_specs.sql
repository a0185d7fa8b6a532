SELECT spec
FROM k8s_custom_resources
WHERE name = %(name)s AND jsonb_typeof(spec) = 'object'
ORDER BY context_name;
