-- What leads to an object, but for what it owns. Its name is what the other side has indexes for, its uid decides.
SELECT
    edge.relation,
    edge.source_kind AS kind,
    edge.source_group AS "group",
    edge.source_namespace AS namespace,
    edge.source_name AS name,
    edge.source_uid AS uid
FROM k8s_edges AS edge
WHERE
    edge.context_name = %(context)s
    AND edge.target_kind = %(kind)s
    AND edge.target_name = %(name)s
    AND edge.target_uid = %(uid)s
    AND edge.relation <> 'owned by'
ORDER BY 1, 2, 4, 5
LIMIT %(limit)s;
