-- Which CustomResourceDefinitions have no objects?
-- Hit: A CRD of whose kind there is no object: its operator may be gone, or never used.
-- Do: Ask its operator's owner; deleting a CRD deletes all objects of its kind.
-- Key: name
-- Source: Kubernetes documentation, Custom Resources.
-- Limits: CRDs whose kind was not read whole are left out, and said so.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['crds', 'custom'])
),

hit AS (
    SELECT
        definition.context_name,
        NULL::text AS not_known,
        definition.name,
        definition.kind,
        definition.scope,
        definition.created_at
    FROM k8s_custom_resources AS definition
    INNER JOIN k8s_sync_status AS status
        ON
            definition.context_name = status.context_name
            AND concat(definition.plural, '.', definition.api_group) = status.kind
            AND status.outcome = 'complete'
            AND status.scope = 'all'
    WHERE
        definition.context_name NOT IN (SELECT unread.context_name FROM k8s_not_known(ARRAY['crds']) AS unread)
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_custom_objects AS object
            WHERE
                object.context_name = definition.context_name
                AND object."group" = definition.api_group
                AND object.plural = definition.plural
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, name;
