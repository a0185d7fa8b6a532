-- What an object leads to, but for its owners.
SELECT
    edge.relation,
    edge.target_kind AS kind,
    edge.target_group AS "group",
    edge.target_namespace AS namespace,
    edge.target_name AS name,
    edge.target_uid AS uid
FROM k8s_edges AS edge
WHERE edge.context_name = %(context)s AND edge.source_uid = %(uid)s AND edge.relation <> 'owned by'
ORDER BY 1, 2, 4, 5
LIMIT %(limit)s;
