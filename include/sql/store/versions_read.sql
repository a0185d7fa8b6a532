-- The one version that all rows of a custom kind were read in.
SELECT
    plural || '.' || coalesce(nullif("group", ''), 'core') AS kind,
    min(version) AS version
FROM k8s_custom_objects
WHERE context_name = %(context_name)s
GROUP BY "group", plural
HAVING min(version) = max(version);
