-- What was stored is all that happened up to a revision; or, without one, it is of no revision that a watch could go on from.
WITH forgotten AS (
    DELETE FROM k8s_sync_revisions
    WHERE context_name = %(context_name)s AND kind = %(kind)s AND %(revision)s::text IS NULL
)

INSERT INTO k8s_sync_revisions AS kept (context_name, kind, revision, read_by, api_servers, definition, objects)
SELECT
    %(context_name)s AS context_name,
    %(kind)s AS kind,
    %(revision)s::text AS revision,
    %(read_by)s::text AS read_by,
    %(api_servers)s::text AS api_servers,
    %(definition)s::jsonb AS definition,
    %(objects)s::bigint AS objects
WHERE %(revision)s::text IS NOT NULL
ON CONFLICT (context_name, kind) DO UPDATE
    SET
        revision = excluded.revision,
        read_by = excluded.read_by,
        api_servers = excluded.api_servers,
        definition = excluded.definition,
        objects = excluded.objects;
