-- One report at a time writes what is known of hits. Who may only read can not take this lock.
LOCK TABLE k8s_answers IN SHARE ROW EXCLUSIVE MODE;
