-- How many objects a target has at its revision, so that what a watch adds to it says how many there are, too. What is noted
-- so far does not say it: the next run lists, and then goes on.
DELETE FROM k8s_sync_revisions;

ALTER TABLE k8s_sync_revisions ADD COLUMN objects bigint NOT NULL;

COMMENT ON COLUMN k8s_sync_revisions.objects IS 'How many objects the rows are of.';
