-- Which nodes came and went in the last week?
-- Hit: A row is a node that was there for a part of it: created_at is the node's own time, it went between not_before
-- and gone_at. One that was made again under its name is another node. A row without a name is a context of which not
-- all is known since then.
-- Do: Compare it with what the autoscaler, or the people in charge of the nodes, meant to do.
-- Key: name, uid
-- Source: docs/history.md.
-- Limits: It can not hold nodes that came and went between two syncs.
WITH asked AS NOT MATERIALIZED (
    SELECT now() - interval '7 days' AS since
),

node AS (
    SELECT
        stored.context_name,
        stored.name,
        stored.uid,
        stored.created_at,
        NULL::timestamptz AS not_before,
        NULL::timestamptz AS gone_at,
        stored.kubelet_version,
        stored.provider_id,
        NULL AS evidence
    FROM asked
    INNER JOIN k8s_nodes AS stored ON asked.since < stored.created_at
    UNION ALL
    SELECT
        gone.context_name,
        gone.name,
        gone.uid,
        (gone.last_row ->> 'created_at')::timestamptz AS created_at,
        gone.not_before,
        gone.deleted_at AS gone_at,
        gone.last_row ->> 'kubelet_version' AS kubelet_version,
        gone.last_row ->> 'provider_id' AS provider_id,
        gone.evidence
    FROM asked
    INNER JOIN k8s_deleted AS gone ON asked.since < gone.deleted_at
    WHERE gone.plural = 'nodes' AND gone."group" = ''
)

SELECT
    node.context_name,
    node.name,
    node.uid,
    node.created_at,
    node.not_before,
    node.gone_at,
    node.kubelet_version,
    node.provider_id,
    node.evidence,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM node
UNION ALL
SELECT
    unknown.context_name,
    NULL AS name,
    NULL AS uid,
    NULL AS created_at,
    NULL AS not_before,
    NULL AS gone_at,
    NULL AS kubelet_version,
    NULL AS provider_id,
    NULL AS evidence,
    unknown.history_since,
    unknown.complete_as_of,
    concat_ws(': ', unknown.kind, coalesce(unknown.error, 'not all is known since then')) AS not_known
FROM asked
CROSS JOIN k8s_unknown_since(asked.since) AS unknown
WHERE unknown.kind = 'nodes'
ORDER BY created_at DESC NULLS LAST, context_name, name;
