{%- set names = columns | map(attribute="name") | map("identifier") | list -%}
{%- set key = (shared_by | list + ["uid"]) | map("identifier") | list -%}
{%- set others = names | reject("in", key) | list -%}
-- The one statement that writes {{ table }}. With compare, a row that would not change is left alone.
INSERT INTO {{ table | identifier }} AS stored (context_name, {{ names | join(", ") }})
SELECT context_name, {{ names | join(", ") }}
FROM pg_temp.k8s_staged
ON CONFLICT (context_name, {{ key | join(", ") }}) DO UPDATE
    SET
        ({{ others | join(", ") }})
        = ROW (excluded.{{ others | join(", excluded.") }})
    WHERE NOT %(compare)s OR ROW(stored.*) IS DISTINCT FROM ROW(excluded.*);
