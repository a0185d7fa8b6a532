-- What was read under selectors says nothing of the objects that they did not select.

ALTER TABLE k8s_sync_parts
ADD COLUMN is_all boolean NOT NULL DEFAULT FALSE,
ADD COLUMN is_all_rows boolean NOT NULL DEFAULT FALSE;

COMMENT ON COLUMN k8s_sync_parts.is_all IS 'Internal: whether it was last complete without selectors.';
COMMENT ON COLUMN k8s_sync_parts.is_all_rows IS
'Internal: whether it was last complete of all that has a row, so that each was right at exact_as_of.';
