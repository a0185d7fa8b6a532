-- How many hits the ready-made queries had when, and since when each hit is known: what is new since the last time.

CREATE TABLE k8s_answers (
    report text NOT NULL,
    query text NOT NULL,
    asked_at timestamptz NOT NULL,
    run_id text NOT NULL,
    hits bigint,
    new_hits bigint,
    gone_hits bigint,
    not_known bigint,
    seconds double precision,
    error text,
    PRIMARY KEY (report, query, asked_at)
);

CREATE INDEX k8s_answers_asked ON k8s_answers (asked_at);

CREATE TABLE k8s_answer_contexts (
    report text NOT NULL,
    query text NOT NULL,
    context_name text NOT NULL,
    made_of text NOT NULL,
    known_since timestamptz NOT NULL,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (report, query, context_name)
);

CREATE TABLE k8s_answer_hits (
    report text NOT NULL,
    query text NOT NULL,
    hit bytea NOT NULL,
    context_name text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    told_at timestamptz,
    PRIMARY KEY (report, query, hit)
);

CREATE INDEX k8s_answer_hits_context ON k8s_answer_hits (context_name);

COMMENT ON TABLE k8s_answers IS
'One row for each time that a DAG such as k8s_inventory_report asked a ready-made query: see report.md.';
COMMENT ON COLUMN k8s_answers.report IS 'The dag_id: each DAG has what is new to it.';
COMMENT ON COLUMN k8s_answers.hits IS
'Hits then; of contexts of which the answer could not speak, as they were last known. Null where the query failed.';
COMMENT ON COLUMN k8s_answers.new_hits IS
'Hits that were not there the time before; null where that can not be told. What is known for the first time is not new.';
COMMENT ON COLUMN k8s_answers.gone_hits IS 'Hits of the time before that were there no more; null where that can not be told.';
COMMENT ON COLUMN k8s_answers.not_known IS 'Contexts of which the answer could not speak.';
COMMENT ON TABLE k8s_answer_contexts IS
'Of which contexts each query has spoken. An empty context_name stands for hits of all contexts together.';
COMMENT ON COLUMN k8s_answer_contexts.made_of IS 'Internal: of which statement and key the hits are.';
COMMENT ON TABLE k8s_answer_hits IS 'The hits of each query as they were last known.';
COMMENT ON COLUMN k8s_answer_hits.hit IS 'SHA-256 of the values of the query''s key.';
COMMENT ON COLUMN k8s_answer_hits.told_at IS
'When it was told, or found to be nothing new; null until a notifier has taken it.';
