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

CREATE FUNCTION pg_hermetic.prepare(t pg_hermetic.tables) RETURNS void LANGUAGE sql IMMUTABLE AS $$ SELECT NULL::void $$;

CREATE FUNCTION pg_hermetic.put_back_tables() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    relids oid[] := (SELECT array_agg(relid) FROM pg_hermetic.concerned() relid);
    t pg_hermetic.tables;
BEGIN
    IF relids IS NULL THEN
        RETURN false;
    END IF;
    FOR t IN SELECT * FROM pg_hermetic.tables WHERE relid = ANY (relids) AND guard IS NOT NULL LOOP
        EXECUTE t.guard;
    END LOOP;
    SET CONSTRAINTS ALL DEFERRED;
    FOR t IN SELECT * FROM pg_hermetic.tables WHERE relid = ANY (relids) ORDER BY rank DESC LOOP
        EXECUTE 'DELETE FROM ONLY ' || t.name;
    END LOOP;
    FOR t IN SELECT * FROM pg_hermetic.tables WHERE relid = ANY (relids) AND filled ORDER BY rank LOOP
        EXECUTE pg_hermetic.filling(t);
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE; -- a table with checks still to come cannot be altered
    FOR t IN SELECT * FROM pg_hermetic.tables WHERE relid = ANY (relids) AND unguard IS NOT NULL LOOP
        EXECUTE t.unguard;
    END LOOP;
    RETURN true;
END $$;

CREATE FUNCTION pg_hermetic.is_policed() RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$;

-- Tables that refer to each other in a circle have no order; their foreign keys are checked in the end instead.
CREATE FUNCTION pg_hermetic.also_in_the_way(table_oid oid) RETURNS TABLE (off text, back text) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE reached AS (
        SELECT conname, confrelid FROM pg_catalog.pg_constraint
        WHERE contype = 'f' AND conrelid = table_oid AND confrelid <> table_oid AND NOT condeferrable AND conparentid = 0
        UNION
        SELECT reached.conname, f.confrelid FROM reached
        JOIN pg_catalog.pg_constraint f ON f.contype = 'f' AND f.conrelid = reached.confrelid
    )
    SELECT format('ALTER CONSTRAINT %I DEFERRABLE', conname), format('ALTER CONSTRAINT %I NOT DEFERRABLE', conname)
    FROM reached WHERE confrelid = table_oid
$$;

CREATE FUNCTION pg_hermetic.large_objects_digest() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT md5(string_agg(format('%s %s %s %s', oid, lomowner, lomacl, md5(lo_get(oid))), ',' ORDER BY oid))
    FROM pg_catalog.pg_largeobject_metadata
$$;

-- They are all its own; who else may do what with them is told by GRANT alone.
CREATE FUNCTION pg_hermetic.put_back_rights_on_large_objects() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    o record;
BEGIN
    FOR o IN
        SELECT loid, privilege_type AS what, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS grantee
        FROM pg_hermetic.large_objects, aclexplode(acl::aclitem[]) WHERE grantee <> owner
    LOOP
        EXECUTE format('GRANT %s ON LARGE OBJECT %s TO %s', o.what, o.loid, o.grantee);
    END LOOP;
END $$;

-- What materialized views hold: REFRESH ... CONCURRENTLY leaves no trace in the catalog.
CREATE FUNCTION pg_hermetic.view_rows() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v record;
    one text;
    every text := '';
BEGIN
    FOR v IN SELECT name FROM pg_hermetic.relations WHERE relkind = 'm' AND relispopulated ORDER BY oid LOOP
        EXECUTE format('SELECT md5(string_agg((m.*)::text, '','' ORDER BY (m.*)::text COLLATE "C")) FROM %s m', v.name) INTO one;
        every := concat_ws(' ', every, v.name, one);
    END LOOP;
    RETURN every;
END $$;

CREATE FUNCTION pg_hermetic.schema_state() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(' ', pg_hermetic.catalog(), pg_hermetic.large_objects_digest())
$$;

CREATE TABLE pg_hermetic.catalog_seen (digest text);

CREATE FUNCTION pg_hermetic.see_schema() RETURNS void LANGUAGE sql AS $$
    DELETE FROM pg_hermetic.catalog_seen;
    INSERT INTO pg_hermetic.catalog_seen SELECT pg_hermetic.catalog();
$$;

CREATE VIEW pg_hermetic.schema_seen AS
    SELECT pg_hermetic.catalog() IS DISTINCT FROM (SELECT digest FROM pg_hermetic.catalog_seen) AS was_altered;

CREATE FUNCTION pg_hermetic.hear_of_ddl() RETURNS void LANGUAGE sql AS $$ SELECT NULL::void $$;

-- Whether nothing of the baseline was dropped. That something was altered is not told.
CREATE FUNCTION pg_hermetic.only_added() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT classid, objid FROM pg_hermetic.objects EXCEPT SELECT classid, objid FROM pg_hermetic.objects_now())
$$;

CREATE FUNCTION pg_hermetic.undone_by_dropping() RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT false $$;

CREATE FUNCTION pg_hermetic.undo_ddl() RETURNS text LANGUAGE sql AS $$ SELECT 'anew' $$;

-- The catalog has the owners of everything.
CREATE FUNCTION pg_hermetic.was_reassigned() RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT false $$;

CREATE FUNCTION pg_hermetic.note_owners() RETURNS void LANGUAGE sql IMMUTABLE AS $$ SELECT NULL::void $$;

-- Only a superuser may read when a role was written. Nor may others change one, but for settings of their own.
CREATE VIEW pg_hermetic.roles AS SELECT NULL::xid AS version WHERE false;
