-- Rows that were written under other settings of redaction, and those of which it is not known.
SELECT count(*) AS found
FROM {{ table | identifier }}
WHERE
    context_name = %(context_name)s
    {%- for name in shared_by %}
    AND {{ name | identifier }} = {{ "%(" + name + ")s" }}
    {%- endfor %}
    AND NOT coalesce(starts_with(made_of, %(rules)s), false);
