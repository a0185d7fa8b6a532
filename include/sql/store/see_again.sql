-- Of objects that an earlier page held, too: what is to be written of them so far, or is stored and stays.
SELECT
    page.uid,
    coalesce(staged.resource_version, stored.resource_version) AS resource_version,
    coalesce(staged.namespace, stored.namespace) AS namespace,
    coalesce(staged.name, stored.name) AS name
FROM unnest(%(uids)s::text[]) AS page (uid)
LEFT JOIN pg_temp.k8s_staged AS staged ON page.uid = staged.uid
LEFT JOIN {{ table | identifier }} AS stored
    ON
        stored.context_name = %(context_name)s
        {%- for name in shared_by %}
        AND stored.{{ name | identifier }} = {{ "%(" + name + ")s" }}
        {%- endfor %}
        AND page.uid = stored.uid;
