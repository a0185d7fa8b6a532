-- What another task of this run has found, where that is not long ago; or any run, where all that defines kinds is as it was
-- then.
SELECT found
FROM k8s_sync_discoveries
WHERE
    context_name = %(context_name)s
    AND (
        (run_id = %(run_id)s AND invocation = %(invocation)s AND discovered_at > now() - interval '15 minutes')
        OR definitions = %(definitions)s::text
    );
