-- Which pods went in the last day, and what did their owners look like then?
-- Hit: A row is a pod that is gone, the latest first: what controlled it, what the tables held of that when the pod's
-- end was noted (`owner_is_there` is false where it was gone by then, null where that is not known), and the owner's
-- next change after the pod was last seen: a change of `replicas`, say. A row without a pod is a kind of which not all
-- is known since then.
-- Do: Where the owner was not changed, look at its node and its events.
-- Key: namespace, pod, deleted_at
-- Source: docs/history.md.
-- Limits: It can not say why a pod went. Kinds are read one after the other: within a run, an owner may be read after
-- its pods.
WITH asked AS NOT MATERIALIZED (
    SELECT
        now() - interval '1 day' AS since,
        NULL::text AS namespace -- null: all
),

gone AS (
    SELECT
        pod.context_name,
        pod.namespace,
        pod.name AS pod,
        pod.not_before,
        pod.deleted_at,
        pod.last_row ->> 'display_status' AS display_status,
        pod.last_row ->> 'node_name' AS node_name,
        k8s_owner(pod.last_row -> 'owner_references') AS owner
    FROM asked
    INNER JOIN k8s_deleted AS pod
        ON asked.since < pod.deleted_at AND (asked.namespace IS NULL OR asked.namespace = pod.namespace)
    WHERE pod.plural = 'pods' AND pod."group" = ''
)

SELECT
    gone.deleted_at,
    gone.not_before,
    gone.context_name,
    gone.namespace,
    gone.pod,
    gone.display_status,
    gone.node_name,
    gone.owner ->> 'kind' AS owner_kind,
    gone.owner ->> 'name' AS owner,
    CASE WHEN of_owner.kind IS NOT NULL THEN former.is_there IS NOT NULL END AS owner_is_there,
    former.wanted,
    former.ready,
    next.seen_at AS owner_changed_at,
    next.change AS owner_change,
    next.columns AS owner_columns,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM gone
LEFT JOIN k8s_sync_targets AS of_owner
    ON
        gone.context_name = of_owner.context_name
        AND gone.owner ->> 'kind' IN ('ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job')
        AND lower(gone.owner ->> 'kind') || 's' = of_owner.kind
        AND gone.deleted_at >= of_owner.history_since
        AND NOT of_owner.told_twice @> gone.deleted_at
LEFT JOIN LATERAL (
    SELECT
        TRUE AS is_there,
        replica_set.replicas AS wanted,
        replica_set.ready_replicas AS ready
    FROM k8s_replicasets_at(gone.deleted_at) AS replica_set
    WHERE
        gone.owner ->> 'kind' = 'ReplicaSet'
        AND replica_set.context_name = gone.context_name
        AND replica_set.uid = gone.owner ->> 'uid'
    UNION ALL
    SELECT
        TRUE AS is_there,
        stateful_set.replicas AS wanted,
        stateful_set.ready_replicas AS ready
    FROM k8s_statefulsets_at(gone.deleted_at) AS stateful_set
    WHERE
        gone.owner ->> 'kind' = 'StatefulSet'
        AND stateful_set.context_name = gone.context_name
        AND stateful_set.uid = gone.owner ->> 'uid'
    UNION ALL
    SELECT
        TRUE AS is_there,
        daemon_set.desired_number_scheduled AS wanted,
        daemon_set.number_ready AS ready
    FROM k8s_daemonsets_at(gone.deleted_at) AS daemon_set
    WHERE
        gone.owner ->> 'kind' = 'DaemonSet'
        AND daemon_set.context_name = gone.context_name
        AND daemon_set.uid = gone.owner ->> 'uid'
    UNION ALL
    SELECT
        TRUE AS is_there,
        job.parallelism AS wanted,
        job.active AS ready
    FROM k8s_jobs_at(gone.deleted_at) AS job
    WHERE
        gone.owner ->> 'kind' = 'Job'
        AND job.context_name = gone.context_name
        AND job.uid = gone.owner ->> 'uid'
) AS former ON TRUE
LEFT JOIN LATERAL (
    SELECT
        later.seen_at,
        later.change,
        later.columns
    FROM k8s_changes AS later
    WHERE
        later.uid = gone.owner ->> 'uid'
        AND later.context_name = gone.context_name
        AND later.seen_at > gone.not_before
    ORDER BY later.seen_at
    LIMIT 1
) AS next ON TRUE
UNION ALL
SELECT
    NULL AS deleted_at,
    NULL AS not_before,
    unknown.context_name,
    NULL AS namespace,
    NULL AS pod,
    NULL AS display_status,
    NULL AS node_name,
    unknown.kind AS owner_kind,
    NULL AS owner,
    NULL AS owner_is_there,
    NULL AS wanted,
    NULL AS ready,
    NULL AS owner_changed_at,
    NULL AS owner_change,
    NULL AS owner_columns,
    unknown.history_since,
    unknown.complete_as_of,
    concat_ws(': ', unknown.kind, coalesce(unknown.error, 'not all is known since then')) AS not_known
FROM asked
CROSS JOIN k8s_unknown_since(asked.since) AS unknown
WHERE unknown.kind IN ('pods', 'replicasets', 'statefulsets', 'daemonsets', 'jobs')
ORDER BY deleted_at DESC NULLS LAST, context_name, namespace, pod, owner_kind;
