-- Rows on their way to {{ table }}, and the uids that the listing held. Gone with the session.
DROP TABLE IF EXISTS pg_temp.k8s_staged, pg_temp.k8s_seen;

-- As in the table itself: rows that had gone to TOAST would have to be read back from there.
CREATE TEMPORARY TABLE k8s_staged (LIKE {{ table | identifier }})
WITH (toast_tuple_target = 4080) ON COMMIT PRESERVE ROWS;

CREATE TEMPORARY TABLE k8s_seen (uid text COLLATE "C" PRIMARY KEY) ON COMMIT PRESERVE ROWS;
