{#- Expressions, group, plural and description come quoted: they hold what strangers write. -#}
CREATE OR REPLACE VIEW {{ view | identifier }}
{%- if guarded %}
WITH (security_invoker = true)
{%- endif %} AS
SELECT
    {%- for expression, name in columns %}
    {{ expression }} AS {{ name | identifier }}{{ "," if not loop.last }}
    {%- endfor %}
FROM {{ table | identifier }}
WHERE "group" = {{ group }} AND plural = {{ plural }};

COMMENT ON VIEW {{ view | identifier }} IS {{ description }};
