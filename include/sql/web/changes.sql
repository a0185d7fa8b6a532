{#- `asked` has the name of each condition that is asked for. -#}
-- A page of changes, the latest first.
SELECT
    page.id,
    page.seen_at,
    page.not_before,
    page.happened_at,
    page.context_name,
    page.kind,
    page."group",
    page.plural,
    page.namespace,
    page.name,
    page.uid,
    page.change,
    page.columns,
    CASE
        WHEN sum(octet_length(page.old::text)) OVER (ORDER BY page.seen_at DESC, page.id DESC) <= %(bytes)s THEN page.old
    END AS old,
    page.run_id,
    page.evidence,
    coalesce(page.seen_at >= k8s_history_since(page.context_name, page.plural, page."group"), FALSE) AS is_followed
FROM (
    SELECT
        change.id,
        change.seen_at,
        change.not_before,
        change.happened_at,
        change.context_name,
        change.kind,
        change."group",
        change.plural,
        change.namespace,
        change.name,
        change.uid,
        change.change,
        change.columns,
        CASE WHEN change.change = 'updated' THEN change.old END AS old,
        change.run_id,
        change.evidence
    FROM k8s_changes AS change
    WHERE
        change.seen_at >= %(since)s
        AND change.seen_at <= %(until)s
        {%- if "after_id" in asked %}
        AND (change.seen_at, change.id) < (%(after_seen_at)s, %(after_id)s)
        {%- endif %}
        {%- if "context" in asked %}
        AND change.context_name = %(context)s
        {%- endif %}
        {%- if "namespace" in asked %}
        AND change.namespace = %(namespace)s
        {%- endif %}
        {%- if "plural" in asked %}
        AND change.plural = %(plural)s
        AND change."group" = %(group)s
        {%- endif %}
        {%- if "change" in asked %}
        AND change.change = %(change)s
        {%- endif %}
        {%- if "column" in asked %}
        AND change.columns @> ARRAY[%(column)s::text]
        {%- endif %}
        {%- if "run_id" in asked %}
        AND change.run_id = %(run_id)s
        {%- endif %}
        {%- if "q" in asked %}
        AND change.name LIKE %(q)s
        {%- endif %}
        {%- if "uid" in asked %}
        AND change.uid = %(uid)s
        {%- endif %}
    ORDER BY change.seen_at DESC, change.id DESC
    LIMIT %(limit)s
) AS page
ORDER BY page.seen_at DESC, page.id DESC;
