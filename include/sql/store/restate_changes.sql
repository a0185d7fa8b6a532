-- Former values by the rules of redaction of now. The staged rows were made of the objects before the changes; each has the
-- instant of its change for its made_of. What is computed of values that may be redacted already stays.
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

restated AS (
    SELECT
        change.id,
        change.seen_at,
        change.keyframe || made.redone AS keyframe,
        jsonb_object_agg(former.key, coalesce(made.redone -> former.key, former.value)) AS old
    FROM made
    INNER JOIN k8s_changes AS change ON made.uid = change.uid AND made.seen_at = change.seen_at
    CROSS JOIN jsonb_each(change.old) AS former
    WHERE
        change.context_name = %(context_name)s
        AND change.plural = {% if shared_by %}%(plural)s{% else %}{{ plural | literal }}{% endif %}
        AND change."group" = {% if shared_by %}%(group)s{% else %}{{ group | literal }}{% endif %}
    GROUP BY change.id, change.seen_at, change.keyframe, made.redone
)

UPDATE k8s_changes AS change
SET
    old = restated.old,
    keyframe = restated.keyframe,
    made_of = %(rules)s || 'restated'
FROM restated
WHERE change.id = restated.id AND change.seen_at = restated.seen_at;
