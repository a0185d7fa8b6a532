-- Those that were told; what has come since is not.
UPDATE k8s_answer_hits
SET told_at = now()
WHERE report = %(report)s AND query = any(%(queries)s::text[]) AND told_at IS NULL AND first_seen_at <= %(until)s;
