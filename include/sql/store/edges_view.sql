{#- What every branch selects; the target's parts are expressions. -#}
{%- macro edge(relation, source_kind, source_group, target_kind, target_group, target_namespace, target_name, target_uid) -%}
SELECT
    source.context_name,
    {{ relation | literal }}::text AS relation,
    {{ source_kind }} AS source_kind,
    {{ source_group }} AS source_group,
    source.namespace AS source_namespace,
    source.name AS source_name,
    source.uid AS source_uid,
    {{ target_kind }} AS target_kind,
    {{ target_group }} AS target_group,
    {{ target_namespace }} AS target_namespace,
    {{ target_name }} AS target_name,
    {{ target_uid }} AS target_uid
{%- endmacro -%}
{%- macro group_of(api_version) -%}
CASE WHEN {{ api_version }} ~ '/' THEN split_part({{ api_version }}, '/', 1) ELSE '' END
{%- endmacro -%}
{#- The objects of an array as rows, each once; whatever else stands in the column, or among them, is none. -#}
{%- macro each(array, name, fields) -%}
CROSS JOIN LATERAL (
    SELECT DISTINCT
        {%- for field in fields %}
        item ->> {{ field | literal }} AS {{ field | identifier }}{{ "," if not loop.last }}
        {%- endfor %}
    FROM jsonb_array_elements(CASE jsonb_typeof({{ array }}) WHEN 'array' THEN {{ array }} ELSE '[]' END) AS item
    WHERE jsonb_typeof(item) = 'object'
) AS {{ name }}
{%- endmacro -%}
{#- An object that was deleted and made again may be there twice, until a listing is complete. -#}
{%- set newest -%}
ORDER BY target.created_at DESC NULLS LAST, target.uid
        LIMIT 1
{%- endset -%}
{%- macro uid_of(table, name, namespace=none, only_if=none) -%}
(
        SELECT target.uid
        FROM {{ table }} AS target
        WHERE
            target.context_name = source.context_name
            AND target.name = {{ name }}
            {%- if namespace %}
            AND target.namespace = {{ namespace }}
            {%- endif %}
            {%- if only_if %}
            AND {{ only_if }}
            {%- endif %}
        {{ newest }}
    )
{%- endmacro -%}
{%- macro group_and_kind(kinds) -%}
{%- for each in kinds %}{{ (each.group ~ "/" ~ each.kind) | literal }}{{ ", " if not loop.last }}{% endfor -%}
{%- endmacro -%}
-- Which object leads to which. The target's uid is null where it is not in the inventory: it is missing, or was not read.
CREATE OR REPLACE VIEW k8s_edges AS
{% set group_of_owner = group_of('owner."apiVersion"') -%}
{% set declared = kinds | rejectattr("shared_by") | list -%}
{% set namespace_of_owner %}CASE
        WHEN {{ group_of_owner }} || '/' || owner.kind IN ({{ group_and_kind(declared | rejectattr("namespaced")) }}) THEN NULL
        WHEN
            {{ group_of_owner }} || '/' || owner.kind NOT IN ({{ group_and_kind(declared | selectattr("namespaced")) }})
            AND (
                EXISTS (
                    SELECT 1
                    FROM k8s_custom_resources AS definition
                    WHERE
                        definition.context_name = source.context_name
                        AND definition.api_group = {{ group_of_owner }}
                        AND definition.kind = owner.kind
                        AND definition.scope = 'Cluster'
                )
                OR EXISTS (
                    SELECT 1
                    FROM k8s_custom_objects AS target
                    WHERE
                        target.context_name = source.context_name
                        AND target.uid = owner.uid
                        AND target."group" = {{ group_of_owner }}
                        AND target.kind = owner.kind
                        AND target.namespace IS NULL
                )
            )
            THEN NULL
        ELSE source.namespace
    END
{%- endset -%}
{#- An owner is what the garbage collector of Kubernetes finds: of this name, in the same namespace or in none. -#}
{% set uid_of_owner %}(
        SELECT target.uid
        FROM k8s_objects AS target
        WHERE
            target.context_name = source.context_name
            AND target.uid = owner.uid
            AND target."group" = {{ group_of_owner }}
            AND target.kind = owner.kind
            AND target.name = owner.name
            AND (target.namespace IS NULL OR target.namespace = source.namespace)
        {{ newest }}
    )
{%- endset -%}
{{ edge("owned by", "source.kind", 'source."group"', "owner.kind", group_of_owner, namespace_of_owner, "owner.name", uid_of_owner) }}
FROM k8s_objects AS source
{{ each("source.owner_references", "owner", ("apiVersion", "kind", "name", "uid")) }}

UNION ALL
{# As Kubernetes' EndpointSlice controller has it: a pod that has ended is behind no Service. -#}
{{ edge("selects", "'Service'", "''", "'Pod'", "''", "target.namespace", "target.name", "target.uid") }}
FROM k8s_services AS source
INNER JOIN k8s_pods AS target
    ON
        source.context_name = target.context_name
        AND source.namespace = target.namespace
        AND target.labels @> source.selector
        AND coalesce(target.phase, '') NOT IN ('Succeeded', 'Failed')
WHERE source.selector <> '{}' AND source.type IS DISTINCT FROM 'ExternalName'

UNION ALL
{{ edge("selects", "'NetworkPolicy'", "'networking.k8s.io'", "'Pod'", "''", "target.namespace", "target.name", "target.uid") }}
FROM k8s_networkpolicies AS source
INNER JOIN k8s_pods AS target
    ON
        source.context_name = target.context_name
        AND source.namespace = target.namespace
        AND k8s_selects(source.pod_selector, target.labels)

UNION ALL
{{ edge("runs on", "'Pod'", "''", "'Node'", "''", "NULL", "source.node_name", uid_of("k8s_nodes", "source.node_name")) }}
FROM k8s_pods AS source
WHERE source.node_name <> ''

UNION ALL
{{ edge("uses", "'Pod'", "''", "'ServiceAccount'", "''", "source.namespace", "source.service_account_name", uid_of("k8s_serviceaccounts", "source.service_account_name", "source.namespace")) }}
FROM k8s_pods AS source
WHERE source.service_account_name <> ''

UNION ALL
{# The claim of an ephemeral volume is one that the pod owns; another of its name is a stranger's. #}
{% set claim_is_meant -%}
(
                target.owner_references @> jsonb_build_array(jsonb_build_object('uid', source.uid, 'controller', TRUE))
                OR NOT EXISTS (
                    SELECT 1
                    FROM jsonb_path_query(source.spec, '$.volumes[*] ? (exists (@.ephemeral)).name') AS volume
                    WHERE used.name = source.name || '-' || (volume #>> '{}')
                )
            )
{%- endset -%}
{% set uid_of_used %}CASE used.kind
        WHEN 'ConfigMap' THEN {{ uid_of("k8s_configmaps", "used.name", "source.namespace") }}
        WHEN 'Secret' THEN {{ uid_of("k8s_secrets", "used.name", "source.namespace") }}
        WHEN 'PersistentVolumeClaim' THEN {{ uid_of("k8s_persistentvolumeclaims", "used.name", "source.namespace", claim_is_meant) }}
    END
{%- endset -%}
{{ edge("mounts", "'Pod'", "''", "used.kind", "''", "source.namespace", "used.name", uid_of_used) }}
FROM k8s_pods AS source
CROSS JOIN k8s_pod_references(source.name, source.spec) AS used

UNION ALL
{# A claim may name a volume that is another's: the volume's own word counts, where it is in the inventory. #}
{{ edge("bound to", "'PersistentVolumeClaim'", "''", "'PersistentVolume'", "''", "NULL", "source.volume_name", "volume.uid") }}
FROM k8s_persistentvolumeclaims AS source
LEFT JOIN LATERAL (
    SELECT
        target.uid,
        target.claim_uid,
        target.claim_namespace,
        target.claim_name
    FROM k8s_persistentvolumes AS target
    WHERE target.context_name = source.context_name AND target.name = source.volume_name
    {{ newest }}
) AS volume ON TRUE
WHERE
    source.volume_name <> ''
    AND source.status ->> 'phase' = 'Bound'
    AND (
        volume.uid IS NULL
        OR (volume.claim_uid = source.uid AND volume.claim_namespace = source.namespace AND volume.claim_name = source.name)
    )

UNION ALL
{{ edge("routes to", "'Ingress'", "'networking.k8s.io'", "'Service'", "''", "source.namespace", "backend.service", uid_of("k8s_services", "backend.service", "source.namespace")) }}
FROM k8s_ingresses AS source
CROSS JOIN unnest(source.backend_services) AS backend (service)

UNION ALL
{% set uid_of_scaled %}(
        SELECT target.uid
        FROM k8s_objects AS target
        WHERE
            target.context_name = source.context_name
            AND target.kind = source.target_kind
            AND target."group" = {{ group_of("source.target_api_version") }}
            AND target.namespace = source.namespace
            AND target.name = source.target_name
        {{ newest }}
    )
{%- endset -%}
{{ edge("scales", "'HorizontalPodAutoscaler'", "'autoscaling'", "source.target_kind", group_of("source.target_api_version"), "source.namespace", "source.target_name", uid_of_scaled) }}
FROM k8s_horizontalpodautoscalers AS source

{# A ServiceAccount without a namespace is one of the binding's; users and groups are in none. -#}
{% for kind in ("RoleBinding", "ClusterRoleBinding") -%}
{%- set source_kind, table = kind | literal, ("k8s_" ~ kind | lower ~ "s") | identifier -%}
{#- What the index of names without bound is over. -#}
{%- set starts_so = "left(target.name, 200) = left(source.role_name, 200)" -%}
UNION ALL
{% set uid_of_role %}CASE source.role_kind
        WHEN 'Role' THEN {{ uid_of("k8s_roles", "source.role_name", "source.namespace", only_if=starts_so) }}
        WHEN 'ClusterRole' THEN {{ uid_of("k8s_clusterroles", "source.role_name", only_if=starts_so) }}
    END
{%- endset -%}
{{ edge("grants", source_kind, "'rbac.authorization.k8s.io'", "source.role_kind", "'rbac.authorization.k8s.io'", "CASE source.role_kind WHEN 'Role' THEN source.namespace END", "source.role_name", uid_of_role) }}
FROM {{ table }} AS source

UNION ALL
{% set namespace_of_subject = "coalesce(nullif(subject.namespace, ''), source.namespace)" -%}
{% set uid_of_subject = "CASE subject.kind WHEN 'ServiceAccount' THEN " ~ uid_of("k8s_serviceaccounts", "subject.name", namespace_of_subject) ~ " END" -%}
{{ edge("grants to", source_kind, "'rbac.authorization.k8s.io'", "subject.kind", "coalesce(subject.\"apiGroup\", '')", "CASE subject.kind WHEN 'ServiceAccount' THEN " ~ namespace_of_subject ~ " END", "subject.name", uid_of_subject) }}
FROM {{ table }} AS source
{{ each("source.subjects", "subject", ("kind", "apiGroup", "namespace", "name")) }}

{% endfor -%}
{%- for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration") -%}
UNION ALL
{{ edge("calls", kind | literal, "'admissionregistration.k8s.io'", "'Service'", "''", "split_part(called.service, '/', 1)", "split_part(called.service, '/', 2)", uid_of("k8s_services", "split_part(called.service, '/', 2)", "split_part(called.service, '/', 1)")) }}
FROM {{ ("k8s_" ~ kind | lower ~ "s") | identifier }} AS source
CROSS JOIN unnest(source.webhook_services) AS called (service)
{%- if not loop.last %}

{% endif %}
{%- endfor %};

COMMENT ON VIEW k8s_edges IS
'Which object leads to which: owned by, selects, runs on, uses, mounts, bound to, routes to, scales, grants, grants to, calls.';
