-- Where watches of a context may go on; whether the weekly verification is due of what they would add to; and for how many
-- seconds that has not been known to be exact, by a clock that may have been set back.
SELECT
    kept.kind,
    kept.revision,
    kept.read_by,
    kept.api_servers,
    kept.definition,
    target.has_bookmarks,
    coalesce(
        coalesce(part.last_verified_at, target.last_verified_at) NOT BETWEEN
        now() - make_interval(days => %(verify_days)s) AND now() + make_interval(days => %(verify_days)s),
        TRUE
    ) AS verify_due,
    CASE
        WHEN coalesce(part.exact_as_of, target.exact_as_of) <= clock_timestamp()
            THEN extract(EPOCH FROM clock_timestamp() - coalesce(part.exact_as_of, target.exact_as_of))::double precision
        ELSE 'infinity'
    END AS age
FROM k8s_sync_revisions AS kept
INNER JOIN k8s_sync_targets AS target
    ON kept.context_name = target.context_name AND kept.kind = target.kind
LEFT JOIN k8s_sync_parts AS part
    ON kept.context_name = part.context_name AND kept.kind = part.kind AND part.namespace = ''
WHERE kept.context_name = %(context_name)s
ORDER BY kept.kind;
