-- What the last complete listing of a part left, or of the whole where that part never was read by itself; whether the
-- weekly verification is due; and how such a listing had best read.
SELECT
    coalesce(part.resource_version, target.resource_version) AS resource_version,
    coalesce(
        coalesce(part.last_verified_at, target.last_verified_at) NOT BETWEEN
        now() - make_interval(days => %(verify_days)s) AND now() + make_interval(days => %(verify_days)s),
        TRUE
    ) AS verify_due,
    CASE
        WHEN target.metadata_first = 'never' THEN 'never'
        ELSE coalesce(part.metadata_first, target.metadata_first)
    END AS metadata_first
FROM k8s_sync_targets AS target
LEFT JOIN k8s_sync_parts AS part
    ON
        target.context_name = part.context_name
        AND target.kind = part.kind
        AND part.namespace = %(part)s
WHERE target.context_name = %(context_name)s AND target.kind = %(kind)s;
