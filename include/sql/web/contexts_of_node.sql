-- The contexts that have a node of this name, or may have had one at the instant.
SELECT node.context_name
FROM k8s_nodes AS node
WHERE node.name = %(node)s
ORDER BY node.context_name
LIMIT 1000;
