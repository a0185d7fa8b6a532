-- How many objects each family of kinds of a context had: at instants of equal distance, from when all of it had been read for
-- the first time until now. Of a kind it is the last count that was known then; the kinds of a first run, which ends them one
-- after another, begin together. Of very many kinds there are fewer instants.
WITH counted AS (
    SELECT
        target.kind,
        coalesce(%(families)s::jsonb ->> target.kind, 'custom') AS family,
        first.finished_at AS known_since
    FROM k8s_sync_targets AS target
    INNER JOIN LATERAL (
        SELECT run.finished_at
        FROM k8s_sync_runs AS run
        WHERE
            run.context_name = target.context_name
            AND run.kind = target.kind
            AND run.outcome IN ('complete', 'absent')
            AND run.scope = 'all'
        ORDER BY run.finished_at
        LIMIT 1
    ) AS first ON TRUE
    WHERE target.context_name = %(context)s AND target.kind <> 'custom'
),

of_family AS (
    SELECT
        counted.*,
        min(counted.known_since) OVER (PARTITION BY counted.family) AS begun,
        greatest(2, least(%(points)s, %(looks)s / count(*) OVER ()))::integer AS points
    FROM counted
),

family AS (
    SELECT
        of_family.family,
        of_family.points,
        greatest(
            max(of_family.known_since) FILTER (WHERE of_family.known_since < of_family.begun + interval '1 hour'),
            now() - make_interval(days => %(days)s)
        ) AS since
    FROM of_family
    GROUP BY of_family.family, of_family.points
),

instant AS (
    SELECT
        family.family,
        family.since,
        family.since + (now() - family.since) * (number - 1) / (family.points - 1) AS at
    FROM family
    CROSS JOIN generate_series(1, family.points) AS number
),

total AS (
    SELECT
        instant.family,
        instant.since,
        instant.at,
        sum(known.objects)::bigint AS objects
    FROM instant
    INNER JOIN counted ON instant.family = counted.family
    INNER JOIN LATERAL (
        SELECT run.objects
        FROM k8s_sync_runs AS run
        WHERE
            run.context_name = %(context)s
            AND run.kind = counted.kind
            AND run.outcome IN ('complete', 'absent')
            AND run.scope = 'all'
            AND run.finished_at <= instant.at
        ORDER BY run.finished_at DESC
        LIMIT 1
    ) AS known ON TRUE
    GROUP BY instant.family, instant.since, instant.at
)

SELECT
    total.family,
    total.since,
    array_agg(total.objects ORDER BY total.at) AS objects
FROM total
GROUP BY total.family, total.since;
