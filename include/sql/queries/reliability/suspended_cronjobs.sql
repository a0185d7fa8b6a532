-- Which cronjobs are suspended?
-- Hit: A CronJob that makes no jobs: somebody switched it off, and may have forgotten.
-- Do: Set `suspend: false`, or delete it.
-- Key: namespace, name
-- Source: Kubernetes documentation, CronJob: Schedule suspension.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['cronjobs'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        name,
        schedule,
        last_schedule_time
    FROM k8s_cronjobs
    WHERE suspend
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, last_schedule_time NULLS FIRST, context_name, namespace, name;
