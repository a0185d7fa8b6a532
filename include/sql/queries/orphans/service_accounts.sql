-- Which service accounts does no pod run as?
-- Hit: A service account that no pod and no template of one names; `granted`: it has rights all the same.
-- Do: Delete it with its bindings.
-- Key: namespace, name
-- Source: NSA/CISA Kubernetes Hardening Guide 1.2, Protecting Pod service account tokens; Kubernetes documentation,
-- RBAC Good Practices: Periodic review.
-- Limits: Programs outside of the cluster may have a token of it. Those of kube-system are left out: controllers of the
-- control plane use them.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['serviceaccounts', 'rolebindings', 'clusterrolebindings', 'pods', 'deployments', 'replicasets', 'statefulsets', 'daemonsets', 'replicationcontrollers', 'jobs', 'cronjobs', 'podtemplates'])
),

used AS (
    SELECT
        context_name,
        namespace,
        service_account_name AS name
    FROM k8s_pods
    UNION
    SELECT
        shape.context_name,
        shape.namespace,
        coalesce(nullif(shape.spec ->> 'serviceAccountName', ''), shape.spec ->> 'serviceAccount') AS name
    FROM k8s_pod_shapes AS shape
    WHERE shape.kind <> 'Pod'
),

granted AS (
    SELECT
        binding.context_name,
        coalesce(nullif(split_part(named.account, '/', 1), ''), binding.namespace) AS namespace,
        split_part(named.account, '/', 2) AS name
    FROM k8s_rolebindings AS binding
    CROSS JOIN unnest(binding.service_accounts) AS named (account)
    UNION
    SELECT
        binding.context_name,
        split_part(named.account, '/', 1) AS namespace,
        split_part(named.account, '/', 2) AS name
    FROM k8s_clusterrolebindings AS binding
    CROSS JOIN unnest(binding.service_accounts) AS named (account)
),

hit AS (
    SELECT
        account.context_name,
        NULL::text AS not_known,
        account.namespace,
        account.name,
        granted.name IS NOT NULL AS granted,
        account.created_at
    FROM k8s_serviceaccounts AS account
    LEFT JOIN used
        ON
            account.context_name = used.context_name
            AND account.namespace = used.namespace
            AND account.name = used.name
    LEFT JOIN granted
        ON
            account.context_name = granted.context_name
            AND account.namespace = granted.namespace
            AND account.name = granted.name
    WHERE
        used.name IS NULL
        AND account.name <> 'default'
        AND account.namespace <> 'kube-system'
        AND account.context_name NOT IN (SELECT unknown.context_name FROM unknown)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, granted DESC, context_name, namespace, name;
