-- How many rows there are of those that prune.sql deletes: after it, what something keeps, or selectors left out.
SELECT count(*)
FROM {{ table | identifier }} AS stored
WHERE
{%- filter indent(4) %}
{% include "store/lacking.jinja" %}
{%- endfilter %};
