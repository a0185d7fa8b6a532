-- Each CRD that some cluster has, and what changes when one of its definitions does.
SELECT
    name,
    min(api_group) AS "group",
    min(plural) AS plural,
    md5(string_agg(concat_ws('/', context_name, uid, generation), ',' ORDER BY context_name, uid)) AS signature
FROM k8s_custom_resources
WHERE api_group IS NOT NULL AND plural IS NOT NULL
GROUP BY name
ORDER BY name;
