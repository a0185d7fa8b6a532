-- Rows on their way to {{ table }}, and the uids that the listing held. Gone with the session.
DROP TABLE IF EXISTS pg_temp.k8s_staged, pg_temp.k8s_seen;

-- Rows stay inline here up to 3 kB: written to TOAST and read back from there, a first load took an eighth longer.
CREATE TEMPORARY TABLE k8s_staged (LIKE {{ table | identifier }})
WITH (toast_tuple_target = 3072) ON COMMIT PRESERVE ROWS;

CREATE TEMPORARY TABLE k8s_seen (uid text COLLATE "C" PRIMARY KEY) ON COMMIT PRESERVE ROWS;
