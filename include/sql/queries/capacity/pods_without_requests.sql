-- Which pods ask for no CPU or no memory?
-- Hit: Pods of one owner for which the scheduler sets nothing aside; `lacks` says of what. They are the first to be
-- evicted, and no sum has them.
-- Do: Set requests, or a LimitRange with defaults in the namespace.
-- Key: namespace, owner_kind, owner, lacks
-- Source: NSA/CISA Kubernetes Hardening Guide 1.2, Resource policies; Kubernetes documentation, Resource Management for
-- Pods and Containers.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

found AS (
    SELECT
        context_name,
        namespace,
        owner_kind,
        owner,
        name,
        array_remove(
            ARRAY[
                CASE WHEN coalesce(cpu_request, 0) = 0 THEN 'cpu' END,
                CASE WHEN coalesce(memory_request, 0) = 0 THEN 'memory' END
            ],
            NULL
        ) AS lacks
    FROM k8s_live_pods
    WHERE coalesce(cpu_request, 0) = 0 OR coalesce(memory_request, 0) = 0
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        owner_kind,
        owner,
        lacks,
        count(*) AS pods,
        min(name) AS pod
    FROM found
    GROUP BY context_name, namespace, owner_kind, owner, lacks
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner;
