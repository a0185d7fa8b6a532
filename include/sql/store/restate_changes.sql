-- Former values by the rules of redaction of now. The staged rows were made of the objects before the changes; each has the
-- number of its change, and says of it what it says itself.
UPDATE k8s_changes AS change
SET
    old = restated.old,
    keyframe = CASE WHEN change.keyframe IS NOT NULL THEN change.keyframe || restated.redone END,
    made_of = %(rules)s || 'restated'
FROM (
    SELECT
        noted.id,
        noted.seen_at,
        made.redone,
        (
            SELECT jsonb_object_agg(former.key, coalesce(made.redone -> former.key, former.value))
            FROM jsonb_each(noted.old) AS former
        ) AS old
    FROM pg_temp.k8s_staged AS staged
    INNER JOIN k8s_changes AS noted ON noted.id = staged.made_of::bigint
    CROSS JOIN LATERAL (
        SELECT
            jsonb_build_object(
                {%- for name in redone %}
                {{ name | literal }}, staged.{{ name | identifier }}{% if not loop.last %},{% endif %}
                {%- endfor %}
            ) AS redone
    ) AS made
) AS restated
WHERE change.id = restated.id AND change.seen_at = restated.seen_at;
