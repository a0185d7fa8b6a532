SELECT
    cluster_uid,
    server,
    ca_fingerprint
FROM k8s_sync_contexts
WHERE context_name = %(context_name)s;
