DELETE FROM k8s_changes WHERE context_name = %(context_name)s;
