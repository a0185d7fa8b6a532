-- Which of the kinds of these names the database still has as custom ones: `looked_at` says whether their rows are looked
-- for, too, which reads the whole table, or the targets alone.
SELECT target.kind AS name
FROM k8s_sync_targets AS target
WHERE target.kind = any(%(names)s::text[])
UNION
SELECT concat(object.plural, '.', coalesce(nullif(object."group", ''), 'core'))
FROM k8s_custom_objects AS object
WHERE
    %(looked_at)s
    AND concat(object.plural, '.', coalesce(nullif(object."group", ''), 'core')) = any(%(names)s::text[]);
