-- What another task of this run has found. A run that is cleared and run again long after asks anew.
SELECT found
FROM k8s_sync_discoveries
WHERE
    context_name = %(context_name)s
    AND run_id = %(run_id)s
    AND discovered_at > now() - interval '15 minutes';
