INSERT INTO k8s_sync_contexts AS stored (
    context_name, cluster_uid, server, ca_fingerprint, version, provider, region
)
VALUES (
    %(context_name)s, %(cluster_uid)s, %(server)s, %(ca_fingerprint)s, %(version)s, %(provider)s, %(region)s
)
ON CONFLICT (context_name) DO UPDATE
    SET
        cluster_uid = CASE
            WHEN %(repointed)s THEN excluded.cluster_uid ELSE coalesce(excluded.cluster_uid, stored.cluster_uid)
        END,
        repointed_at = CASE WHEN %(repointed)s THEN clock_timestamp() ELSE stored.repointed_at END,
        server = excluded.server,
        ca_fingerprint = excluded.ca_fingerprint,
        version_since = CASE
            WHEN excluded.version <> stored.version OR stored.version_since > now() THEN now() ELSE stored.version_since
        END,
        version = coalesce(excluded.version, stored.version),
        provider = coalesce(excluded.provider, stored.provider),
        region = coalesce(excluded.region, stored.region),
        last_seen_at = now(),
        unconfigured_since = NULL
RETURNING coalesce(stored.version_since < now() - interval '1 hour', TRUE) AS is_settled;
