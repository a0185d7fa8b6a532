-- How many rows are still there of those that were to go.
SELECT count(*)
FROM {{ table | identifier }} AS stored
WHERE
{%- filter indent(4) %}
{% include "store/lacking.jinja" %}
{%- endfilter %};
