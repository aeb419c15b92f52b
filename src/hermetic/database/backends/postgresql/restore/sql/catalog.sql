-- For a role that may have no event triggers: everything in the catalog that the application can make or change, as a
-- digest. Which catalogs there are is read from the catalog itself, so that what a version of PostgreSQL adds is seen.

-- Not compared: what the server writes by itself, what follows from the rest, and large objects, which are put back.
CREATE FUNCTION pg_hermetic.is_compared(catalog pg_catalog.pg_class) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT catalog.relnamespace = 'pg_catalog'::regnamespace AND catalog.relkind = 'r' AND NOT catalog.relisshared
        AND catalog.relname NOT IN (
            'pg_depend', 'pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_largeobject_metadata'
        )
        AND pg_catalog.has_table_privilege(catalog.oid, 'SELECT')
$$;

-- What tells a row's version. Where nothing of ours touches a catalog, the transaction that wrote the row last; else what
-- it says, without what VACUUM, REINDEX, REFRESH and the like write.
CREATE FUNCTION pg_hermetic.row_version(catalog pg_catalog.pg_class, first name) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN catalog.relname IN ('pg_class', 'pg_constraint', 'pg_description', 'pg_index', 'pg_rewrite', 'pg_trigger')
            THEN (
                SELECT string_agg(format('c.%I', attname), ', ' ORDER BY attnum) FROM pg_catalog.pg_attribute
                WHERE attrelid = catalog.oid AND attnum > 0 AND NOT attisdropped AND attname NOT IN (
                    'relfilenode', 'relpages', 'reltuples', 'relallvisible', 'relallfrozen', 'relfrozenxid', 'relminmxid',
                    'relhasindex', 'relhasrules', 'relhastriggers', 'relhassubclass', 'reltoastrelid', 'relrewrite',
                    'indcheckxmin'
                )
            )
        ELSE format('c.%I, c.xmin', first)
    END
$$;

-- Which of its rows may be the application's. What initdb made is no one's to change but for the schema public, and
-- comments on it and on large objects, whose numbers anybody may choose. What belongs to our own tables is not compared.
CREATE FUNCTION pg_hermetic.rows_compared(catalog pg_catalog.pg_class, first pg_catalog.pg_attribute)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(
        ' AND ',
        CASE catalog.relname
            WHEN 'pg_namespace' THEN 'c.oid NOT IN (SELECT oid FROM spaces)'
            WHEN 'pg_description' THEN
                '(c.objoid >= 16384 OR c.classoid IN (''pg_largeobject''::regclass, ''pg_namespace''::regclass))'
            ELSE format('c.%I%s >= 16384', first.attname, CASE WHEN first.atttypid = 'oid'::regtype THEN '' ELSE '::oid' END)
        END,
        (
            SELECT string_agg(
                format(
                    'c.%I NOT IN (SELECT oid FROM %s)', fkcols[1],
                    CASE pktable WHEN 'pg_namespace'::regclass THEN 'spaces' ELSE 'ours' END
                ), ' AND ' ORDER BY fkcols
            )
            FROM pg_catalog.pg_get_catalog_foreign_keys()
            WHERE fktable = catalog.oid AND pktable IN ('pg_namespace'::regclass, 'pg_class'::regclass)
                AND cardinality(fkcols) = 1 AND NOT is_array AND NOT is_opt
        )
    )
$$;

-- Makes catalog(), whose plan is kept for as long as our session lives.
CREATE FUNCTION pg_hermetic.make_catalog() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    lines text;
BEGIN
    SELECT string_agg(
        format(
            'SELECT %L || ROW(%s)::text AS line FROM pg_catalog.%I c WHERE %s', c.relname || ' ',
            pg_hermetic.row_version(c, a.attname), c.relname, pg_hermetic.rows_compared(c, a)
        ), ' UNION ALL ' ORDER BY c.relname
    ) INTO lines
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
    WHERE pg_hermetic.is_compared(c);
    EXECUTE format(
        $f$
        CREATE FUNCTION pg_hermetic.catalog() RETURNS text LANGUAGE plpgsql STABLE AS $b$ BEGIN RETURN (
            WITH spaces AS MATERIALIZED (
                SELECT oid FROM pg_catalog.pg_namespace
                WHERE pg_hermetic.is_hidden(oid) AND nspname NOT IN ('pg_catalog', 'information_schema')
            ), ours AS MATERIALIZED (
                SELECT oid FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM spaces)
            ), lines AS (
                %s
                UNION ALL SELECT 'mapping ' || (u.*)::text FROM pg_catalog.pg_user_mappings u
                UNION ALL SELECT 'views ' || pg_hermetic.view_rows()
            )
            SELECT pg_catalog.md5(string_agg(line, ',' ORDER BY line COLLATE "C")) FROM lines
        ); END $b$
        $f$, lines
    );
END $$;
SELECT pg_hermetic.make_catalog();
