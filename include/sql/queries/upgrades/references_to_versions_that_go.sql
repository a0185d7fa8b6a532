-- What names an API version that was taken away?
-- Hit: An autoscaler's target or a webhook's rule with an API version that Kubernetes 1.16 to 1.37 took away: scaling or the
-- webhook does not work by it.
-- Do: Write the version that `use_instead` names.
-- Key: kind, namespace, name, api_version, of_kind
-- Source: Kubernetes documentation, Deprecated API Migration Guide; for beta versions that it does not name, the
-- lifecycle in k8s.io/api 0.36.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['horizontalpodautoscalers', 'validatingwebhookconfigurations', 'mutatingwebhookconfigurations'])
),

removed AS (
    SELECT
        api_version,
        kind,
        plural,
        use_instead
    FROM k8s_removed_versions()
    UNION ALL
    SELECT
        old.api_version,
        old.kind,
        lower(old.kind) || CASE WHEN right(old.kind, 1) = 's' THEN 'es' ELSE 's' END AS plural,
        old.use_instead
    FROM (
        VALUES
        ('extensions/v1beta1', 'Deployment', 'apps/v1'),
        ('apps/v1beta1', 'Deployment', 'apps/v1'),
        ('apps/v1beta2', 'Deployment', 'apps/v1'),
        ('extensions/v1beta1', 'ReplicaSet', 'apps/v1'),
        ('apps/v1beta2', 'ReplicaSet', 'apps/v1'),
        ('extensions/v1beta1', 'DaemonSet', 'apps/v1'),
        ('apps/v1beta2', 'DaemonSet', 'apps/v1'),
        ('apps/v1beta1', 'StatefulSet', 'apps/v1'),
        ('apps/v1beta2', 'StatefulSet', 'apps/v1'),
        ('extensions/v1beta1', 'Ingress', 'networking.k8s.io/v1'),
        ('networking.k8s.io/v1beta1', 'Ingress', 'networking.k8s.io/v1')
    ) AS old (api_version, kind, use_instead)
),

hit AS (
    SELECT
        autoscaler.context_name,
        NULL::text AS not_known,
        'HorizontalPodAutoscaler' AS kind,
        autoscaler.namespace,
        autoscaler.name,
        removed.api_version,
        removed.kind AS of_kind,
        removed.use_instead
    FROM k8s_horizontalpodautoscalers AS autoscaler
    INNER JOIN removed
        ON autoscaler.target_api_version = removed.api_version AND autoscaler.target_kind = removed.kind
    UNION ALL
    SELECT DISTINCT
        configuration.context_name,
        NULL::text AS not_known,
        configuration.kind,
        NULL AS namespace,
        configuration.name,
        removed.api_version,
        removed.kind AS of_kind,
        removed.use_instead
    FROM k8s_webhooks AS configuration
    CROSS JOIN
        LATERAL jsonb_path_query(
            -- With matchPolicy Equivalent, which is the default, a rule holds for the other versions, too.
            configuration.webhook, '$ ? (@.matchPolicy == "Exact").rules[*]'
        ) AS rule (value)
    INNER JOIN removed
        ON
            rule.value -> 'apiGroups' ? split_part(removed.api_version, '/', 1)
            AND rule.value -> 'apiVersions' ? split_part(removed.api_version, '/', 2)
            AND rule.value -> 'resources' ?| ARRAY[removed.plural, '*', '*/*']
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, kind, namespace, name, api_version;
