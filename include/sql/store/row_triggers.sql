-- Whether a table has triggers of others that see each row, and may have it left as it is.
SELECT count(*) > 0 AS are_there
FROM pg_trigger AS trigger
WHERE
    trigger.tgrelid = to_regclass(quote_ident(%(table)s))
    AND NOT trigger.tgisinternal
    AND trigger.tgenabled <> 'D'
    AND trigger.tgtype & 1 = 1;
