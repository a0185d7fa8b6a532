{%- set names = columns | map(attribute="name") | map("identifier") | list -%}
{%- set key = (shared_by | list + ["uid"]) | map("identifier") | list -%}
{%- set others = names | reject("in", key) | list -%}
-- The one statement that writes {{ table }}.
INSERT INTO {{ table | identifier }} AS stored (context_name, {{ names | join(", ") }}, made_of)
SELECT context_name, {{ names | join(", ") }}, made_of
FROM pg_temp.k8s_staged
WHERE %(uids)s::text[] IS NULL OR uid = any(%(uids)s)
ON CONFLICT (context_name, {{ key | join(", ") }}) DO UPDATE
    SET
        ({{ others | join(", ") }}, made_of)
        = ROW (excluded.{{ others | join(", excluded.") }}, excluded.made_of);
