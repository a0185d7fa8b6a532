-- Some rows were written under another fingerprint: until a complete listing, none may count as unchanged.
UPDATE k8s_sync_targets
SET fingerprint = NULL
WHERE context_name = %(context_name)s AND kind = %(kind)s;
