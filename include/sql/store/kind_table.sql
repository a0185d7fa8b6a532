-- Makes the table of a kind from its declaration, or adds the columns that an older one lacks.
CREATE TABLE IF NOT EXISTS {{ table | identifier }} (
    context_name text NOT NULL,
    {%- for column in columns %}
    {{ column.name | identifier }} {{ column.type }}{% if column.required %} NOT NULL{% endif %},
    {%- endfor %}
    PRIMARY KEY (context_name{% for name in shared_by %}, {{ name | identifier }}{% endfor %}, uid)
);
{% for column in columns %}
ALTER TABLE {{ table | identifier }} ADD COLUMN IF NOT EXISTS {{ column.name | identifier }} {{ column.type }};
{%- endfor %}

COMMENT ON TABLE {{ table | identifier }} IS {{ description | literal }};
COMMENT ON COLUMN {{ table | identifier }}.context_name IS 'Context that the object was read through.';
{%- for column in columns %}
COMMENT ON COLUMN {{ table | identifier }}.{{ column.name | identifier }} IS {{ column.description | literal }};
{%- endfor %}
