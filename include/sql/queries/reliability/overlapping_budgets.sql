-- Which pods have more than one disruption budget?
-- Hit: Pods of one owner that several budgets select: the eviction API refuses to evict them at all.
-- Do: Leave one budget.
-- Key: namespace, owner_kind, owner, budgets
-- Source: Kubernetes documentation, API-initiated Eviction: a pod with several budgets is answered with 500.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods', 'poddisruptionbudgets'])
),

pods AS MATERIALIZED (
    SELECT
        pod.context_name,
        pod.namespace,
        pod.owner_kind,
        pod.owner,
        pod.labels,
        count(*) AS pods
    FROM k8s_live_pods AS pod
    GROUP BY pod.context_name, pod.namespace, owner_kind, owner, pod.labels
),

covered AS (
    SELECT
        pods.context_name,
        pods.namespace,
        pods.owner_kind,
        pods.owner,
        pods.labels,
        pods.pods,
        array_agg(budget.name ORDER BY budget.name) AS budgets
    FROM pods
    INNER JOIN k8s_poddisruptionbudgets AS budget
        ON
            pods.context_name = budget.context_name
            AND pods.namespace = budget.namespace
            AND k8s_selects(budget.selector, pods.labels)
    GROUP BY pods.context_name, pods.namespace, pods.owner_kind, pods.owner, pods.labels, pods.pods
    HAVING count(*) > 1
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        owner_kind,
        owner,
        budgets,
        sum(pods) AS pods
    FROM covered
    GROUP BY context_name, namespace, owner_kind, owner, budgets
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner;
