-- A clock that is set back, or that is another server's after a failover, tells some instants twice.

ALTER TABLE k8s_sync_targets
ADD COLUMN behind_until timestamptz,
ADD COLUMN told_twice tstzmultirange NOT NULL DEFAULT '{}';

COMMENT ON COLUMN k8s_sync_targets.behind_until IS
'The latest that the database''s clock said of the target, where it was set back since and has not come to that again.';
COMMENT ON COLUMN k8s_sync_targets.told_twice IS
'Instants of its history that the database''s clock told twice, as it was set back: which one is meant is not known.';

-- What was told before may go on until shortly before the clock was set back: so it does until the first write after the
-- clock has come there again.
CREATE FUNCTION k8s_told_twice()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    told constant timestamptz := clock_timestamp();
    latest constant timestamptz := greatest(old.changed_at, old.last_complete_at, old.behind_until);
    known constant tstzmultirange := tstzmultirange(tstzrange(coalesce(least(new.history_since, new.kept_since), told), NULL));
BEGIN
    IF told < latest THEN
        new.behind_until = latest;
        new.told_twice = (new.told_twice + tstzmultirange(tstzrange(told, NULL))) * known;
    ELSE
        new.behind_until = NULL;
        new.told_twice = (new.told_twice - tstzmultirange(tstzrange(told, NULL, '()'))) * known;
    END IF;
    RETURN new;
END
$function$;

CREATE TRIGGER k8s_told_twice
BEFORE UPDATE OF changed_at, last_complete_at ON k8s_sync_targets
FOR EACH ROW
WHEN (
    (old.behind_until IS NOT NULL OR clock_timestamp() < greatest(old.changed_at, old.last_complete_at))
    AND (old.changed_at IS NULL OR new.changed_at IS NOT NULL)
)
EXECUTE FUNCTION k8s_told_twice();

-- Whoever empties all of the history has it begin by the clock of now.
CREATE OR REPLACE FUNCTION k8s_changes_truncated()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format('UPDATE %I.k8s_sync_targets SET history_since = clock_timestamp() WHERE history_since IS NOT NULL', tg_table_schema);
    IF tg_table_name = 'k8s_changes' THEN
        EXECUTE format('UPDATE %I.k8s_sync_targets SET changed_at = NULL, behind_until = NULL, told_twice = ''{}''', tg_table_schema);
    END IF;
    RETURN NULL;
END
$function$;
