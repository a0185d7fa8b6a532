-- What was scaled in the last day, from what to what, and what scales it?
-- Hit: A row is a change of an object's wanted replicas, the latest first; `owner` is what controls it, and
-- `autoscaler` the HorizontalPodAutoscaler that is set on it now. A row without a name is a kind of which not all
-- changes since then are known.
-- Do: Where no autoscaler did it, ask who did.
-- Key: kind, namespace, name, seen_at
-- Source: docs/history.md.
-- Limits: It can not say which user did it: that is in the API server's audit log alone. Of several changes between two
-- syncs it has the sum. `replicas_to` is null where the value was taken away later, by redaction say, and where not all
-- that came after the change was noted.
WITH asked AS NOT MATERIALIZED (
    SELECT
        now() - interval '1 day' AS since,
        NULL::text AS namespace -- null: all
)

SELECT
    change.seen_at,
    change.not_before,
    change.context_name,
    change.kind,
    change.namespace,
    change.name,
    (change.old ->> 'replicas')::integer AS replicas_from,
    CASE
        WHEN coalesce(change.seen_at < k8s_history_since(change.context_name, change.plural, change."group"), TRUE) THEN NULL
        WHEN next.old IS NULL THEN present.replicas
        ELSE (next.old ->> 'replicas')::integer
    END AS replicas_to,
    CASE WHEN present.owner IS NOT NULL THEN concat_ws(' ', present.owner ->> 'kind', present.owner ->> 'name') END
        AS owner,
    autoscaler.name AS autoscaler,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM asked
INNER JOIN k8s_changes AS change
    ON
        change.plural IN ('deployments', 'replicasets', 'statefulsets', 'replicationcontrollers')
        AND change."group" IN ('apps', '')
        AND asked.since < change.seen_at
        AND (asked.namespace IS NULL OR asked.namespace = change.namespace)
        AND 'replicas' = any(change.columns)
LEFT JOIN LATERAL (
    SELECT later.old
    FROM k8s_changes AS later
    WHERE
        later.uid = change.uid
        AND later.seen_at > change.seen_at
        AND later.context_name = change.context_name
        AND later.plural = change.plural
        AND later.old ? 'replicas'
    ORDER BY later.seen_at
    LIMIT 1
) AS next ON TRUE
LEFT JOIN LATERAL (
    SELECT
        stored.replicas,
        k8s_owner(stored.owner_references) AS owner
    FROM k8s_deployments AS stored
    WHERE change.plural = 'deployments' AND stored.context_name = change.context_name AND stored.uid = change.uid
    UNION ALL
    SELECT
        stored.replicas,
        k8s_owner(stored.owner_references) AS owner
    FROM k8s_replicasets AS stored
    WHERE change.plural = 'replicasets' AND stored.context_name = change.context_name AND stored.uid = change.uid
    UNION ALL
    SELECT
        stored.replicas,
        k8s_owner(stored.owner_references) AS owner
    FROM k8s_statefulsets AS stored
    WHERE change.plural = 'statefulsets' AND stored.context_name = change.context_name AND stored.uid = change.uid
    UNION ALL
    SELECT
        stored.replicas,
        k8s_owner(stored.owner_references) AS owner
    FROM k8s_replicationcontrollers AS stored
    WHERE
        change.plural = 'replicationcontrollers'
        AND stored.context_name = change.context_name
        AND stored.uid = change.uid
) AS present ON TRUE
LEFT JOIN k8s_horizontalpodautoscalers AS autoscaler
    ON
        change.context_name = autoscaler.context_name
        AND change.namespace = autoscaler.namespace
        AND change.kind = autoscaler.target_kind
        AND change.name = autoscaler.target_name
UNION ALL
SELECT
    NULL AS seen_at,
    NULL AS not_before,
    unknown.context_name,
    unknown.kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS replicas_from,
    NULL AS replicas_to,
    NULL AS owner,
    NULL AS autoscaler,
    unknown.history_since,
    unknown.complete_as_of,
    concat_ws(': ', unknown.kind, coalesce(unknown.error, 'not all is known since then')) AS not_known
FROM asked
CROSS JOIN k8s_unknown_since(asked.since) AS unknown
WHERE unknown.kind IN ('deployments', 'replicasets', 'statefulsets', 'replicationcontrollers')
ORDER BY seen_at DESC NULLS LAST, context_name, kind, namespace, name;
