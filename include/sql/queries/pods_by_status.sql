-- Which pods are in which state, as kubectl calls it?
SELECT
    context_name,
    namespace,
    display_status,
    count(*) AS pods,
    sum(restarts) AS restarts
FROM k8s_pods
GROUP BY context_name, namespace, display_status
ORDER BY context_name, namespace, display_status;
