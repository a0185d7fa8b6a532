-- Which Secrets does nothing use?
-- Hit: A Secret that no pod, no template of one, no service account and no Ingress names.
-- Do: Revoke what is in it, then delete it.
-- Key: namespace, name
-- Source: NSA/CISA Kubernetes Hardening Guide 1.2, Secrets; Kubernetes documentation, Good practices for Kubernetes
-- Secrets.
-- Limits: Custom objects, and programs that read it by the API, may use it all the same: look before you delete. Of
-- pods of one built-in controller and revision the newest is looked at. What has an owner, releases of Helm and
-- bootstrap tokens are left out; so are tokens of service accounts that are there: security of those is another
-- question. PersistentVolumes and StorageClasses name Secrets of their drivers in parameters, which are not looked at.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['secrets', 'serviceaccounts', 'ingresses', 'pods', 'deployments', 'replicasets', 'statefulsets', 'daemonsets', 'replicationcontrollers', 'jobs', 'cronjobs', 'podtemplates'])
),

used AS (
    SELECT DISTINCT
        shape.context_name,
        shape.namespace,
        referred.name
    FROM k8s_pod_shapes AS shape
    CROSS JOIN k8s_pod_references(shape.name, shape.spec) AS referred
    WHERE referred.kind = 'Secret'
    UNION
    SELECT
        account.context_name,
        account.namespace,
        named.name
    FROM k8s_serviceaccounts AS account
    CROSS JOIN unnest(account.image_pull_secrets || account.secrets) AS named (name)
    UNION
    SELECT
        ingress.context_name,
        ingress.namespace,
        named.name
    FROM k8s_ingresses AS ingress
    CROSS JOIN unnest(ingress.tls_secrets) AS named (name)
),

hit AS (
    SELECT
        secret.context_name,
        NULL::text AS not_known,
        secret.namespace,
        secret.name,
        secret.type,
        secret.key_count,
        secret.created_at
    FROM k8s_secrets AS secret
    LEFT JOIN used
        ON
            secret.context_name = used.context_name
            AND secret.namespace = used.namespace
            AND secret.name = used.name
    WHERE
        used.name IS NULL
        AND secret.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND secret.type IS DISTINCT FROM 'helm.sh/release.v1'
        AND secret.type IS DISTINCT FROM 'bootstrap.kubernetes.io/token'
        AND (secret.type IS DISTINCT FROM 'kubernetes.io/service-account-token' OR NOT EXISTS (
            SELECT 1
            FROM k8s_serviceaccounts AS account
            WHERE
                account.context_name = secret.context_name
                AND account.namespace = secret.namespace
                AND account.name = secret.annotations ->> 'kubernetes.io/service-account.name'
        ))
        AND secret.owner_references = '[]'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, created_at, context_name, namespace, name;
