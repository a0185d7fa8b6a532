-- Where a watch may go on, so that a run need not list what it can hear of.

CREATE TABLE k8s_sync_revisions (
    context_name text NOT NULL,
    kind text NOT NULL,
    revision text NOT NULL,
    read_by text NOT NULL,
    api_servers text NOT NULL,
    definition jsonb,
    PRIMARY KEY (context_name, kind)
);

COMMENT ON TABLE k8s_sync_revisions IS
'Internal: the rows of a target hold all that happened up to this resourceVersion. Not there where that is not known.';
COMMENT ON COLUMN k8s_sync_revisions.read_by IS
'What the rows were read with: selectors, rules, cluster and version; under others nothing goes on.';
COMMENT ON COLUMN k8s_sync_revisions.api_servers IS
'The processes that answered then: those of a cluster that was restored from a backup are others.';
COMMENT ON COLUMN k8s_sync_revisions.definition IS 'Of a custom kind: what discovery and its CRD said of it.';

ALTER TABLE k8s_sync_targets ADD COLUMN has_bookmarks boolean NOT NULL DEFAULT TRUE;

COMMENT ON COLUMN k8s_sync_targets.has_bookmarks IS
'Whether a brief watch of it is told how far it is. API servers tell it of what they hold in memory: not of Events.';

ALTER TABLE k8s_sync_runs
ADD COLUMN mode text NOT NULL DEFAULT 'full' CHECK (mode IN ('full', 'incremental', 'watch')),
DROP CONSTRAINT k8s_sync_runs_outcome_check,
ADD CONSTRAINT k8s_sync_runs_outcome_check CHECK (
    outcome IN (
        'complete', 'partial', 'unauthorized', 'forbidden', 'absent', 'unreachable', 'unsupported', 'failed', 'busy'
    )
);

COMMENT ON COLUMN k8s_sync_runs.mode IS
'Of the run: full lists all; incremental and watch go on from where the rows are, and list (pages > 0) where they can not.';

-- An attempt that found another at work says nothing of the rows; that other one does.
CREATE OR REPLACE VIEW k8s_sync_status AS
SELECT
    target.context_name,
    target.kind,
    latest.outcome,
    latest.error,
    target.last_complete_at,
    latest.run_id,
    latest.attempt,
    latest.scope,
    latest.pages,
    latest.objects,
    latest.changed,
    latest.deleted,
    latest.bytes,
    latest.seconds,
    latest.resource_version,
    latest.started_at,
    latest.finished_at,
    latest.warning,
    latest.redacted,
    target.exact_as_of,
    latest.under_other_rules,
    latest.mode
FROM k8s_sync_targets AS target
CROSS JOIN LATERAL (
    SELECT *
    FROM k8s_sync_runs AS run
    WHERE
        run.context_name = target.context_name
        AND run.kind = target.kind
        AND run.outcome IS DISTINCT FROM 'busy'
    ORDER BY run.id DESC
    LIMIT 1
) AS latest;

ALTER TABLE k8s_sync_discoveries ADD COLUMN definitions text;

COMMENT ON COLUMN k8s_sync_discoveries.definitions IS
'A digest of all CRDs and APIServices: as long as they are as they were, so is what discovery finds.';
