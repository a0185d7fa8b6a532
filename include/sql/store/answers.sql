-- What the ready-made queries share.

-- An answer is only as good as what was read. Of each context the kinds that are not known as a whole as of now, and why:
-- never read whole, last read otherwise than complete, or only in part. `custom` stands for all custom kinds. What a
-- cluster does not serve (absent) is known: there is none.
CREATE OR REPLACE FUNCTION k8s_not_known(kinds text[])
RETURNS TABLE (context_name text, not_known text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH context AS (
    SELECT seen.context_name FROM k8s_sync_contexts AS seen
    UNION
    SELECT target.context_name FROM k8s_sync_targets AS target
),

asked AS (
    SELECT
        context.context_name,
        kind.name AS kind
    FROM context
    CROSS JOIN unnest(k8s_not_known.kinds) AS kind (name)
    UNION
    SELECT
        target.context_name,
        target.kind
    FROM k8s_sync_targets AS target
    WHERE 'custom' = any(k8s_not_known.kinds) AND strpos(target.kind, '.') > 0
),

reason AS (
    SELECT
        asked.context_name,
        asked.kind,
        CASE
            WHEN configured.unconfigured_since IS NOT NULL THEN 'not configured any more'
            WHEN latest.outcome IS NULL THEN 'never read'
            WHEN latest.outcome = 'absent' THEN NULL
            WHEN latest.outcome <> 'complete' THEN latest.outcome
            WHEN latest.scope <> 'all' THEN 'read in part, ' || left(latest.scope, 200)
        END AS why,
        target.exact_as_of
    FROM asked
    LEFT JOIN k8s_sync_contexts AS configured ON asked.context_name = configured.context_name
    LEFT JOIN k8s_sync_targets AS target ON asked.context_name = target.context_name AND asked.kind = target.kind
    LEFT JOIN LATERAL (
        SELECT
            run.outcome,
            run.scope
        FROM k8s_sync_runs AS run
        -- One that found another at work says nothing of the rows; that other one does.
        WHERE run.context_name = asked.context_name AND run.kind = asked.kind AND run.outcome <> 'busy'
        ORDER BY run.id DESC
        LIMIT 1
    ) AS latest ON TRUE
),

grouped AS (
    SELECT
        reason.context_name,
        reason.why || CASE
            WHEN reason.why = 'never read' THEN ''
            WHEN min(reason.exact_as_of) IS NULL THEN ', never whole'
            ELSE ', rows as of ' || to_char(min(reason.exact_as_of) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI"Z"')
        END || ': ' || string_agg(reason.kind, ', ' ORDER BY reason.kind) AS said
    FROM reason
    WHERE reason.why IS NOT NULL
    GROUP BY reason.context_name, reason.why, reason.exact_as_of IS NULL
)

SELECT
    grouped.context_name,
    string_agg(grouped.said, '; ' ORDER BY grouped.said)
FROM grouped
GROUP BY grouped.context_name;
END;

COMMENT ON FUNCTION k8s_not_known(text[]) IS
'Contexts of which not all of these kinds is known as of now, and why: for those an answer can not speak.';

-- What a path finds in a pod's spec, as an array. Its cost makes the planner share many pods among workers: what costs is to
-- unpack the spec, which the planner does not know of.
CREATE OR REPLACE FUNCTION k8s_found(spec jsonb, path jsonpath)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000
AS $function$
BEGIN
    RETURN jsonb_path_query_array(spec, path);
END
$function$;

COMMENT ON FUNCTION k8s_found(jsonb, jsonpath) IS
'What a JSON path finds in a spec, as an array; like jsonb_path_query_array, but shared among parallel workers.';

-- Whether an RBAC rule allows a verb on a resource, which may be a subresource, pods/exec. The rule is that of
-- pkg/registry/rbac/validation and pkg/apis/rbac/v1/evaluation_helpers.go of Kubernetes 1.36; resourceNames are not looked at.
CREATE OR REPLACE FUNCTION k8s_rule_allows(rule jsonb, verb text, api_group text, resource text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN rule -> 'verbs' ?| ARRAY[verb, '*']
AND rule -> 'apiGroups' ?| ARRAY[api_group, '*']
AND rule -> 'resources' ?| ARRAY[
    resource, '*', CASE WHEN strpos(resource, '/') > 0 THEN '*/' || split_part(resource, '/', 2) END
];

COMMENT ON FUNCTION k8s_rule_allows(jsonb, text, text, text) IS
'Whether an RBAC rule allows a verb on a resource of an API group; a subresource is pods/exec.';

-- What an image's name is made of, by github.com/distribution/reference: a first part with a dot, a colon or that is
-- localhost is a registry, else Docker Hub is meant.
CREATE OR REPLACE FUNCTION k8s_image(image text)
RETURNS TABLE (registry text, repository text, tag text, digest text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT
    parts.registry,
    CASE WHEN parts.registry = 'docker.io' AND strpos(parts.path, '/') = 0 THEN 'library/' || parts.path ELSE parts.path END,
    coalesce(parts.tag, CASE WHEN parts.digest IS NULL THEN 'latest' END),
    parts.digest
FROM (
    SELECT
        CASE WHEN named.has_registry THEN named.first ELSE 'docker.io' END AS registry,
        regexp_replace(
            CASE WHEN named.has_registry THEN substr(named.rest, length(named.first) + 2) ELSE named.rest END, ':[^:/]*$', ''
        ) AS path,
        substring(named.rest FROM ':([^:/]*)$') AS tag,
        named.digest
    FROM (
        SELECT
            split_part(image, '@', 1) AS rest,
            split_part(image, '/', 1) AS first,
            strpos(image, '/') > 0 AND split_part(image, '/', 1) ~ '[.:]|^localhost$' AS has_registry,
            nullif(split_part(image, '@', 2), '') AS digest
    ) AS named
) AS parts;
END;

COMMENT ON FUNCTION k8s_image(text) IS
'The parts of an image''s name: registry (docker.io where none is named), repository, tag (latest where there is neither tag nor digest), digest.';

-- API versions that Kubernetes 1.25 to 1.37 took or takes away: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
-- and, of beta versions that it does not name, the lifecycle that k8s.io/api 0.36 declares.
CREATE OR REPLACE FUNCTION k8s_removed_versions()
RETURNS TABLE (api_version text, kind text, plural text, removed_in integer, use_instead text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 40
BEGIN ATOMIC
SELECT removed.*
FROM (
    VALUES
    ('batch/v1beta1', 'CronJob', 'cronjobs', 25, 'batch/v1'),
    ('discovery.k8s.io/v1beta1', 'EndpointSlice', 'endpointslices', 25, 'discovery.k8s.io/v1'),
    ('events.k8s.io/v1beta1', 'Event', 'events', 25, 'events.k8s.io/v1'),
    ('autoscaling/v2beta1', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', 25, 'autoscaling/v2'),
    ('policy/v1beta1', 'PodDisruptionBudget', 'poddisruptionbudgets', 25, 'policy/v1'),
    ('policy/v1beta1', 'PodSecurityPolicy', 'podsecuritypolicies', 25, NULL),
    ('node.k8s.io/v1beta1', 'RuntimeClass', 'runtimeclasses', 25, 'node.k8s.io/v1'),
    ('flowcontrol.apiserver.k8s.io/v1beta1', 'FlowSchema', 'flowschemas', 26, 'flowcontrol.apiserver.k8s.io/v1'),
    (
        'flowcontrol.apiserver.k8s.io/v1beta1', 'PriorityLevelConfiguration', 'prioritylevelconfigurations', 26,
        'flowcontrol.apiserver.k8s.io/v1'
    ),
    ('autoscaling/v2beta2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', 26, 'autoscaling/v2'),
    ('storage.k8s.io/v1beta1', 'CSIStorageCapacity', 'csistoragecapacities', 27, 'storage.k8s.io/v1'),
    ('flowcontrol.apiserver.k8s.io/v1beta2', 'FlowSchema', 'flowschemas', 29, 'flowcontrol.apiserver.k8s.io/v1'),
    (
        'flowcontrol.apiserver.k8s.io/v1beta2', 'PriorityLevelConfiguration', 'prioritylevelconfigurations', 29,
        'flowcontrol.apiserver.k8s.io/v1'
    ),
    ('flowcontrol.apiserver.k8s.io/v1beta3', 'FlowSchema', 'flowschemas', 32, 'flowcontrol.apiserver.k8s.io/v1'),
    (
        'flowcontrol.apiserver.k8s.io/v1beta3', 'PriorityLevelConfiguration', 'prioritylevelconfigurations', 32,
        'flowcontrol.apiserver.k8s.io/v1'
    ),
    (
        'admissionregistration.k8s.io/v1alpha1', 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', 32,
        'admissionregistration.k8s.io/v1'
    ),
    (
        'admissionregistration.k8s.io/v1alpha1', 'ValidatingAdmissionPolicyBinding',
        'validatingadmissionpolicybindings', 32, 'admissionregistration.k8s.io/v1'
    ),
    (
        'admissionregistration.k8s.io/v1beta1', 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', 34,
        'admissionregistration.k8s.io/v1'
    ),
    (
        'admissionregistration.k8s.io/v1beta1', 'ValidatingAdmissionPolicyBinding',
        'validatingadmissionpolicybindings', 34, 'admissionregistration.k8s.io/v1'
    ),
    ('storage.k8s.io/v1alpha1', 'VolumeAttributesClass', 'volumeattributesclasses', 35, 'storage.k8s.io/v1'),
    ('storage.k8s.io/v1beta1', 'VolumeAttributesClass', 'volumeattributesclasses', 37, 'storage.k8s.io/v1'),
    ('networking.k8s.io/v1beta1', 'IPAddress', 'ipaddresses', 37, 'networking.k8s.io/v1'),
    ('networking.k8s.io/v1beta1', 'ServiceCIDR', 'servicecidrs', 37, 'networking.k8s.io/v1'),
    ('certificates.k8s.io/v1alpha1', 'ClusterTrustBundle', 'clustertrustbundles', 37, 'certificates.k8s.io/v1beta1')
) AS removed (api_version, kind, plural, removed_in, use_instead);
END;

COMMENT ON FUNCTION k8s_removed_versions() IS
'API versions that Kubernetes 1.25 to 1.37 took away: 1.removed_in is the first that does not serve them.';
