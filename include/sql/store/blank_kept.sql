-- Of kept rows that could not be made by the rules of redaction of now no text stays but what they are of.
UPDATE {{ table | identifier }} AS past
SET
    {%- for column in columns %}
    {%- if column.type == "jsonb" or column.type == "text[]" or column.type == "text" and not column.required and column.name != "namespace" %}
    {{ column.name | identifier }} = {% if not column.required %}NULL{% elif column.is_array %}'[]'{% else %}'{}'{% endif %},
    {%- endif %}
    {%- endfor %}
    made_of = %(restated)s
WHERE context_name = %(context_name)s AND NOT coalesce(starts_with(made_of, %(rules)s), FALSE);
