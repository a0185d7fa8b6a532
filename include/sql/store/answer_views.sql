-- What the ready-made queries share that is made of tables.

-- What each subject is granted, a row for each rule. It is what RBAC's authorizer goes by: of an aggregated role the rules
-- that are in it, of a ServiceAccount without a namespace the binding's. A Role beyond the binding's namespace, or a role
-- that is not there, grants nothing.
CREATE OR REPLACE VIEW k8s_grants AS
WITH role AS (
    SELECT
        context_name,
        'Role' AS kind,
        namespace,
        name,
        rules
    FROM k8s_roles
    UNION ALL
    SELECT
        context_name,
        'ClusterRole' AS kind,
        NULL AS namespace,
        name,
        rules
    FROM k8s_clusterroles
)

SELECT
    binding.context_name,
    subject.value ->> 'kind' AS subject_kind,
    CASE subject.value ->> 'kind'
        WHEN 'ServiceAccount' THEN coalesce(nullif(subject.value ->> 'namespace', ''), binding.namespace)
    END AS subject_namespace,
    subject.value ->> 'name' AS subject_name,
    binding.namespace,
    rule.value AS rule,
    role.kind AS role_kind,
    role.name AS role_name,
    binding.kind AS binding_kind,
    binding.name AS binding_name
FROM (
    SELECT
        context_name,
        'RoleBinding' AS kind,
        namespace,
        name,
        role_kind,
        role_name,
        subjects
    FROM k8s_rolebindings
    UNION ALL
    SELECT
        context_name,
        'ClusterRoleBinding' AS kind,
        NULL AS namespace,
        name,
        role_kind,
        role_name,
        subjects
    FROM k8s_clusterrolebindings
) AS binding
INNER JOIN role
    ON
        binding.context_name = role.context_name
        AND binding.role_kind = role.kind
        AND binding.role_name = role.name
        AND (role.kind = 'ClusterRole' OR binding.namespace = role.namespace)
CROSS JOIN
    jsonb_array_elements(CASE jsonb_typeof(role.rules) WHEN 'array' THEN role.rules ELSE '[]' END) AS rule
CROSS JOIN
    jsonb_array_elements(CASE jsonb_typeof(binding.subjects) WHEN 'array' THEN binding.subjects ELSE '[]' END) AS subject
WHERE
    jsonb_typeof(subject.value) = 'object'
    AND (
        subject.value ->> 'kind' IS DISTINCT FROM 'ServiceAccount'
        OR coalesce(nullif(subject.value ->> 'namespace', ''), binding.namespace) IS NOT NULL
    );

COMMENT ON VIEW k8s_grants IS
'RBAC: a row for each subject, binding and rule. namespace is where the rule holds; null: everywhere.';

-- What pods look like, or will: the templates of workloads, and pods. Of pods that one built-in controller has made by one
-- template the newest stands for all; what else makes pods may make each another way.
CREATE OR REPLACE VIEW k8s_pod_shapes AS
WITH newest AS (
    SELECT DISTINCT ON (
        context_name,
        CASE
            WHEN
                k8s_owner(owner_references) ->> 'kind'
                IN ('ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController', 'Job')
                THEN k8s_owner(owner_references) ->> 'uid'
            ELSE uid
        END,
        labels ->> 'controller-revision-hash'
    )
        context_name,
        uid
    FROM k8s_pods
    ORDER BY
        context_name,
        CASE
            WHEN
                k8s_owner(owner_references) ->> 'kind'
                IN ('ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController', 'Job')
                THEN k8s_owner(owner_references) ->> 'uid'
            ELSE uid
        END,
        labels ->> 'controller-revision-hash',
        created_at DESC,
        uid
)

SELECT
    context_name,
    'Deployment' AS kind,
    namespace,
    name,
    spec #> '{template,metadata,labels}' AS labels,
    spec #> '{template,spec}' AS spec
FROM k8s_deployments
UNION ALL
SELECT
    context_name,
    'ReplicaSet' AS kind,
    namespace,
    name,
    spec #> '{template,metadata,labels}' AS labels,
    spec #> '{template,spec}' AS spec
FROM k8s_replicasets
UNION ALL
SELECT
    context_name,
    'StatefulSet' AS kind,
    namespace,
    name,
    spec #> '{template,metadata,labels}' AS labels,
    spec #> '{template,spec}' AS spec
FROM k8s_statefulsets
UNION ALL
SELECT
    context_name,
    'DaemonSet' AS kind,
    namespace,
    name,
    spec #> '{template,metadata,labels}' AS labels,
    spec #> '{template,spec}' AS spec
FROM k8s_daemonsets
UNION ALL
SELECT
    context_name,
    'ReplicationController' AS kind,
    namespace,
    name,
    spec #> '{template,metadata,labels}' AS labels,
    spec #> '{template,spec}' AS spec
FROM k8s_replicationcontrollers
UNION ALL
SELECT
    context_name,
    'Job' AS kind,
    namespace,
    name,
    spec #> '{template,metadata,labels}' AS labels,
    spec #> '{template,spec}' AS spec
FROM k8s_jobs
UNION ALL
SELECT
    context_name,
    'CronJob' AS kind,
    namespace,
    name,
    spec #> '{jobTemplate,spec,template,metadata,labels}' AS labels,
    spec #> '{jobTemplate,spec,template,spec}' AS spec
FROM k8s_cronjobs
UNION ALL
SELECT
    context_name,
    'PodTemplate' AS kind,
    namespace,
    name,
    pod_labels AS labels,
    data #> '{template,spec}' AS spec
FROM k8s_podtemplates
UNION ALL
SELECT
    pod.context_name,
    'Pod' AS kind,
    pod.namespace,
    pod.name,
    pod.labels,
    pod.spec
FROM k8s_pods AS pod
INNER JOIN newest
    ON pod.context_name = newest.context_name AND pod.uid = newest.uid;

COMMENT ON VIEW k8s_pod_shapes IS
'The pod templates of all workloads, and of pods the newest of each controller and revision: what pods look like, or will.';

-- Pods that have not ended, and whose they are.
CREATE OR REPLACE VIEW k8s_live_pods AS
SELECT
    context_name,
    uid,
    namespace,
    name,
    created_at,
    labels,
    annotations,
    phase,
    display_status,
    node_name,
    service_account_name,
    host_network,
    total_containers,
    ready_containers,
    cpu_request,
    memory_request,
    images,
    init_images,
    spec,
    status,
    coalesce(k8s_owner(owner_references) ->> 'kind', 'Pod') AS owner_kind,
    coalesce(k8s_owner(owner_references) ->> 'name', name) AS owner
FROM k8s_pods
WHERE coalesce(phase, '') NOT IN ('Succeeded', 'Failed');

COMMENT ON VIEW k8s_live_pods IS
'Pods that have not ended. owner_kind and owner are their controller; a pod without one is its own.';

-- The webhooks of both kinds of configurations.
CREATE OR REPLACE VIEW k8s_webhooks AS
SELECT
    configuration.context_name,
    configuration.kind,
    configuration.name,
    each.value AS webhook
FROM (
    SELECT
        context_name,
        'ValidatingWebhookConfiguration' AS kind,
        name,
        data
    FROM k8s_validatingwebhookconfigurations
    UNION ALL
    SELECT
        context_name,
        'MutatingWebhookConfiguration' AS kind,
        name,
        data
    FROM k8s_mutatingwebhookconfigurations
) AS configuration
CROSS JOIN LATERAL jsonb_path_query(configuration.data, '$.webhooks[*] ? (@.type() == "object")') AS each (value);

COMMENT ON VIEW k8s_webhooks IS 'Webhooks that are asked whether to admit: a row for each, as its configuration has it.';
