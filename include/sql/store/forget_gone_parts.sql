-- Of namespaces that are not there any more, and of which nothing is left.
DELETE FROM k8s_sync_parts
WHERE
    context_name = %(context_name)s
    AND kind = %(kind)s
    AND namespace <> ''
    AND namespace <> all(%(live_namespaces)s::text[])
    AND outcome = 'complete'
    AND objects = 0;
