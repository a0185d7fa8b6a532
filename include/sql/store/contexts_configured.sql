-- Marks contexts that are gone from the configuration, if these are all, and those that came back. Their rows stay.
UPDATE k8s_sync_contexts
SET unconfigured_since = CASE WHEN context_name = any(%(contexts)s::text[]) THEN NULL ELSE now() END
WHERE
    (unconfigured_since IS NULL) <> (context_name = any(%(contexts)s::text[]))
    AND (%(are_all)s OR context_name = any(%(contexts)s::text[]))
RETURNING context_name, unconfigured_since;
