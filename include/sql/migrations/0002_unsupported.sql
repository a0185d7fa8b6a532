-- One more outcome: a kind whose objects have no uid is neither failed nor empty.
ALTER TABLE k8s_sync_runs
DROP CONSTRAINT k8s_sync_runs_outcome_check,
ADD CONSTRAINT k8s_sync_runs_outcome_check CHECK (
    outcome IN (
        'complete', 'partial', 'unauthorized', 'forbidden', 'absent', 'unreachable', 'unsupported', 'failed'
    )
);
