-- Which cronjobs do not succeed any more?
-- Hit: A CronJob that was due since it last succeeded, more than a day ago, or has never succeeded, and has nothing
-- under way.
-- Do: Look at its last job: reliability/failed_jobs.sql.
-- Key: namespace, name
-- Source: Kubernetes documentation, CronJob.
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
        last_schedule_time,
        last_successful_time
    FROM k8s_cronjobs
    WHERE
        suspend IS NOT TRUE
        AND active_jobs = 0
        AND last_schedule_time > coalesce(last_successful_time, created_at)
        AND coalesce(last_successful_time, created_at) < now() - interval '1 day'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, last_successful_time NULLS FIRST, context_name, namespace, name;
