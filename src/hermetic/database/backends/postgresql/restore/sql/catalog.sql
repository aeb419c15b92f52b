-- For a role that may have no event triggers: everything in the catalog that the application can make or change, as a
-- digest.

-- What tells a row's version. Where nothing of ours touches a catalog, the transaction that wrote the row last; else what
-- it says.
CREATE FUNCTION pg_hermetic.row_version(catalog pg_catalog.pg_class, first name) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN catalog.relname IN ('pg_class', 'pg_constraint', 'pg_description', 'pg_index', 'pg_rewrite', 'pg_trigger')
            THEN (
                SELECT string_agg(format('c.%I', attname), ', ' ORDER BY attnum) FROM pg_catalog.pg_attribute
                WHERE attrelid = catalog.oid AND attnum > 0 AND NOT attisdropped AND NOT pg_hermetic.changes_by_itself(attname)
            )
        ELSE format('c.%I, c.xmin', first)
    END
$$;

SELECT pg_hermetic.make_digest('catalog', (
    SELECT string_agg(
        format(
            'SELECT %L || ROW(%s)::text AS line FROM pg_catalog.%I c WHERE %s', c.relname || ' ',
            pg_hermetic.row_version(c, a.attname), c.relname, pg_hermetic.rows_compared(c, a)
        ), ' UNION ALL ' ORDER BY c.relname
    )
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
    WHERE pg_hermetic.is_compared(c)
) || ' UNION ALL SELECT ''views '' || pg_hermetic.view_rows()');
