-- What the tables held before: one row for each object that was seen created, changed or deleted.

CREATE TABLE k8s_changes (
    id bigint GENERATED ALWAYS AS IDENTITY,
    context_name text NOT NULL,
    kind text NOT NULL,
    "group" text NOT NULL,
    plural text NOT NULL,
    namespace text,
    name text NOT NULL,
    uid text NOT NULL,
    change text NOT NULL CHECK (change IN ('created', 'updated', 'deleted')),
    seen_at timestamptz NOT NULL,
    not_before timestamptz,
    happened_at timestamptz,
    old_resource_version text,
    resource_version text,
    run_id text NOT NULL,
    evidence text NOT NULL,
    columns text[],
    old jsonb,
    keyframe jsonb,
    made_of text
) PARTITION BY RANGE (seen_at);

CREATE INDEX k8s_changes_seen ON k8s_changes (seen_at);

CREATE INDEX k8s_changes_object ON k8s_changes (uid, seen_at);

CREATE INDEX k8s_changes_whole ON k8s_changes (uid, seen_at) WHERE keyframe IS NOT NULL OR change = 'deleted';

CREATE INDEX k8s_changes_deleted ON k8s_changes (plural, "group", seen_at) WHERE change = 'deleted';

COMMENT ON TABLE k8s_changes IS
'One row for each object that was seen created, changed or deleted, since history_since of its target: see history.md.';
COMMENT ON COLUMN k8s_changes.seen_at IS 'When it was stored: from then on the tables held the new state.';
COMMENT ON COLUMN k8s_changes.not_before IS
'Until when the inventory is known to have been right about the object; null where it covered it for the first time.';
COMMENT ON COLUMN k8s_changes.happened_at IS
'When it happened, where the object says so: its creationTimestamp, or of a deleted one its deletionTimestamp.';
COMMENT ON COLUMN k8s_changes.evidence IS
'What shows it: a listing of a revision, a GET of the object, that its kind is gone.';
COMMENT ON COLUMN k8s_changes.columns IS
'The columns that differ, beside resource_version; null where the object was created or deleted.';
COMMENT ON COLUMN k8s_changes.old IS 'The former values of these columns; of a deleted object all that its row held.';
COMMENT ON COLUMN k8s_changes.keyframe IS
'Internal: now and then the whole former row, so that few changes have to be gone through for an instant.';
COMMENT ON COLUMN k8s_changes.made_of IS 'Internal: made_of of the former row.';

ALTER TABLE k8s_sync_targets
ADD COLUMN history_since timestamptz,
ADD COLUMN changed_at timestamptz,
ADD COLUMN history_rules text;

ALTER TABLE k8s_sync_contexts ADD COLUMN repointed_at timestamptz;

COMMENT ON COLUMN k8s_sync_contexts.repointed_at IS
'When it was last said, by accept_repointed, that the context is to lead to another cluster.';
COMMENT ON COLUMN k8s_sync_targets.history_since IS
'Since when every change of the target''s rows is in k8s_changes; null where none is kept.';
COMMENT ON COLUMN k8s_sync_targets.changed_at IS 'When its rows changed last.';
COMMENT ON COLUMN k8s_sync_targets.history_rules IS 'The rules of redaction that hold for all of its history.';

-- Whoever takes changes away takes the instants before them. It may be anybody, whose search path leads anywhere.
CREATE FUNCTION k8s_changes_deleted()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format(
        'UPDATE %I.k8s_sync_targets AS target
        SET history_since = lost.until
        FROM (SELECT deleted.context_name, max(deleted.seen_at) AS until FROM deleted GROUP BY deleted.context_name) AS lost
        WHERE target.context_name = lost.context_name AND target.history_since < lost.until',
        tg_table_schema
    );
    RETURN NULL;
END
$function$;

CREATE FUNCTION k8s_changes_truncated()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format(
        'UPDATE %I.k8s_sync_targets SET history_since = clock_timestamp() WHERE history_since IS NOT NULL',
        tg_table_schema
    );
    RETURN NULL;
END
$function$;

CREATE TRIGGER k8s_changes_deleted
AFTER DELETE ON k8s_changes
REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION k8s_changes_deleted();

CREATE TRIGGER k8s_changes_truncated
AFTER TRUNCATE ON k8s_changes
FOR EACH STATEMENT EXECUTE FUNCTION k8s_changes_truncated();
