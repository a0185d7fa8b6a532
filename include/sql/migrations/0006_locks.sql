-- Who writes a target. Unlogged: a lock does not outlive the server, and is taken without a write to disk.

CREATE UNLOGGED TABLE k8s_sync_locks (
    context_name text NOT NULL,
    kind text NOT NULL,
    number bigint NOT NULL,
    pid integer NOT NULL,
    PRIMARY KEY (context_name, kind)
);

COMMENT ON TABLE k8s_sync_locks IS
'Internal: who writes a target now; a row counts while its session (pid) holds the advisory lock of its number.';
