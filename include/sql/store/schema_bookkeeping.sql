CREATE TABLE IF NOT EXISTS k8s_schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS k8s_schema_tables (
    table_name text PRIMARY KEY,
    declaration text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
