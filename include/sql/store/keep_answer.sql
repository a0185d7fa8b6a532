INSERT INTO k8s_answers (report, query, asked_at, run_id, hits, new_hits, gone_hits, not_known, seconds, error)
VALUES (
    %(report)s,
    %(query)s,
    %(asked_at)s,
    %(run_id)s,
    %(hits)s,
    %(new_hits)s,
    %(gone_hits)s,
    %(not_known)s,
    %(seconds)s,
    %(error)s
)
ON CONFLICT (report, query, asked_at) DO NOTHING;
