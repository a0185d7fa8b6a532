-- Which images run where, and in how many pods?
SELECT
    image,
    count(*) AS pods,
    array_agg(DISTINCT context_name) AS contexts
FROM k8s_pods
CROSS JOIN LATERAL unnest(images || init_images) AS image
WHERE phase = 'Running'
GROUP BY image
ORDER BY pods DESC, image;
