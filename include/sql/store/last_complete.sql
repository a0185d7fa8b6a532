-- What the last complete listing of a target left, and whether the weekly verification is due.
SELECT
    fingerprint,
    resource_version,
    last_verified_at IS NULL OR last_verified_at < now() - make_interval(days => %(verify_days)s) AS verify_due
FROM k8s_sync_targets
WHERE context_name = %(context_name)s AND kind = %(kind)s;
