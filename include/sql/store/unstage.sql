DELETE FROM pg_temp.k8s_staged WHERE uid = any(%(uids)s::text[]);
