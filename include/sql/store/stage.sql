-- noqa: disable=PRS (sqlfluff knows no option of COPY ... FROM STDIN)
COPY pg_temp.k8s_staged (context_name{% for column in columns %}, {{ column.name | identifier }}{% endfor %})
FROM STDIN WITH (FORMAT BINARY)
