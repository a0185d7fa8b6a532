-- One session at a time changes the schema. The lock is on a table of ours, which nobody can take who may only read.
LOCK TABLE k8s_schema_tables IN SHARE ROW EXCLUSIVE MODE;
