-- All objects of all kinds as they were at an instant, with the columns that they have in common.
CREATE OR REPLACE FUNCTION k8s_objects_at(instant timestamptz)
RETURNS SETOF k8s_objects
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
{%- for kind in kinds %}
SELECT
    context_name,
    uid,
    {% if kind.shared_by %}"group"{% else %}{{ kind.group | literal }}::text AS "group"{% endif %},
    {% if kind.shared_by %}plural{% else %}{{ kind.plural | literal }}::text AS plural{% endif %},
    {% if kind.shared_by %}kind{% else %}{{ kind.kind | literal }}::text AS kind{% endif %},
    {{ columns | map(attribute="name") | reject("equalto", "uid") | map("identifier") | join(",\n    ") }}
FROM {{ schema }}.{{ (kind.table + "_at") | identifier }} ($1)
{%- if not loop.last %}
UNION ALL
{%- endif %}
{%- endfor %};
$function$;
