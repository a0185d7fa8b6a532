{%- from "store/kept.jinja" import kept with context -%}
-- Rows that are about to be overwritten by what counts less, as of a cluster that was restored, are kept as they are.
WITH gone AS (
    SELECT stored.*
    FROM pg_temp.k8s_staged AS staged
    INNER JOIN {{ table | identifier }} AS stored ON staged.context_name = stored.context_name AND staged.uid = stored.uid
    {%- if kept_in %}
    WHERE coalesce(staged.count, 0) < coalesce(stored.count, 0)
    {%- endif %}
){{ kept() }}

SELECT count(*) FROM gone;
