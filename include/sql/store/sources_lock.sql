-- Two sources that give up one context at a time would each find it with the other still.
LOCK TABLE k8s_sync_sources IN SHARE ROW EXCLUSIVE MODE;
