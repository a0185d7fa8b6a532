-- Which pods have more than one disruption budget?
-- Hit: Pods of one owner that several budgets select: the eviction API refuses to evict them at all.
-- Do: Leave one budget.
-- Source: Kubernetes documentation, API-initiated Eviction: a pod with several budgets is answered with 500.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods', 'poddisruptionbudgets'])
),

hit AS (
    SELECT
        covered.context_name,
        NULL::text AS not_known,
        covered.namespace,
        covered.owner_kind,
        covered.owner,
        covered.budgets,
        count(*) AS pods
    FROM (
        SELECT
            pod.context_name,
            pod.namespace,
            coalesce(k8s_owner(pod.owner_references) ->> 'kind', 'Pod') AS owner_kind,
            coalesce(k8s_owner(pod.owner_references) ->> 'name', pod.name) AS owner,
            array_agg(budget.name ORDER BY budget.name) AS budgets
        FROM k8s_poddisruptionbudgets AS budget
        INNER JOIN k8s_pods AS pod
            ON
                budget.context_name = pod.context_name
                AND budget.namespace = pod.namespace
                AND k8s_selects(budget.selector, pod.labels)
        WHERE coalesce(pod.phase, '') NOT IN ('Succeeded', 'Failed')
        GROUP BY pod.context_name, pod.uid, pod.namespace, owner_kind, owner
        HAVING count(*) > 1
    ) AS covered
    GROUP BY covered.context_name, covered.namespace, covered.owner_kind, covered.owner, covered.budgets
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner;
