-- Parts of targets that are read by themselves: namespaces, and what selectors select.

CREATE TABLE k8s_sync_parts (
    context_name text NOT NULL,
    kind text NOT NULL,
    namespace text NOT NULL,
    outcome text NOT NULL,
    error text,
    objects bigint NOT NULL,
    changed bigint NOT NULL,
    deleted bigint NOT NULL,
    finished_at timestamptz NOT NULL,
    last_complete_at timestamptz,
    fingerprint text,
    resource_version text,
    last_verified_at timestamptz,
    PRIMARY KEY (context_name, kind, namespace)
);

COMMENT ON TABLE k8s_sync_parts IS
'How the last listing of each namespace ended, where a kind was read namespace by namespace or under a selector.';

COMMENT ON COLUMN k8s_sync_parts.namespace IS 'Empty where a selector narrowed the kind, and no namespace.';
