{%- from "store/all_kinds.jinja" import all_kinds with context -%}
-- All objects of all kinds, with the columns that they have in common.
CREATE OR REPLACE VIEW k8s_objects AS
{{- all_kinds() }};

COMMENT ON VIEW k8s_objects IS 'All objects of all kinds, with the columns that they have in common.';
