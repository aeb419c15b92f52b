-- What is in the catalog and was not there from the start, with who may do what to it. What is ours, or temporary, comes
-- and goes with our sessions and fixtures; but for our triggers, which the owner of a table can drop.
CREATE FUNCTION pg_hermetic.objects_now() RETURNS TABLE (classid oid, objid oid, acl text) LANGUAGE sql STABLE AS $$
    WITH ours AS (SELECT oid FROM pg_catalog.pg_namespace WHERE pg_hermetic.is_hidden(oid))
    SELECT 'pg_class'::regclass::oid, oid, concat_ws(' ', relacl, (
            SELECT string_agg(format('%s %s', attnum, attacl), ',' ORDER BY attnum)
            FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL
        ))
        FROM pg_catalog.pg_class c WHERE oid >= 16384 AND relnamespace NOT IN (SELECT oid FROM ours)
    UNION ALL SELECT 'pg_type'::regclass, oid, typacl::text FROM pg_catalog.pg_type
        WHERE oid >= 16384 AND typnamespace NOT IN (SELECT oid FROM ours)
    UNION ALL SELECT 'pg_proc'::regclass, oid, proacl::text FROM pg_catalog.pg_proc
        WHERE oid >= 16384 AND pronamespace NOT IN (SELECT oid FROM ours)
    UNION ALL SELECT 'pg_namespace'::regclass, oid, nspacl::text FROM pg_catalog.pg_namespace
        WHERE (oid >= 16384 OR nspname = 'public') AND oid NOT IN (SELECT oid FROM ours)
    UNION ALL SELECT 'pg_constraint'::regclass, oid, NULL FROM pg_catalog.pg_constraint
        WHERE oid >= 16384 AND connamespace NOT IN (SELECT oid FROM ours)
    UNION ALL SELECT 'pg_trigger'::regclass, oid, NULL FROM pg_catalog.pg_trigger WHERE oid >= 16384
    UNION ALL SELECT 'pg_rewrite'::regclass, oid, NULL FROM pg_catalog.pg_rewrite
        WHERE oid >= 16384 AND ev_class NOT IN (SELECT oid FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM ours))
    UNION ALL SELECT 'pg_policy'::regclass, oid, NULL FROM pg_catalog.pg_policy
    UNION ALL SELECT 'pg_attrdef'::regclass, oid, NULL FROM pg_catalog.pg_attrdef
        WHERE adrelid NOT IN (SELECT oid FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM ours))
    UNION ALL SELECT 'pg_extension'::regclass, oid, NULL FROM pg_catalog.pg_extension
    UNION ALL SELECT 'pg_collation'::regclass, oid, NULL FROM pg_catalog.pg_collation WHERE oid >= 16384
    UNION ALL SELECT 'pg_operator'::regclass, oid, NULL FROM pg_catalog.pg_operator WHERE oid >= 16384
    UNION ALL SELECT 'pg_cast'::regclass, oid, NULL FROM pg_catalog.pg_cast WHERE oid >= 16384
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, NULL FROM pg_catalog.pg_statistic_ext
$$;

CREATE FUNCTION pg_hermetic.drop_statement(kind text, identity text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN kind IN (
            'table', 'index', 'sequence', 'view', 'materialized view', 'type', 'function', 'procedure', 'aggregate',
            'trigger', 'policy', 'rule', 'schema', 'extension', 'foreign table', 'operator', 'operator class',
            'operator family', 'cast', 'collation', 'conversion', 'text search configuration',
            'text search dictionary', 'text search parser', 'text search template', 'event trigger', 'publication',
            'foreign-data wrapper', 'server'
        ) THEN format('DROP %s IF EXISTS %s CASCADE', kind, identity)
        WHEN kind = 'statistics object' THEN format('DROP STATISTICS IF EXISTS %s CASCADE', identity)
    END
$$;

-- Restore after DDL, in one transaction. 'undone', 'made' or 'found' (see remaking.sql), 'refreshed' (nothing but views was
-- touched), or 'anew' (nothing was done: only a copy of the origin brings the schema back).
CREATE FUNCTION pg_hermetic.restore_after_ddl(OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
    acted_on tid[];
BEGIN
    SELECT array_agg(ctid) INTO acted_on FROM pg_hermetic.ddl;
    outcome := pg_hermetic.undo_ddl();
    IF outcome = 'anew' THEN
        outcome := pg_hermetic.remake();
    END IF;
    IF outcome = 'anew' THEN
        RETURN;
    END IF;
    PERFORM pg_hermetic.put_back_tables();
    PERFORM pg_hermetic.put_back_sequences();
    IF (SELECT changed FROM pg_hermetic.large_objects_compared) THEN
        PERFORM pg_hermetic.put_back_large_objects();
    END IF;
    PERFORM pg_hermetic.put_back_views();
    DELETE FROM pg_hermetic.ddl WHERE ctid = ANY (acted_on);
    PERFORM pg_hermetic.see_schema();
END $$;

-- Whether the schema is not what it was when the baseline was marked.
CREATE FUNCTION pg_hermetic.schema_changed() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT was_altered OR l.changed FROM pg_hermetic.schema_seen, pg_hermetic.large_objects_compared l
$$;

CREATE FUNCTION pg_hermetic.is_dirty() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN pg_hermetic.schema_changed() THEN true -- a sequence that is gone could not be read
        ELSE EXISTS (SELECT FROM pg_hermetic.marks) OR EXISTS (SELECT FROM pg_hermetic.dirty)
            OR EXISTS (SELECT FROM pg_hermetic.moved())
    END
$$;
