-- What is asked of a span of time, as a dashboard does, reads the rows of that span. An index of blocks is small, and costs
-- attempts nothing: rows come in the order of time.

CREATE INDEX k8s_sync_runs_started ON k8s_sync_runs USING brin (started_at) WITH (autosummarize = on);
