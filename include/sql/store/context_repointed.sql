-- The context leads to another cluster: what was complete, and was found, was so of the one before.
WITH parts AS (
    DELETE FROM k8s_sync_parts WHERE context_name = %(context_name)s
),

revisions AS (
    DELETE FROM k8s_sync_revisions WHERE context_name = %(context_name)s
),

discovery AS (
    DELETE FROM k8s_sync_discoveries WHERE context_name = %(context_name)s
)

UPDATE k8s_sync_targets
SET
    resource_version = NULL,
    exact_as_of = NULL,
    last_complete_at = NULL,
    last_verified_at = NULL,
    metadata_first = 'no',
    has_bookmarks = TRUE
WHERE context_name = %(context_name)s;
