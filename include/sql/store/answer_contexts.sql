-- The contexts of which there is something to ask.
SELECT seen.context_name FROM k8s_sync_contexts AS seen
UNION
SELECT target.context_name FROM k8s_sync_targets AS target;
