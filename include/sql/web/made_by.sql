-- The last migration that the inventory has had.
SELECT max(version) AS migration FROM k8s_schema_migrations;
