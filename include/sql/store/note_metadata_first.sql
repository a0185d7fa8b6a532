-- A server that can not answer so is not asked again.
UPDATE k8s_sync_targets
SET metadata_first = %(metadata_first)s
WHERE
    context_name = %(context_name)s
    AND kind = %(kind)s
    AND metadata_first NOT IN ('never', %(metadata_first)s);
