-- From each object up to its root, and from an owner down to all that is its own.
CREATE OR REPLACE VIEW k8s_owner_chain AS
SELECT
    object.context_name,
    object.kind,
    object."group",
    object.namespace,
    object.name,
    object.uid,
    chain.depth,
    chain.owner ->> 'kind' AS owner_kind,
    CASE WHEN chain.owner ->> 'apiVersion' ~ '/' THEN split_part(chain.owner ->> 'apiVersion', '/', 1) ELSE '' END
        AS owner_group,
    chain.owner ->> 'name' AS owner_name,
    chain.owner ->> 'uid' AS owner_uid,
    chain.is_root
FROM k8s_objects AS object
CROSS JOIN LATERAL (
    WITH RECURSIVE up (depth, owner, seen, is_repeated) AS (
        SELECT
            1,
            first.owner,
            ARRAY[first.owner ->> 'uid'],
            false
        FROM (SELECT k8s_owner(object.owner_references) AS owner) AS first
        WHERE object.owner_references <> '[]'
        UNION ALL
        SELECT
            up.depth + 1,
            further.owner,
            up.seen || (further.owner ->> 'uid'),
            further.owner ->> 'uid' = ANY(up.seen)
        FROM up
        CROSS JOIN LATERAL (
            -- LIMIT keeps this apart, so that only the one table of the owner's kind is looked into; and a cluster that
            -- has a uid twice makes no second chain. An owner is what the garbage collector of Kubernetes finds.
            SELECT k8s_owner(owner.owner_references) AS owner
            FROM k8s_objects AS owner
            WHERE
                owner.context_name = object.context_name
                AND owner.uid = up.owner ->> 'uid'
                AND owner.kind = up.owner ->> 'kind'
                AND owner."group"
                = CASE WHEN up.owner ->> 'apiVersion' ~ '/' THEN split_part(up.owner ->> 'apiVersion', '/', 1) ELSE '' END
                AND owner.name = up.owner ->> 'name'
                AND (owner.namespace IS NULL OR owner.namespace = object.namespace)
                AND owner.owner_references <> '[]'
            LIMIT 1
        ) AS further
        -- What owns itself is the last one, for nobody else owns it. One more than is shown tells whether more own it.
        WHERE up.depth <= 20 AND NOT up.is_repeated AND further.owner ->> 'uid' <> up.owner ->> 'uid'
    )

    SELECT
        up.depth,
        up.owner,
        up.depth = max(up.depth) OVER () AS is_root,
        up.is_repeated OR up.depth > 20 AS is_beyond
    FROM up
) AS chain
WHERE NOT chain.is_beyond;

COMMENT ON VIEW k8s_owner_chain IS
'A row for each owner of each object, from the nearest (depth 1) to the root (is_root), 20 at the most; also where the owner is not in the inventory. Owners that own each other have no root.';

CREATE OR REPLACE FUNCTION k8s_owned_by(of_context text, of_uid text)
RETURNS TABLE (depth integer, kind text, "group" text, namespace text, name text, uid text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
WITH RECURSIVE down AS (
    SELECT
        0 AS depth,
        first.kind,
        first."group",
        first.namespace,
        first.name,
        of_uid AS uid
    FROM (SELECT) AS asked
    -- Where it is not in the inventory, its uid is all that is known of it.
    LEFT JOIN (
        SELECT
            object.kind,
            object."group",
            object.namespace,
            object.name
        FROM k8s_objects AS object
        WHERE object.context_name = of_context AND object.uid = of_uid
    ) AS first ON TRUE
    UNION
    SELECT
        owner.depth + 1,
        owned.kind,
        owned."group",
        owned.namespace,
        owned.name,
        owned.uid
    -- Each owner once: where a cluster has a uid many times, its objects would multiply at every step.
    FROM (
        SELECT DISTINCT ON (down.depth, down.uid) down.*
        FROM down
        -- What owns itself, directly or through others, is one of its own, but not all over again.
        WHERE down.depth = 0 OR down.uid <> of_uid
    ) AS owner
    CROSS JOIN LATERAL (
        SELECT
            object.kind,
            object."group",
            object.namespace,
            object.name,
            object.uid,
            k8s_owner(object.owner_references) AS reference
        FROM k8s_objects AS object
        WHERE
            object.context_name = of_context
            AND object.owner_references <> '[]'
            AND left(k8s_owner(object.owner_references) ->> 'uid', 200) = owner.uid
        OFFSET 0
    ) AS owned
    WHERE
        owner.depth < 20
        -- The owner of a uid is what the garbage collector of Kubernetes finds.
        AND (
            owner.kind IS NULL
            OR (
                owned.reference ->> 'kind' = owner.kind
                AND owned.reference ->> 'name' = owner.name
                AND CASE
                    WHEN owned.reference ->> 'apiVersion' ~ '/' THEN split_part(owned.reference ->> 'apiVersion', '/', 1)
                    ELSE ''
                END = owner."group"
                AND (owner.namespace IS NULL OR owner.namespace = owned.namespace)
            )
        )
)

SELECT
    min(down.depth) AS depth,
    down.kind,
    down."group",
    down.namespace,
    down.name,
    down.uid
FROM down
WHERE down.depth > 0
GROUP BY down.kind, down."group", down.namespace, down.name, down.uid;
END;

COMMENT ON FUNCTION k8s_owned_by(text, text) IS
'Everything that an object (context, uid) owns, directly (depth 1) or through others.';
