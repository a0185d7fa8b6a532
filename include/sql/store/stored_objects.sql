{%- from "store/object_of_row.jinja" import object_of with context -%}
-- Objects as a list would hold them, made of rows that were written by other rules of redaction, in the order of their uids.
SELECT
    uid,
    api_version,
    {{ object_of("stored") }} AS object
FROM {{ table | identifier }} AS stored
WHERE
    context_name = %(context_name)s
    {%- for name in shared_by %}
    AND {{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %}
    AND uid > %(after)s
    AND NOT coalesce(starts_with(made_of, %(rules)s), false)
ORDER BY uid
LIMIT %(most)s;
