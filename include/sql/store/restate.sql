{%- set key = (["context_name"] + shared_by | list + ["uid"]) | map("identifier") | list -%}
{%- set names = redone | map("identifier") | list + ["made_of"] -%}
-- Rows by the rules of redaction of now, made of what is stored. What is computed of values that may be redacted already
-- stays, and so does what is said of the kind.
UPDATE {{ table | identifier }} AS stored
SET ({{ names | join(", ") }}) = ROW (staged.{{ names | join(", staged.") }})
FROM pg_temp.k8s_staged AS staged
WHERE
    {%- for name in key %}
    stored.{{ name }} = staged.{{ name }}{% if not loop.last %}
    AND{% else %};{% endif %}
    {%- endfor %}
