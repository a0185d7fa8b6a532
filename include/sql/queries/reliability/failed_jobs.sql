-- Which jobs failed?
-- Hit: A Job that has ended without success; `reason` says why.
-- Do: `kubectl logs` of its pods; delete it when it is understood, or set `ttlSecondsAfterFinished`.
-- Key: namespace, name
-- Source: Kubernetes documentation, Jobs: Job termination and cleanup.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['jobs'])
),

hit AS (
    SELECT
        job.context_name,
        NULL::text AS not_known,
        job.namespace,
        job.name,
        k8s_owner(job.owner_references) ->> 'name' AS owner,
        condition.value ->> 'reason' AS reason,
        k8s_to_timestamptz(condition.value -> 'lastTransitionTime') AS failed_at
    FROM k8s_jobs AS job
    CROSS JOIN LATERAL jsonb_path_query(
        job.status, '$.conditions[*] ? (@.type == "Failed" && @.status == "True")'
    ) AS condition (value)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, failed_at DESC NULLS LAST, context_name, namespace, name;
