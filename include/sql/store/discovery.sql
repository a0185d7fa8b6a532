-- What another task of this run has found. One that is retried long after asks anew.
SELECT found
FROM k8s_sync_discoveries
WHERE
    context_name = %(context_name)s
    AND run_id = %(run_id)s
    AND invocation = %(invocation)s
    AND discovered_at > now() - interval '15 minutes';
