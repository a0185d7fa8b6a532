-- Values of custom objects as typed columns: null where they are not of the type, whatever their CRD's schema says.

CREATE OR REPLACE FUNCTION k8s_to_text(value jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN value #>> '{}';

CREATE OR REPLACE FUNCTION k8s_to_boolean(value jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'boolean' THEN value::boolean END;

CREATE OR REPLACE FUNCTION k8s_to_numeric(value jsonb)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric END;

CREATE OR REPLACE FUNCTION k8s_to_bigint(value jsonb)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN
        k8s_to_numeric(value) % 1 = 0
        AND k8s_to_numeric(value) BETWEEN -9223372036854775808 AND 9223372036854775807
        THEN k8s_to_numeric(value)::bigint
END;

CREATE OR REPLACE FUNCTION k8s_to_timestamptz(value jsonb)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $function$
BEGIN
    RETURN CASE WHEN value #>> '{}' ~ '^\d{4}-\d\d-\d\d[Tt ]' THEN (value #>> '{}')::timestamptz END;
EXCEPTION
    WHEN data_exception THEN
        RETURN NULL;
END
$function$;
