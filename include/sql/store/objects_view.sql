-- All objects of all kinds, with the columns that they have in common.
CREATE OR REPLACE VIEW k8s_objects AS
{%- for kind in kinds %}
SELECT
    context_name,
    uid,
    {% if kind.shared_by %}"group"{% else %}{{ kind.group | literal }}::text AS "group"{% endif %},
    {% if kind.shared_by %}plural{% else %}{{ kind.plural | literal }}::text AS plural{% endif %},
    {% if kind.shared_by %}kind{% else %}{{ kind.kind | literal }}::text AS kind{% endif %},
    {{ columns | map(attribute="name") | reject("equalto", "uid") | map("identifier") | join(",\n    ") }}
FROM {{ kind.table | identifier }}
{%- if not loop.last %}
UNION ALL
{%- endif %}
{%- endfor %};

COMMENT ON VIEW k8s_objects IS 'All objects of all kinds, with the columns that they have in common.';
