-- The last that is known of an object that is gone.
SELECT
    gone.deleted_at,
    gone.not_before,
    gone.namespace,
    gone.name,
    gone.kind,
    gone."group",
    gone.plural,
    gone.evidence,
    gone.run_id
FROM k8s_deleted AS gone
WHERE
    gone.context_name = %(context)s
    AND gone.uid = %(uid)s
    AND gone.plural = %(plural)s
    AND gone."group" = %(group)s
ORDER BY gone.deleted_at DESC
LIMIT 1;
