-- Rows on their way to {{ table }}, and the uids that the listing held. Gone with the session.
DROP TABLE IF EXISTS pg_temp.k8s_staged, pg_temp.k8s_seen;

-- By the declaration, whatever others added to the table or made of it. As there, rows that had gone to TOAST would have to
-- be read back.
CREATE TEMPORARY TABLE k8s_staged (
    context_name text,
    {%- for column in columns %}
    {{ column.name | identifier }} {{ column.type }},
    {%- endfor %}
    made_of text
)
WITH (toast_tuple_target = 4080) ON COMMIT PRESERVE ROWS;

CREATE TEMPORARY TABLE k8s_seen (uid text COLLATE "C" PRIMARY KEY) ON COMMIT PRESERVE ROWS;
