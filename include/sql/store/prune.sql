{%- from "store/noted_as_deleted.jinja" import noted_as_deleted with context -%}
-- Deletes what a complete listing lacks: of all, or of one namespace, or only what is confirmed to be gone.
WITH gone AS (
    DELETE FROM {{ table | identifier }} AS stored
    WHERE
{%- filter indent(8) %}
{% include "store/lacking.jinja" %}
{%- endfilter %}
    RETURNING stored.*
),

{{ noted_as_deleted() }}
