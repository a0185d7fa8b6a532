SELECT pg_advisory_unlock(
    hashtextextended(concat_ws('/', 'k8s-inventory', current_schema(), %(context_name)s::text, %(kind)s::text), 0)
);
