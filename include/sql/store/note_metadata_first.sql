-- How the next listing of a part, or of the whole, had best read. A server that can not answer so is not asked again.
WITH of_part AS (
    UPDATE k8s_sync_parts
    SET metadata_first = %(how)s
    WHERE context_name = %(context_name)s AND kind = %(kind)s AND namespace = %(part)s
)

UPDATE k8s_sync_targets
SET metadata_first = %(how)s
WHERE
    context_name = %(context_name)s
    AND kind = %(kind)s
    AND metadata_first <> 'never'
    AND %(of_target)s;
