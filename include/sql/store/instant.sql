{#- Columns are those of the table as it is, in their order, with those that others added. The body is text, so that these
can be dropped; so it says which schema it means. -#}
{%- set kept = ["context_name", "uid", "name", "namespace"] + shared_by | list -%}
{%- set former -%}
{%- for name in names %}
    {% if name in kept %}stored{% else %}former{% endif %}.{{ name | identifier }}{% if not loop.last %},{% endif %}
{%- endfor %}
{%- endset -%}
{%- set plural_of, group_of, target_of = plural | literal, group | literal, target_kind | literal -%}
{%- if shared_by -%}
{%- set plural_of, group_of = "stored.plural", 'stored."group"' -%}
{%- set target_of = "stored.plural || '.' || coalesce(nullif(stored.\"group\", ''), 'core')" -%}
{%- endif -%}
{%- set is_known -%}
EXISTS (
        SELECT FROM {{ schema }}.k8s_sync_targets AS target
        WHERE
            target.context_name = stored.context_name
            AND target.kind = {{ target_of }}
            AND target.history_since <= $1
            AND NOT target.told_twice @> $1
    )
{%- endset -%}
{%- macro changed_since(instant) -%}
EXISTS (
        SELECT FROM {{ schema }}.k8s_changes AS change
        WHERE
            change.uid = stored.uid
            AND change.seen_at > {{ instant }}
            AND change.context_name = stored.context_name
            AND change.plural = {{ plural_of }} AND change."group" = {{ group_of }}
    )
{%- endmacro %}
-- Rows of {{ table }} as they were at an instant: of each object the row of now, or its last one, with what each change
-- since then took away laid over it, the earliest on top. An instant before the history of a target has no rows of it, nor
-- one that was told twice.
CREATE OR REPLACE FUNCTION {{ (table + "_at") | identifier }} (instant timestamptz)
RETURNS SETOF {{ table | identifier }}
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000
AS $function$
SELECT
{%- for name in names %}
    stored.{{ name | identifier }}{% if not loop.last %},{% endif %}
{%- endfor %}
FROM {{ schema }}.{{ table | identifier }} AS stored
WHERE
    {{ is_known }}
    AND NOT {{ changed_since("$1") }}
UNION ALL
SELECT
{{- former }}
FROM {{ schema }}.{{ table | identifier }} AS stored
CROSS JOIN LATERAL {{ schema }}.k8s_former(stored.context_name, {{ plural_of }}, {{ group_of }}, stored.uid, $1) AS since
CROSS JOIN LATERAL jsonb_populate_record(stored.*, since.old) AS former
WHERE
    {{ is_known }}
UNION ALL
SELECT
{{- former }}
FROM {{ schema }}.k8s_changes AS stored
CROSS JOIN LATERAL {{ schema }}.k8s_former(stored.context_name, stored.plural, stored."group", stored.uid, $1) AS since
CROSS JOIN LATERAL jsonb_populate_record(NULL::{{ schema }}.{{ table | identifier }}, since.old) AS former
WHERE
    stored.change = 'deleted'
    AND stored.seen_at > $1
    {%- if not shared_by %}
    AND stored.plural = {{ plural | literal }}
    AND stored."group" = {{ group | literal }}
    {%- endif %}
    AND {{ is_known }}
    AND NOT {{ changed_since("stored.seen_at") }};
$function$;
