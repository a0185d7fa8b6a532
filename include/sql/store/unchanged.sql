{%- set key = (["context_name"] + shared_by | list + ["uid"]) | map("identifier") | list -%}
-- Rows that would not change, but are made of something else now: by other rules, or of a later write.
UPDATE {{ table | identifier }} AS stored
SET made_of = staged.made_of
FROM pg_temp.k8s_staged AS staged
WHERE
    {%- for name in key %}
    stored.{{ name }} = staged.{{ name }}
    AND
    {%- endfor %}
    stored.made_of IS DISTINCT FROM staged.made_of;
