-- The owners of an object, the nearest first.
SELECT
    chain.depth,
    chain.owner_kind,
    chain.owner_group,
    chain.owner_name,
    chain.owner_uid
FROM k8s_owner_chain AS chain
WHERE chain.context_name = %(context)s AND chain.kind = %(kind)s AND chain."group" = %(group)s AND chain.uid = %(uid)s
ORDER BY chain.depth
LIMIT 30;
