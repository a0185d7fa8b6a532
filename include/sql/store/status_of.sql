-- How well each kind of these contexts is known now; `age` is how many seconds ago its rows were exact.
SELECT
    status.context_name,
    status.kind,
    status.outcome,
    extract(EPOCH FROM clock_timestamp() - status.exact_as_of)::double precision AS age
FROM k8s_sync_status AS status
WHERE status.context_name = any(%(contexts)s);
