-- What the schema is, by names: the whole catalog as a digest that is the same where everything was dropped and made
-- again as it was. Which catalogs there are, and which of their columns hold the number of what, is read from the catalog
-- itself, so that what a version of PostgreSQL adds is seen. What is not known to be a name stands as it is: the digests
-- of two schemas that are the same may differ, those of two that differ are never the same.

-- Not compared: what the server writes by itself, what follows from the rest, and large objects, which are put back. Of
-- dependencies two kinds do not follow from it (below): which column owns a sequence, and what belongs to an extension.
CREATE FUNCTION pg_hermetic.is_compared(catalog pg_catalog.pg_class) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT catalog.relnamespace = 'pg_catalog'::regnamespace AND catalog.relkind = 'r' AND NOT catalog.relisshared
        AND catalog.relname NOT IN (
            'pg_depend', 'pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_largeobject_metadata'
        )
        AND pg_catalog.has_table_privilege(catalog.oid, 'SELECT')
$$;

-- What VACUUM, REINDEX, REFRESH and the like write.
CREATE FUNCTION pg_hermetic.changes_by_itself(attribute name) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT attribute IN (
        'relfilenode', 'relpages', 'reltuples', 'relallvisible', 'relallfrozen', 'relfrozenxid', 'relminmxid', 'relhasindex',
        'relhasrules', 'relhastriggers', 'relhassubclass', 'reltoastrelid', 'relrewrite', 'indcheckxmin'
    )
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

-- Makes a function that returns the digest of some lines of the catalogs, whose plan is kept for as long as our session
-- lives. lines: a statement that returns them.
CREATE FUNCTION pg_hermetic.make_digest(digest name, lines text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        $f$
        CREATE FUNCTION pg_hermetic.%I() RETURNS text LANGUAGE plpgsql STABLE AS $b$ BEGIN RETURN (
            WITH spaces AS MATERIALIZED (
                SELECT oid FROM pg_catalog.pg_namespace
                WHERE pg_hermetic.is_hidden(oid) AND nspname NOT IN ('pg_catalog', 'information_schema')
            ), ours AS MATERIALIZED (
                SELECT oid FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM spaces)
            ), lines AS (
                %s
                UNION ALL SELECT 'mapping ' || (u.*)::text FROM pg_catalog.pg_user_mappings u
            )
            SELECT pg_catalog.md5(string_agg(line, ',' ORDER BY line COLLATE "C")) FROM lines
        ); END $b$
        $f$, digest, lines
    );
END $$;

-- How a column of a catalog is read where numbers do not matter; refers_to: the catalog of which it holds a number.
CREATE FUNCTION pg_hermetic.by_name(catalog name, attribute pg_catalog.pg_attribute, refers_to regclass)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN refers_to = 'pg_class'::regclass THEN format('c.%I::regclass::text', attribute.attname)
        WHEN refers_to = 'pg_type'::regclass THEN format('c.%I::regtype::text', attribute.attname)
        WHEN refers_to = 'pg_proc'::regclass THEN format('c.%I::regprocedure::text', attribute.attname)
        WHEN refers_to = 'pg_constraint'::regclass
            THEN format('(SELECT k.conname FROM pg_catalog.pg_constraint k WHERE k.oid = c.%I)', attribute.attname)
        WHEN catalog = 'pg_description' AND attribute.attname = 'objoid'
            THEN 'pg_catalog.pg_describe_object(c.classoid, c.objoid, c.objsubid)'
        WHEN attribute.attname = 'attoptions' -- minor releases note there by themselves when a column was made
            THEN 'ARRAY(SELECT o FROM unnest(c.attoptions) o WHERE NOT o ^@ ''pg_'')'
        WHEN attribute.attname = 'tgname' -- those of foreign keys are called after their number
            THEN '(CASE WHEN c.tgisinternal THEN '''' ELSE c.tgname END)'
        WHEN attribute.atttypid = 'pg_node_tree'::regtype THEN coalesce(
            (
                SELECT format('pg_catalog.pg_get_expr(c.%I, c.%I)', attribute.attname, relation)
                FROM (VALUES
                    ('pg_attrdef'::name, 'adrelid'), ('pg_constraint', 'conrelid'), ('pg_index', 'indrelid'),
                    ('pg_trigger', 'tgrelid'), ('pg_policy', 'polrelid')
                ) AS expressions (name, relation)
                WHERE name = catalog
            ), format('c.%I', attribute.attname)
        )
        ELSE format('c.%I', attribute.attname)
    END
$$;

CREATE FUNCTION pg_hermetic.shape_of_rows(catalog pg_catalog.pg_class) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(pg_hermetic.by_name(catalog.relname, a, pktable), ', ' ORDER BY attnum)
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_get_catalog_foreign_keys()
        ON fktable = catalog.oid AND cardinality(fkcols) = 1 AND NOT is_array AND fkcols[1] = attname
    WHERE attrelid = catalog.oid AND attnum > 0 AND NOT attisdropped AND attname <> 'oid'
        AND NOT pg_hermetic.changes_by_itself(attname)
$$;

SELECT pg_hermetic.make_digest('shape', (
    SELECT string_agg(
        format(
            'SELECT %L || ROW(%s)::text AS line FROM pg_catalog.%I c WHERE %s%s', c.relname || ' ', pg_hermetic.shape_of_rows(c),
            c.relname, pg_hermetic.rows_compared(c, a), CASE c.relname
                WHEN 'pg_attribute' THEN ' AND c.attnum > 0'
                WHEN 'pg_trigger' THEN ' AND NOT c.tgname ^@ ''zz_hermetic'''
                ELSE ''
            END
        ), ' UNION ALL ' ORDER BY c.relname
    )
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
    WHERE pg_hermetic.is_compared(c)
) || $$
    UNION ALL SELECT concat_ws(
        ' ', 'dependency', pg_catalog.pg_describe_object(classid, objid, objsubid),
        pg_catalog.pg_describe_object(refclassid, refobjid, refobjsubid)
    )
    FROM pg_catalog.pg_depend LEFT JOIN pg_catalog.pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid
    WHERE objid >= 16384 AND objid NOT IN (SELECT oid FROM ours)
        AND (deptype IN ('e', 'x') OR deptype = 'a' AND c.relkind = 'S')
$$);
