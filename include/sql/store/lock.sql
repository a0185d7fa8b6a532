-- One writer a target. A session lock: it ends with the session, however that ends.
SELECT pg_advisory_lock(
    hashtextextended(concat_ws('/', 'k8s-inventory', current_schema(), %(context_name)s::text, %(kind)s::text), 0)
);
