COPY pg_temp.k8s_staged (context_name{% for column in columns %}, {{ column.name | identifier }}{% endfor %}, made_of)
FROM STDIN WITH (FORMAT BINARY)
