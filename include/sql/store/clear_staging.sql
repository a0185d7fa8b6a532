TRUNCATE pg_temp.k8s_staged, pg_temp.k8s_seen;
