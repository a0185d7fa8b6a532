-- What an object owns, directly or through others.
SELECT
    owned.depth,
    owned.kind,
    owned."group",
    owned.namespace,
    owned.name,
    owned.uid
FROM k8s_owned_by(%(context)s, %(uid)s) AS owned
ORDER BY owned.depth, owned.kind, owned.namespace, owned.name
LIMIT %(limit)s;
