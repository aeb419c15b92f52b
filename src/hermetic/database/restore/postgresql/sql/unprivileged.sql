-- What the owner of a database may do, without a superuser's rights. Foreign keys hold during a restore, so tables are
-- emptied before those that they refer to and filled after them; and since nothing tells of DDL, the catalog is compared.

CREATE FUNCTION pg_hermetic.firing_states() RETURNS "char"[] LANGUAGE sql IMMUTABLE AS $$ SELECT '{A,R,O}'::"char"[] $$;

-- What is dirty, and every table that refers to any of that, directly or not: its rows would be in the way.
CREATE FUNCTION pg_hermetic.concerned() RETURNS SETOF oid LANGUAGE sql AS $$
    WITH RECURSIVE concerned AS (
        SELECT relid FROM pg_hermetic.take_dirty()
        UNION
        SELECT f.conrelid FROM concerned JOIN pg_catalog.pg_constraint f ON f.contype = 'f' AND f.confrelid = concerned.relid
    )
    SELECT relid FROM concerned
$$;

CREATE FUNCTION pg_hermetic.put_back_tables() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    relids oid[] := (SELECT array_agg(relid) FROM pg_hermetic.concerned() relid);
    t pg_hermetic.tables;
BEGIN
    IF relids IS NULL THEN
        RETURN false;
    END IF;
    SET CONSTRAINTS ALL DEFERRED;
    FOR t IN SELECT * FROM pg_hermetic.tables WHERE relid = ANY (relids) ORDER BY rank DESC LOOP
        IF t.guard IS NOT NULL THEN
            EXECUTE t.guard;
        END IF;
        EXECUTE 'DELETE FROM ONLY ' || t.name;
    END LOOP;
    FOR t IN SELECT * FROM pg_hermetic.tables WHERE relid = ANY (relids) ORDER BY rank LOOP
        IF t.filled THEN
            PERFORM pg_hermetic.fill(t);
        END IF;
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE; -- a table with checks still to come cannot be altered
    FOR t IN SELECT * FROM pg_hermetic.tables WHERE relid = ANY (relids) AND unguard IS NOT NULL LOOP
        EXECUTE t.unguard;
    END LOOP;
    RETURN true;
END $$;

-- Every row of the catalog that the application can make, by who wrote it last. hermetic's own objects do not count.
CREATE FUNCTION pg_hermetic.catalog() RETURNS text LANGUAGE sql STABLE AS $$
    WITH own AS (
        SELECT oid FROM pg_catalog.pg_namespace WHERE NOT pg_hermetic.is_hidden(oid)
    ), relations AS (
        SELECT oid, xmin FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM own) AND oid >= 16384
    )
    SELECT md5(concat_ws('|',
        (SELECT string_agg(format('%s %s', oid, nspacl), ',' ORDER BY oid) FROM pg_catalog.pg_namespace WHERE oid IN (SELECT oid FROM own)),
        (SELECT string_agg(format('%s %s %s %s %s', oid, relname, relkind, relacl, relrowsecurity), ',' ORDER BY oid)
            FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM own) AND oid >= 16384),
        (SELECT string_agg(format('%s %s %s', attrelid, attnum, xmin), ',' ORDER BY attrelid, attnum)
            FROM pg_catalog.pg_attribute WHERE attnum > 0 AND attrelid IN (SELECT oid FROM relations)),
        (SELECT string_agg(format('%s %s', oid, xmin), ',' ORDER BY oid) FROM pg_catalog.pg_type
            WHERE typnamespace IN (SELECT oid FROM own) AND oid >= 16384),
        (SELECT string_agg(format('%s %s', oid, xmin), ',' ORDER BY oid) FROM pg_catalog.pg_enum),
        (SELECT string_agg(format('%s %s', oid, xmin), ',' ORDER BY oid) FROM pg_catalog.pg_proc
            WHERE pronamespace IN (SELECT oid FROM own) AND oid >= 16384),
        (SELECT string_agg(format('%s %s', oid, xmin), ',' ORDER BY oid) FROM pg_catalog.pg_constraint
            WHERE connamespace IN (SELECT oid FROM own)),
        (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_catalog.pg_trigger
            WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM relations)),
        (SELECT string_agg(format('%s %s', oid, xmin), ',' ORDER BY oid) FROM pg_catalog.pg_policy),
        (SELECT string_agg(format('%s %s', oid, xmin), ',' ORDER BY oid) FROM pg_catalog.pg_rewrite
            WHERE ev_class IN (SELECT oid FROM relations)),
        (SELECT string_agg(format('%s %s', oid, xmin), ',' ORDER BY oid) FROM pg_catalog.pg_attrdef
            WHERE adrelid IN (SELECT oid FROM relations)),
        (SELECT string_agg(format('%s %s', seqrelid, xmin), ',' ORDER BY seqrelid) FROM pg_catalog.pg_sequence),
        (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_catalog.pg_extension)
    ))
$$;

CREATE TABLE pg_hermetic.catalog_seen (digest text);

CREATE FUNCTION pg_hermetic.see_catalog() RETURNS void LANGUAGE sql AS $$
    DELETE FROM pg_hermetic.catalog_seen;
    INSERT INTO pg_hermetic.catalog_seen SELECT pg_hermetic.catalog();
$$;

CREATE FUNCTION pg_hermetic.was_altered() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT pg_hermetic.catalog() IS DISTINCT FROM (SELECT digest FROM pg_hermetic.catalog_seen)
$$;

CREATE FUNCTION pg_hermetic.undo_ddl() RETURNS text LANGUAGE sql AS $$ SELECT 'anew' $$;
