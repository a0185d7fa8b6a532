-- What the rows are made of is in doubt: the next listing writes them again.
UPDATE pg_temp.k8s_staged SET made_of = NULL;
