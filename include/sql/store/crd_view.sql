CREATE OR REPLACE VIEW {{ view | identifier }} AS
SELECT
    {%- for column in columns %}
    {{ column.expression }} AS {{ column.name | identifier }}{{ "," if not loop.last }}
    {%- endfor %}
FROM {{ table | identifier }}
WHERE "group" = {{ group | literal }} AND plural = {{ plural | literal }};

COMMENT ON VIEW {{ view | identifier }} IS {{ description | literal }};
