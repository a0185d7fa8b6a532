{%- macro restated(value) -%}
(
            SELECT
                jsonb_object_agg(
                    former.key, coalesce(made.redone -> former.key, CASE WHEN kept.name IS NOT NULL THEN former.value END)
                )
            FROM jsonb_each({{ value }}) AS former
            LEFT JOIN kept ON former.key = kept.name
        )
{%- endmacro -%}
-- Former values by the rules of redaction of now. The staged rows were made of the objects before the changes; each has the
-- instant of its change for its made_of. What is computed of values that may be redacted already stays, and so do columns
-- of others; no value stays of a column that is not there any more, or that PostgreSQL makes of what may be redacted now.
WITH made AS (
    SELECT
        staged.uid,
        staged.made_of::timestamptz AS seen_at,
        jsonb_build_object(
            {%- for name in redone %}
            {{ name | literal }}, staged.{{ name | identifier }}{% if not loop.last %},{% endif %}
            {%- endfor %}
        ) AS redone
    FROM pg_temp.k8s_staged AS staged
),

kept AS (
    SELECT attribute.attname::text AS name
    FROM pg_attribute AS attribute
    WHERE
        attribute.attrelid = {{ table | identifier | literal }}::regclass
        AND attribute.attnum > 0
        AND attribute.attgenerated = ''
        AND NOT attribute.attisdropped
),

restated AS (
    SELECT
        change.id,
        change.seen_at,
        {{ restated("change.keyframe") }} AS keyframe,
        {{ restated("change.old") }} AS old
    FROM made
    INNER JOIN k8s_changes AS change ON made.uid = change.uid AND made.seen_at = change.seen_at
    WHERE
        change.context_name = %(context_name)s
        AND change.plural = %(plural)s
        AND change."group" = %(group)s
)

UPDATE k8s_changes AS change
SET
    old = restated.old,
    keyframe = restated.keyframe,
    made_of = %(restated)s
FROM restated
WHERE change.id = restated.id AND change.seen_at = restated.seen_at;
