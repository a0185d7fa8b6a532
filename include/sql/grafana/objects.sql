-- How many objects there are of each kind, and in how many clusters.
SELECT
    of_context.kind,
    of_context."group",
    sum(of_context.objects)::bigint AS objects,
    count(*) AS clusters
FROM (
    SELECT
        kind,
        "group",
        context_name,
        count(*) AS objects
    FROM k8s_objects
    WHERE context_name IN ($context)
    GROUP BY kind, "group", context_name
) AS of_context
GROUP BY of_context.kind, of_context."group"
ORDER BY objects DESC, of_context.kind, of_context."group";
