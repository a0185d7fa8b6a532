-- Which budgets block drains?
-- Hit: A PodDisruptionBudget that covers pods and lets none of them be evicted now. `always`: it never will while as
-- many pods are wanted, as all of them must be there; else some are not healthy.
-- Do: Allow one pod to be unavailable, run one more, or mend the pods that are not healthy.
-- Key: namespace, name
-- Source: Kubernetes documentation, Disruptions; Specifying a Disruption Budget for your Application.
-- Limits: It goes by the status that the disruption controller keeps.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['poddisruptionbudgets'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        name,
        min_available,
        max_unavailable,
        expected_pods,
        desired_healthy,
        current_healthy,
        desired_healthy >= expected_pods AS always
    FROM k8s_poddisruptionbudgets
    WHERE expected_pods > 0 AND disruptions_allowed = 0 AND deletion_requested_at IS NULL
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, always DESC, context_name, namespace, name;
