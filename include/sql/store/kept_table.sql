-- Where rows of {{ table }} go when their objects are gone: its columns, and when they went. Each object once.
CREATE TABLE IF NOT EXISTS {{ kept_in | identifier }} (
    context_name text NOT NULL,
    {%- for column in columns %}
    {{ column.name | identifier }} {{ column.type }}{% if column.required %} NOT NULL{% endif %},
    {%- endfor %}
    made_of text,
    kept_at timestamptz NOT NULL
) PARTITION BY RANGE (kept_at);
{% for column in columns %}
ALTER TABLE {{ kept_in | identifier }} ADD COLUMN IF NOT EXISTS {{ column.name | identifier }} {{ column.type }};
{%- endfor %}

-- What an Event names has no bound, and an index takes no row that is too long.
CREATE INDEX IF NOT EXISTS {{ (kept_in + "_uid") | identifier }}
ON {{ kept_in | identifier }} (context_name, uid);
CREATE INDEX IF NOT EXISTS {{ (kept_in + "_involved_uid") | identifier }}
ON {{ kept_in | identifier }} (left(involved_uid, 200), last_seen_at);
CREATE INDEX IF NOT EXISTS {{ (kept_in + "_involved_name") | identifier }}
ON {{ kept_in | identifier }} (left(involved_name, 200), last_seen_at);
CREATE INDEX IF NOT EXISTS {{ (kept_in + "_seen") | identifier }}
ON {{ kept_in | identifier }} (last_seen_at);

CREATE OR REPLACE TRIGGER {{ (kept_in + "_deleted") | identifier }}
AFTER DELETE ON {{ kept_in | identifier }}
REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION {{ (kept_in + "_deleted") | identifier }}();

CREATE OR REPLACE TRIGGER {{ (kept_in + "_truncated") | identifier }}
AFTER TRUNCATE ON {{ kept_in | identifier }}
FOR EACH STATEMENT EXECUTE FUNCTION {{ (kept_in + "_truncated") | identifier }}();

COMMENT ON TABLE {{ kept_in | identifier }} IS
'Events that are gone from their cluster, with the row that they had last; k8s_event_history has those of {{ table }}, too.';
COMMENT ON COLUMN {{ kept_in | identifier }}.made_of IS 'Internal: made_of of the row.';
COMMENT ON COLUMN {{ kept_in | identifier }}.kept_at IS
'When the row left {{ table }}: its Event was gone, or told less than before.';
COMMENT ON COLUMN {{ kept_in | identifier }}.context_name IS 'Context that the object was read through.';
{%- for column in columns %}
COMMENT ON COLUMN {{ kept_in | identifier }}.{{ column.name | identifier }} IS {{ column.description | literal }};
{%- endfor %}
