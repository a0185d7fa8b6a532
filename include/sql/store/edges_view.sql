-- Which object leads to which. The target's uid is null where it is not in the inventory: it is missing, or was not read.
CREATE OR REPLACE VIEW k8s_edges AS
SELECT
    source.context_name,
    'owned by'::text AS relation,
    source.kind AS source_kind,
    source."group" AS source_group,
    source.namespace AS source_namespace,
    source.name AS source_name,
    source.uid AS source_uid,
    owner.kind AS target_kind,
    CASE WHEN owner."apiVersion" ~ '/' THEN split_part(owner."apiVersion", '/', 1) ELSE '' END AS target_group,
    CASE
        WHEN owner.kind IN ({{ kinds | rejectattr("namespaced") | map(attribute="kind") | map("literal") | join(", ") }}) THEN NULL
        WHEN
            owner.kind NOT IN ({{ kinds | selectattr("namespaced") | map(attribute="kind") | map("literal") | join(", ") }})
            AND EXISTS (
                SELECT 1 FROM k8s_custom_resources AS definition
                WHERE
                    definition.context_name = source.context_name
                    AND definition.api_group = split_part(owner."apiVersion", '/', 1)
                    AND definition.kind = owner.kind
                    AND definition.scope = 'Cluster'
            )
            THEN NULL
        ELSE source.namespace
    END AS target_namespace,
    owner.name AS target_name,
    owner.uid AS target_uid
FROM k8s_objects AS source
CROSS JOIN LATERAL
    jsonb_to_recordset(source.owner_references) AS owner ("apiVersion" text, kind text, name text, uid text)
UNION ALL
SELECT
    source.context_name,
    'selects',
    'Service',
    '',
    source.namespace,
    source.name,
    source.uid,
    'Pod',
    '',
    target.namespace,
    target.name,
    target.uid
FROM k8s_services AS source
INNER JOIN k8s_pods AS target
    ON
        source.context_name = target.context_name
        AND source.namespace = target.namespace
        AND target.labels @> source.selector
WHERE source.selector <> '{}'
UNION ALL
SELECT
    source.context_name,
    'selects',
    'NetworkPolicy',
    'networking.k8s.io',
    source.namespace,
    source.name,
    source.uid,
    'Pod',
    '',
    target.namespace,
    target.name,
    target.uid
FROM k8s_networkpolicies AS source
INNER JOIN k8s_pods AS target
    ON
        source.context_name = target.context_name
        AND source.namespace = target.namespace
        AND k8s_selects(source.pod_selector, target.labels)
UNION ALL
SELECT
    source.context_name,
    'runs on',
    'Pod',
    '',
    source.namespace,
    source.name,
    source.uid,
    'Node',
    '',
    NULL,
    source.node_name,
    target.uid
FROM k8s_pods AS source
LEFT JOIN k8s_nodes AS target
    ON source.context_name = target.context_name AND source.node_name = target.name
WHERE source.node_name <> ''
UNION ALL
SELECT
    source.context_name,
    'uses',
    'Pod',
    '',
    source.namespace,
    source.name,
    source.uid,
    'ServiceAccount',
    '',
    source.namespace,
    source.service_account_name,
    target.uid
FROM k8s_pods AS source
LEFT JOIN k8s_serviceaccounts AS target
    ON
        source.context_name = target.context_name
        AND source.namespace = target.namespace
        AND source.service_account_name = target.name
WHERE source.service_account_name <> ''
UNION ALL
SELECT
    source.context_name,
    'mounts',
    'Pod',
    '',
    source.namespace,
    source.name,
    source.uid,
    used.kind,
    '',
    source.namespace,
    used.name,
    CASE used.kind
        WHEN 'ConfigMap' THEN (
            SELECT target.uid FROM k8s_configmaps AS target
            WHERE
                target.context_name = source.context_name
                AND target.namespace = source.namespace
                AND target.name = used.name
        )
        WHEN 'Secret' THEN (
            SELECT target.uid FROM k8s_secrets AS target
            WHERE
                target.context_name = source.context_name
                AND target.namespace = source.namespace
                AND target.name = used.name
        )
        ELSE (
            SELECT target.uid FROM k8s_persistentvolumeclaims AS target
            WHERE
                target.context_name = source.context_name
                AND target.namespace = source.namespace
                AND target.name = used.name
        )
    END
FROM k8s_pods AS source
CROSS JOIN LATERAL k8s_pod_references(source.name, source.spec) AS used
UNION ALL
SELECT
    source.context_name,
    'bound to',
    'PersistentVolumeClaim',
    '',
    source.namespace,
    source.name,
    source.uid,
    'PersistentVolume',
    '',
    NULL,
    source.volume_name,
    target.uid
FROM k8s_persistentvolumeclaims AS source
LEFT JOIN k8s_persistentvolumes AS target
    ON source.context_name = target.context_name AND source.volume_name = target.name
WHERE source.volume_name <> ''
UNION ALL
SELECT
    source.context_name,
    'routes to',
    'Ingress',
    'networking.k8s.io',
    source.namespace,
    source.name,
    source.uid,
    'Service',
    '',
    source.namespace,
    backend.name,
    target.uid
FROM k8s_ingresses AS source
CROSS JOIN LATERAL unnest(source.backend_services) AS backend (name)
LEFT JOIN k8s_services AS target
    ON
        source.context_name = target.context_name
        AND source.namespace = target.namespace
        AND backend.name = target.name
UNION ALL
SELECT
    source.context_name,
    'scales',
    'HorizontalPodAutoscaler',
    'autoscaling',
    source.namespace,
    source.name,
    source.uid,
    source.target_kind,
    CASE WHEN source.target_api_version ~ '/' THEN split_part(source.target_api_version, '/', 1) ELSE '' END,
    source.namespace,
    source.target_name,
    (
        SELECT target.uid
        FROM k8s_objects AS target
        WHERE
            target.context_name = source.context_name
            AND target.kind = source.target_kind
            AND target."group"
            = CASE WHEN source.target_api_version ~ '/' THEN split_part(source.target_api_version, '/', 1) ELSE '' END
            AND target.namespace = source.namespace
            AND target.name = source.target_name
    )
FROM k8s_horizontalpodautoscalers AS source
{%- for table, kind in (("k8s_rolebindings", "RoleBinding"), ("k8s_clusterrolebindings", "ClusterRoleBinding")) %}
UNION ALL
SELECT
    source.context_name,
    'grants',
    {{ kind | literal }},
    'rbac.authorization.k8s.io',
    source.namespace,
    source.name,
    source.uid,
    source.role_kind,
    'rbac.authorization.k8s.io',
    CASE source.role_kind WHEN 'Role' THEN source.namespace END,
    source.role_name,
    CASE source.role_kind
        WHEN 'Role' THEN (
            SELECT target.uid FROM k8s_roles AS target
            WHERE
                target.context_name = source.context_name
                AND target.namespace = source.namespace
                AND target.name = source.role_name
        )
        ELSE (
            SELECT target.uid FROM k8s_clusterroles AS target
            WHERE target.context_name = source.context_name AND target.name = source.role_name
        )
    END
FROM {{ table | identifier }} AS source
UNION ALL
SELECT
    source.context_name,
    'grants to',
    {{ kind | literal }},
    'rbac.authorization.k8s.io',
    source.namespace,
    source.name,
    source.uid,
    subject.kind,
    coalesce(subject."apiGroup", ''),
    subject.namespace,
    subject.name,
    target.uid
FROM {{ table | identifier }} AS source
CROSS JOIN LATERAL jsonb_to_recordset(source.subjects)
    AS subject (kind text, "apiGroup" text, namespace text, name text)
LEFT JOIN k8s_serviceaccounts AS target
    ON
        subject.kind = 'ServiceAccount'
        AND source.context_name = target.context_name
        AND subject.namespace = target.namespace
        AND subject.name = target.name
{%- endfor %}
{%- for table, kind in (
    ("k8s_validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
    ("k8s_mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
) %}
UNION ALL
SELECT
    source.context_name,
    'calls',
    {{ kind | literal }},
    'admissionregistration.k8s.io',
    source.namespace,
    source.name,
    source.uid,
    'Service',
    '',
    split_part(called.service, '/', 1),
    split_part(called.service, '/', 2),
    target.uid
FROM {{ table | identifier }} AS source
CROSS JOIN LATERAL unnest(source.webhook_services) AS called (service)
LEFT JOIN k8s_services AS target
    ON
        source.context_name = target.context_name
        AND split_part(called.service, '/', 1) = target.namespace
        AND split_part(called.service, '/', 2) = target.name
{%- endfor %};

COMMENT ON VIEW k8s_edges IS
'Which object leads to which: owned by, selects, runs on, uses, mounts, bound to, routes to, scales, grants, grants to, calls.';
