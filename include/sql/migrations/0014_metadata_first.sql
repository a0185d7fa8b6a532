-- Where little changes, a listing asks for the metadata of the objects first, and then for those that changed.

ALTER TABLE k8s_sync_targets
ADD COLUMN metadata_first text NOT NULL DEFAULT 'no' CHECK (metadata_first IN ('yes', 'no', 'never'));

ALTER TABLE k8s_sync_parts
ADD COLUMN metadata_first text CHECK (metadata_first IN ('yes', 'no', 'never'));

COMMENT ON COLUMN k8s_sync_targets.metadata_first IS
'Whether the next listing asks for the metadata of objects first; never where the API server can not answer so.';
COMMENT ON COLUMN k8s_sync_parts.metadata_first IS
'The same of the namespace; null where that of the whole holds.';
