-- Makes the table of a kind from its declaration, or adds the columns that an older one lacks.
CREATE TABLE IF NOT EXISTS {{ table | identifier }} (
    context_name text NOT NULL,
    {%- for column in columns %}
    {{ column.name | identifier }} {{ column.type }}{% if column.required %} NOT NULL{% endif %},
    {%- endfor %}
    made_of text,
    PRIMARY KEY (context_name{% for name in shared_by %}, {{ name | identifier }}{% endfor %}, uid)
)
-- Two rows to a page at the most: an object of usual size then stays in its row, which saves a quarter of writing it.
WITH (toast_tuple_target = 4080);
{% for column in columns %}
ALTER TABLE {{ table | identifier }} ADD COLUMN IF NOT EXISTS {{ column.name | identifier }} {{ column.type }};
{%- endfor %}
ALTER TABLE {{ table | identifier }} ADD COLUMN IF NOT EXISTS made_of text;

-- By name, by label and by owner.
{%- if long_names %}
CREATE INDEX IF NOT EXISTS {{ (table + "_name_start") | identifier }}
ON {{ table | identifier }} (context_name, {% if namespaced %}namespace, {% endif %}left(name, 200));
{%- else %}
CREATE INDEX IF NOT EXISTS {{ (table + "_name") | identifier }}
ON {{ table | identifier }} (context_name, {% if namespaced %}namespace, {% endif %}name);
{%- endif %}
CREATE INDEX IF NOT EXISTS {{ (table + "_labels") | identifier }}
ON {{ table | identifier }} USING gin (labels jsonb_path_ops);
-- An index takes no row that is too long, and what people name an owner by has no bound; no stored uid is longer.
CREATE INDEX IF NOT EXISTS {{ (table + "_owner_uid") | identifier }}
ON {{ table | identifier }} (context_name, left(k8s_owner(owner_references) ->> 'uid', 200))
WHERE owner_references <> '[]';
{%- if shared_by %}
CREATE INDEX IF NOT EXISTS {{ (table + "_uid") | identifier }} ON {{ table | identifier }} (context_name, uid);
{%- endif %}

COMMENT ON TABLE {{ table | identifier }} IS {{ description | literal }};
COMMENT ON COLUMN {{ table | identifier }}.made_of IS
'Internal: the rules that the row was written by, and the write of its object; null: to be written again.';
COMMENT ON COLUMN {{ table | identifier }}.context_name IS 'Context that the object was read through.';
{%- for column in columns %}
COMMENT ON COLUMN {{ table | identifier }}.{{ column.name | identifier }} IS {{ column.description | literal }};
{%- endfor %}
