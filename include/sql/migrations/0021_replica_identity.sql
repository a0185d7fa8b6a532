-- Weeks have no primary key, and a publication of all tables (CREATE PUBLICATION ... FOR ALL TABLES) refuses to have rows
-- changed that it could not name. It costs nothing where no changes are decoded. Weeks that are made from now on have it.
DO $do$
DECLARE
    week regclass;
BEGIN
    FOR week IN
        SELECT class.oid
        FROM pg_inherits AS inherits
        INNER JOIN pg_class AS class ON inherits.inhrelid = class.oid
        WHERE
            inherits.inhparent IN (to_regclass('k8s_changes'), to_regclass('k8s_past_events'))
            AND class.relkind = 'r'
            AND class.relreplident = 'd'
            AND NOT EXISTS (SELECT FROM pg_index AS index WHERE index.indrelid = class.oid AND index.indisprimary)
    LOOP
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', week);
    END LOOP;
END
$do$;
