-- Everything that these objects own, directly or through others.
SELECT DISTINCT
    owner.context_name,
    owned.uid
FROM unnest(%(contexts)s::text[], %(uids)s::text[]) AS owner (context_name, uid)
CROSS JOIN k8s_owned_by(owner.context_name, owner.uid) AS owned
ORDER BY owner.context_name, owned.uid
LIMIT %(limit)s;
