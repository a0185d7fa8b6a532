-- Those that were told; what has come since is not. What is later than now was found before, by a clock that was set back.
UPDATE k8s_answer_hits
SET told_at = now()
WHERE
    report = %(report)s
    AND query = any(%(queries)s::text[])
    AND told_at IS NULL
    AND (first_seen_at <= %(until)s OR first_seen_at > clock_timestamp());
