-- Label selectors in SQL: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors

-- A selector as kubectl takes it, app=web,tier in (a,b),!canary, as the LabelSelector that means the same. What the API
-- server refuses is refused: keys and values that no label can have, and numbers beyond 64 bits.
CREATE OR REPLACE FUNCTION k8s_selector(selector text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    space constant text := E' \t\r\n';
    part constant text := '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
    word constant text := '[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?';
    requirement constant text := format(
        '^([%1$s]*(!?)[%1$s]*((?:(%2$s(?:\.%2$s)*)/)?(%3$s))'
        || '(?:[%1$s]*(==?|!=|<|>)[%1$s]*((?:%3$s)?)|[%1$s]+(in|notin)[%1$s]*\(([A-Za-z0-9_.,%1$s-]*)\))?[%1$s]*(,|$))',
        space, part, word
    );
    names constant jsonb := '{"!=": "NotIn", ">": "Gt", "<": "Lt", "in": "In", "notin": "NotIn"}';
    rest text := selector;
    found text[];
    given text[];
    labels jsonb := '{}';
    expressions jsonb := '[]';
BEGIN
    WHILE btrim(rest, space) <> '' OR found[10] = ',' LOOP
        found := regexp_match(rest, requirement);
        given := CASE
            WHEN found[8] IS NULL THEN ARRAY[found[7]]
            ELSE regexp_split_to_array(btrim(found[9], space), format('[%1$s]*,[%1$s]*', space))
        END;
        IF
            found IS NULL
            OR found[2] = '!' AND coalesce(found[6], found[8]) IS NOT NULL
            OR length(found[4]) > 253
            OR length(found[5]) > 63
            OR EXISTS (SELECT FROM unnest(given) AS value WHERE value !~ format('^(%s)?$', word) OR length(value) > 63)
            OR found[6] IN ('<', '>') AND found[7] !~ '^[0-9]+$'
            OR found[6] IN ('<', '>') AND found[7]::numeric > 9223372036854775807
        THEN
            RAISE EXCEPTION 'the label selector "%" has no requirement at "%"', selector, rest
                USING
                    ERRCODE = 'invalid_parameter_value',
                    HINT = 'A requirement is key=value, key!=value, key in (a,b), key notin (a,b), key or !key.';
        END IF;
        rest := substr(rest, length(found[1]) + 1);
        IF found[6] IN ('=', '==') AND NOT labels ? found[3] THEN
            labels := labels || jsonb_build_object(found[3], found[7]);
        ELSE
            expressions := expressions || CASE
                WHEN found[2] = '!' THEN jsonb_build_object('key', found[3], 'operator', 'DoesNotExist')
                WHEN coalesce(found[6], found[8]) IS NULL
                    THEN jsonb_build_object('key', found[3], 'operator', 'Exists')
                ELSE
                    jsonb_build_object(
                        'key', found[3],
                        'operator', coalesce(names ->> coalesce(found[6], found[8]), 'In'),
                        'values', to_jsonb(given)
                    )
            END;
        END IF;
    END LOOP;
    RETURN jsonb_build_object('matchLabels', labels, 'matchExpressions', expressions);
END
$function$;

-- A label that is an integer of 64 bits, however many zeros it begins with; null for what is none.
CREATE OR REPLACE FUNCTION k8s_integer(label text)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN substring(label FROM '^0*([0-9]{1,19})$')::numeric <= 9223372036854775807
        THEN substring(label FROM '^0*([0-9]{1,19})$')::numeric
END;

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
                    THEN k8s_integer(labels ->> (required ->> 'key')) > k8s_integer(required #>> '{values,0}')
                WHEN 'Lt'
                    THEN k8s_integer(labels ->> (required ->> 'key')) < k8s_integer(required #>> '{values,0}')
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
