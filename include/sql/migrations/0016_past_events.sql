-- Events that are gone from their clusters stay: since when they do, of each target.

ALTER TABLE k8s_sync_targets ADD COLUMN kept_since timestamptz;

COMMENT ON COLUMN k8s_sync_targets.kept_since IS
'Since when every row of an object that went is kept, such as those of Events in k8s_past_events; null where none is.';

-- Whoever takes kept rows away takes what was before them. It may be anybody, whose search path leads anywhere.
CREATE FUNCTION k8s_past_events_deleted()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format(
        'UPDATE %I.k8s_sync_targets AS target
        SET kept_since = lost.until
        FROM (SELECT deleted.context_name, max(deleted.kept_at) AS until FROM deleted GROUP BY deleted.context_name) AS lost
        WHERE target.context_name = lost.context_name AND target.kept_since < lost.until',
        tg_table_schema
    );
    RETURN NULL;
END
$function$;

CREATE FUNCTION k8s_past_events_truncated()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format(
        'UPDATE %I.k8s_sync_targets SET kept_since = clock_timestamp() WHERE kept_since IS NOT NULL',
        tg_table_schema
    );
    RETURN NULL;
END
$function$;
