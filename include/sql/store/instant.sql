{#- Columns are those of the table as it is, in their order, with those that others added. The body is text, so that these
can be dropped; so it says which schema it means. -#}
{%- set kept = ["context_name", "uid", "name", "namespace"] + shared_by | list -%}
{%- macro former(row, base) -%}
{%- for name in names %}
    {% if name in kept %}{{ row }}{% else %}former{% endif %}.{{ name | identifier }}{% if not loop.last %},{% endif %}
{%- endfor %}
{%- endmacro %}
{%- macro of_kind(row) -%}
{%- if shared_by -%}
{{ row }}.plural = stored.plural AND {{ row }}."group" = stored."group"
{%- else -%}
{{ row }}.plural = {{ plural | literal }} AND {{ row }}."group" = {{ group | literal }}
{%- endif -%}
{%- endmacro %}
{%- macro target(row) -%}
{%- if shared_by -%}
{{ row }}.plural || '.' || coalesce(nullif({{ row }}."group", ''), 'core')
{%- else -%}
{{ target_kind | literal }}
{%- endif -%}
{%- endmacro %}
{%- macro is_known(row) -%}
EXISTS (
        SELECT FROM {{ schema }}.k8s_sync_targets AS target
        WHERE
            target.context_name = {{ row }}.context_name
            AND target.kind = {{ target(row) }}
            AND target.history_since <= $1
    )
{%- endmacro %}
-- Rows of {{ table }} as they were at an instant: of each object the row of now, or its last one, with what each change
-- since then took away laid over it, the earliest on top. An instant before the history of a target has no rows of it.
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
    {{ is_known("stored") }}
    AND NOT EXISTS (
        SELECT FROM {{ schema }}.k8s_changes AS change
        WHERE
            change.uid = stored.uid
            AND change.seen_at > $1
            AND change.context_name = stored.context_name
            AND {{ of_kind("change") }}
    )
UNION ALL
SELECT
{{- former("stored") }}
FROM {{ schema }}.{{ table | identifier }} AS stored
CROSS JOIN LATERAL {{ schema }}.k8s_former(stored.context_name, {{ "stored.plural" if shared_by else plural | literal }}, {{ 'stored."group"' if shared_by else group | literal }}, stored.uid, $1) AS since
CROSS JOIN LATERAL jsonb_populate_record(stored, since.old) AS former
WHERE
    {{ is_known("stored") }}
UNION ALL
SELECT
{{- former("stored") }}
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
    AND {{ is_known("stored") }}
    AND NOT EXISTS (
        SELECT FROM {{ schema }}.k8s_changes AS change
        WHERE
            change.uid = stored.uid
            AND change.seen_at > stored.seen_at
            AND change.context_name = stored.context_name
            AND {{ of_kind("change") }}
    );
$function$;
