-- Label selectors in SQL: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors

-- A selector as kubectl takes it, app=web,tier in (a,b),!canary, as the LabelSelector that means the same.
CREATE OR REPLACE FUNCTION k8s_selector(selector text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    requirement constant text := '^(\s*(!?)\s*'
    || '((?:[a-z0-9.-]+/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)'
    || '(?:\s*(==?|!=|<|>)\s*((?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?)|\s+(in|notin)\s*\(([\w.,\s-]*)\))?'
    || '\s*(,|$))';
    names constant jsonb := '{"!=": "NotIn", ">": "Gt", "<": "Lt", "in": "In", "notin": "NotIn"}';
    rest text := selector;
    found text[];
    labels jsonb := '{}';
    expressions jsonb := '[]';
BEGIN
    WHILE trim(rest) <> '' OR found[8] = ',' LOOP
        found := regexp_match(rest, requirement);
        IF
            found IS NULL
            OR found[2] = '!' AND coalesce(found[4], found[6]) IS NOT NULL
            OR found[4] IN ('<', '>') AND found[5] !~ '^[0-9]+$'
        THEN
            RAISE EXCEPTION 'the label selector "%" has no requirement at "%"', selector, rest
                USING
                    ERRCODE = 'invalid_parameter_value',
                    HINT = 'A requirement is key=value, key!=value, key in (a,b), key notin (a,b), key or !key.';
        END IF;
        rest := substr(rest, length(found[1]) + 1);
        IF found[4] IN ('=', '==') AND NOT labels ? found[3] THEN
            labels := labels || jsonb_build_object(found[3], found[5]);
        ELSE
            expressions := expressions || CASE
                WHEN found[2] = '!' THEN jsonb_build_object('key', found[3], 'operator', 'DoesNotExist')
                WHEN coalesce(found[4], found[6]) IS NULL
                    THEN jsonb_build_object('key', found[3], 'operator', 'Exists')
                ELSE
                    jsonb_build_object(
                        'key', found[3],
                        'operator', coalesce(names ->> coalesce(found[4], found[6]), 'In'),
                        'values', to_jsonb(regexp_split_to_array(trim(coalesce(found[5], found[7])), '\s*,\s*'))
                    )
            END;
        END IF;
    END LOOP;
    RETURN jsonb_build_object('matchLabels', labels, 'matchExpressions', expressions);
END
$function$;

-- Whether labels meet all of a LabelSelector's matchExpressions. NotIn holds, too, where there is no such label. What is no
-- requirement, or compares with what is no number, is met by nothing.
CREATE OR REPLACE FUNCTION k8s_expressions_hold(expressions jsonb, labels jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT
        coalesce(bool_and(coalesce(
            CASE required ->> 'operator'
                WHEN 'In' THEN required -> 'values' @> (labels -> (required ->> 'key'))
                WHEN 'NotIn' THEN NOT coalesce(required -> 'values' @> (labels -> (required ->> 'key')), false)
                WHEN 'Exists' THEN labels ? (required ->> 'key')
                WHEN 'DoesNotExist' THEN NOT labels ? (required ->> 'key')
                WHEN 'Gt'
                    THEN
                        substring(labels ->> (required ->> 'key') FROM '^[0-9]{1,18}$')::bigint
                        > substring(required #>> '{values,0}' FROM '^[0-9]{1,18}$')::bigint
                WHEN 'Lt'
                    THEN
                        substring(labels ->> (required ->> 'key') FROM '^[0-9]{1,18}$')::bigint
                        < substring(required #>> '{values,0}' FROM '^[0-9]{1,18}$')::bigint
            END,
            false
        )), true)
    FROM jsonb_path_query(expressions, '$[*] ? (@ != null)') AS required
);

-- Whether a LabelSelector selects these labels: an empty one does, none at all does not. The planner sees through this
-- function to @>, which the index on labels answers; so it must stay one expression that names each argument sparingly.
CREATE OR REPLACE FUNCTION k8s_selects(selector jsonb, labels jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN labels @> coalesce(
    selector -> 'matchLabels',
    CASE WHEN jsonb_typeof(selector) = 'object' THEN selector - 'matchExpressions' END
)
AND k8s_expressions_hold(coalesce(selector -> 'matchExpressions', '[]'), labels);

-- k8s_matches(labels, 'app=web,tier in (a,b),!canary')
CREATE OR REPLACE FUNCTION k8s_matches(labels jsonb, selector text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN k8s_selects(k8s_selector(selector), labels);

COMMENT ON FUNCTION k8s_matches(jsonb, text) IS 'Whether labels match a selector: app=web,tier in (a,b),!canary.';
COMMENT ON FUNCTION k8s_selects(jsonb, jsonb) IS 'Whether a LabelSelector (matchLabels, matchExpressions) selects labels.';
