-- A watch has brought so many objects, and taken so many. Returns how many there are now.
UPDATE k8s_sync_revisions
SET objects = objects + %(created)s - %(deleted)s
WHERE context_name = %(context_name)s AND kind = %(kind)s
RETURNING objects;
