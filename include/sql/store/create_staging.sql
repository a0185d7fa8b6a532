-- Rows on their way to {{ table }}, and the uids that the listing held. Gone with the session.
DROP TABLE IF EXISTS pg_temp.k8s_staged, pg_temp.k8s_seen;

-- Our own columns alone: what others added may have rules of its own. As in the table itself, rows that had gone to TOAST
-- would have to be read back from there.
CREATE TEMPORARY TABLE k8s_staged
WITH (toast_tuple_target = 4080) ON COMMIT PRESERVE ROWS
AS SELECT context_name{% for column in columns %}, {{ column.name | identifier }}{% endfor %}, made_of
FROM {{ table | identifier }}
WITH NO DATA;

CREATE TEMPORARY TABLE k8s_seen (uid text COLLATE "C" PRIMARY KEY) ON COMMIT PRESERVE ROWS;
