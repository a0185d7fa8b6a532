{%- from "store/all_kinds.jinja" import all_kinds with context -%}
-- All objects of all kinds as they were at an instant, with the columns that they have in common.
CREATE OR REPLACE FUNCTION k8s_objects_at(instant timestamptz)
RETURNS SETOF k8s_objects
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
{{- all_kinds(within=schema + ".", suffix="_at", given=" ($1)") }};
$function$;
