-- Former values that could not be made by the rules of redaction of now are not kept.
UPDATE k8s_changes AS change
SET
    old = (SELECT jsonb_object_agg(former.key, NULL) FROM jsonb_each(change.old) AS former),
    keyframe = NULL,
    made_of = %(restated)s
WHERE
    change.context_name = %(context_name)s
    AND change.plural = %(plural)s
    AND change."group" = %(group)s
    AND change.old IS NOT NULL
    AND NOT coalesce(starts_with(change.made_of, %(rules)s), FALSE);
