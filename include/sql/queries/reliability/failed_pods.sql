-- Which pods have failed, and are still there?
-- Hit: Pods of one owner that have ended in failure; `reason` says so where the node ended them (Evicted, NodeLost).
-- Do: Find out why, then delete them.
-- Key: namespace, owner_kind, owner, reason
-- Source: Kubernetes documentation, Pod Lifecycle: Garbage collection of Pods.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        coalesce(k8s_owner(owner_references) ->> 'kind', 'Pod') AS owner_kind,
        coalesce(k8s_owner(owner_references) ->> 'name', name) AS owner,
        coalesce(status ->> 'reason', display_status) AS reason,
        count(*) AS pods,
        min(name) AS pod
    FROM k8s_pods
    WHERE phase = 'Failed'
    GROUP BY context_name, namespace, owner_kind, owner, reason
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, pods DESC NULLS LAST, context_name, namespace, owner;
