-- Of sessions that were lost. What counts stays: whoever has just taken it is about to see that all is being forgotten.
DELETE FROM k8s_sync_locks
WHERE
    context_name = %(context_name)s
    AND (pid, number) NOT IN (
{%- filter indent(8) %}
{% include "store/advisory_locks.sql" %}
{%- endfilter %}
    );
