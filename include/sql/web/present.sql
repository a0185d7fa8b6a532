-- Now by the database's clock, by which changes are; or later, where that has been set back since the last one.
SELECT greatest(clock_timestamp(), (SELECT max(change.seen_at) FROM k8s_changes AS change)) AS present;
