-- What anybody may have set on relations and functions of this schema, each with the statement that sets it: on all that
-- are ours by their names, or on one relation. `taken_back` undoes what comes by itself with a new relation, from default
-- privileges. Some can only be set after others: by `step`.
WITH relation AS (
    SELECT
        class.oid,
        class.relowner,
        class.relacl,
        class.reloptions,
        class.oid::regclass::text AS name,
        CASE class.relkind WHEN 'v' THEN 'VIEW' WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END AS sort
    FROM pg_class AS class
    WHERE
        class.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
        AND class.relkind IN ('r', 'p', 'v', 'i')
        AND coalesce(class.relname = %(relation)s::text, class.relname ~ '^k8s_')
),

attribute AS (
    SELECT
        relation.oid,
        relation.name,
        relation.sort,
        relation.relowner,
        attribute.attnum,
        attribute.attname,
        attribute.attacl
    FROM relation
    INNER JOIN pg_attribute AS attribute ON relation.oid = attribute.attrelid
    WHERE relation.sort <> 'INDEX' AND attribute.attnum > 0 AND NOT attribute.attisdropped
),

function AS (
    SELECT
        routine.oid,
        routine.proowner,
        routine.proconfig,
        routine.oid::regprocedure::text AS name,
        format(
            'COST %%s %%s %%s',
            routine.procost,
            CASE WHEN routine.proleakproof THEN 'LEAKPROOF' ELSE 'NOT LEAKPROOF' END,
            CASE WHEN routine.prosecdef THEN 'SECURITY DEFINER' ELSE 'SECURITY INVOKER' END
        ) AS properties
    FROM pg_proc AS routine
    WHERE
        routine.pronamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
        AND routine.prokind = 'f'
        AND routine.proname ~ '^k8s_'
        AND %(relation)s::text IS NULL
),

privilege AS (
    SELECT
        relation.name,
        relation.relowner,
        NULL::name AS attname,
        acl.*
    FROM relation
    CROSS JOIN aclexplode(coalesce(relation.relacl, acldefault('r', relation.relowner))) AS acl
    WHERE relation.sort <> 'INDEX'
    UNION ALL
    SELECT
        attribute.name,
        attribute.relowner,
        attribute.attname,
        acl.*
    FROM attribute
    CROSS JOIN aclexplode(attribute.attacl) AS acl
),

given AS (
    SELECT
        name,
        attname,
        grantor <> relowner AS by_another,
        pg_get_userbyid(grantor) AS grantor,
        CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee,
        concat(privilege_type, ' (' || quote_ident(attname) || ')') AS privilege,
        CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS option
    FROM privilege
),

attachment (object, what, of_column, step, statement, taken_back) AS (
    SELECT
        name,
        'owner',
        NULL,
        1,
        format('ALTER %%s %%s OWNER TO %%I', sort, name, pg_get_userbyid(relowner)),
        NULL
    FROM relation
    WHERE sort <> 'INDEX'
    UNION ALL
    SELECT
        relation.name,
        'option ' || split_part(option.text, '=', 1),
        NULL,
        2,
        format(
            'ALTER %%s %%s SET (%%I = %%L)',
            relation.sort, relation.name, split_part(option.text, '=', 1), substr(option.text, strpos(option.text, '=') + 1)
        ),
        NULL
    FROM relation
    CROSS JOIN unnest(relation.reloptions) AS option (text)
    UNION ALL
    SELECT
        name,
        concat_ws(' ', privilege, grantee, grantor, option),
        attname,
        3 + by_another::integer,
        format('SET LOCAL ROLE %%I; ', CASE WHEN by_another THEN grantor ELSE current_user END)
        || format('GRANT %%s ON %%s TO %%s%%s; SET LOCAL ROLE %%I', privilege, name, grantee, option, current_user),
        format('REVOKE %%s ON %%s FROM %%s', privilege, name, grantee)
    FROM given
    UNION ALL
    SELECT
        name,
        'comment',
        NULL,
        5,
        format('COMMENT ON %%s %%s IS %%L', sort, name, obj_description(oid, 'pg_class')),
        NULL
    FROM relation
    UNION ALL
    SELECT
        name,
        'comment of ' || attname,
        attname,
        5,
        format('COMMENT ON COLUMN %%s.%%I IS %%L', name, attname, col_description(oid, attnum)),
        NULL
    FROM attribute
    UNION ALL
    SELECT
        attribute.name,
        'default of ' || attribute.attname,
        attribute.attname,
        5,
        format(
            'ALTER VIEW %%s ALTER COLUMN %%I SET DEFAULT %%s',
            attribute.name, attribute.attname, pg_get_expr(value.adbin, value.adrelid)
        ),
        NULL
    FROM attribute
    INNER JOIN pg_attrdef AS value ON attribute.oid = value.adrelid AND attribute.attnum = value.adnum
    WHERE attribute.sort = 'VIEW'
    UNION ALL
    SELECT
        relation.name,
        'rule ' || rule.rulename,
        NULL,
        5,
        pg_get_ruledef(rule.oid),
        NULL
    FROM relation
    INNER JOIN pg_rewrite AS rule ON relation.oid = rule.ev_class
    WHERE relation.sort = 'VIEW' AND rule.rulename <> '_RETURN'
    UNION ALL
    SELECT
        relation.name,
        'trigger ' || trigger.tgname,
        NULL,
        5,
        pg_get_triggerdef(trigger.oid),
        NULL
    FROM relation
    INNER JOIN pg_trigger AS trigger ON relation.oid = trigger.tgrelid
    WHERE relation.sort = 'VIEW' AND NOT trigger.tgisinternal
    UNION ALL
    SELECT
        name,
        'owner',
        NULL,
        1,
        format('ALTER FUNCTION %%s OWNER TO %%I', name, pg_get_userbyid(proowner)),
        NULL
    FROM function
    UNION ALL
    SELECT
        name,
        'properties',
        NULL,
        2,
        format('ALTER FUNCTION %%s %%s', name, properties),
        NULL
    FROM function
    UNION ALL
    SELECT
        function.name,
        'setting ' || split_part(setting.text, '=', 1),
        NULL,
        2,
        -- These are lists, and quoted as such already.
        format(
            CASE
                WHEN split_part(setting.text, '=', 1) IN ('search_path', 'temp_tablespaces')
                    THEN 'ALTER FUNCTION %%s SET %%s TO %%s'
                ELSE 'ALTER FUNCTION %%s SET %%s TO %%L'
            END,
            function.name, split_part(setting.text, '=', 1), substr(setting.text, strpos(setting.text, '=') + 1)
        ),
        NULL
    FROM function
    CROSS JOIN unnest(function.proconfig) AS setting (text)
    UNION ALL
    SELECT
        name,
        'comment',
        NULL,
        5,
        format('COMMENT ON FUNCTION %%s IS %%L', name, obj_description(oid, 'pg_proc')),
        NULL
    FROM function
)

SELECT *
FROM attachment
ORDER BY step;
