-- Each CRD that some cluster has, and what changes when one of its definitions does. One whose name is not made of its plural
-- and group is none: a cluster could claim the view of another CRD by it.
SELECT
    name,
    min(api_group) AS "group",
    min(plural) AS plural,
    md5(string_agg(concat_ws('/', context_name, uid, generation), ',' ORDER BY context_name, uid)) AS signature
FROM k8s_custom_resources
WHERE name = plural || '.' || api_group AND plural !~ '[.]'
GROUP BY name
ORDER BY name;
