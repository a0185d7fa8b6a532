-- A watch has come from one revision to another. Nothing where another writer has been at the target in the meantime.
WITH moved AS (
    UPDATE k8s_sync_revisions AS kept
    SET revision = %(revision)s
    WHERE
        kept.context_name = %(context_name)s
        AND kept.kind = %(kind)s
        AND (kept.revision, kept.read_by, kept.api_servers) = (%(since)s, %(read_by)s, %(api_servers)s)
    RETURNING kept.context_name, kept.kind
),

of_target AS (
    UPDATE k8s_sync_targets AS target
    SET resource_version = %(revision)s
    FROM moved
    WHERE target.context_name = moved.context_name AND target.kind = moved.kind AND %(is_whole)s
)

SELECT moved.kind FROM moved;
