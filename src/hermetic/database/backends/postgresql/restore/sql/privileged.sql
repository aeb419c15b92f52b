-- What a superuser may do: its session is a replica, for which neither foreign keys nor ordinary triggers fire, so that
-- each table is put back by itself.
CREATE FUNCTION pg_hermetic.firing_states() RETURNS "char"[] LANGUAGE sql IMMUTABLE AS $$ SELECT '{A,R}'::"char"[] $$;

CREATE FUNCTION pg_hermetic.put_back_tables() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
    taken record := pg_hermetic.take_marks();
    written oid;
    anything boolean := false;
BEGIN
    FOREACH written IN ARRAY taken.touched LOOP
        SELECT * INTO t FROM pg_hermetic.tables WHERE relid = written;
        CONTINUE WHEN NOT FOUND;
        anything := true;
        IF t.guard IS NOT NULL THEN
            EXECUTE t.guard;
        END IF;
        IF t.by_row AND written <> ALL (taken.whole) THEN
            EXECUTE format('CALL pg_hermetic.r%s()', t.relid);
        ELSE
            IF t.by_row THEN -- before the rows: what is committed in between is noted for the next restore
                EXECUTE format('DELETE FROM pg_hermetic.k%s', t.relid);
            END IF;
            EXECUTE format('CALL pg_hermetic.w%s(%L)', t.relid, t.filled);
        END IF;
        IF t.unguard IS NOT NULL THEN
            EXECUTE t.unguard;
        END IF;
    END LOOP;
    RETURN anything;
END $$;

-- A table's own procedure: its plans are made once a session, and a CALL needs none.
CREATE FUNCTION pg_hermetic.prepare(t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE PROCEDURE pg_hermetic.w%s(filled boolean) LANGUAGE plpgsql AS $b$'
        ' BEGIN DELETE FROM ONLY %s; IF filled THEN %s; END IF; END $b$',
        t.relid, t.name, pg_hermetic.filling(t)
    );
END $$;

CREATE FUNCTION pg_hermetic.is_policed() RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT false $$;

CREATE FUNCTION pg_hermetic.also_in_the_way(table_oid oid) RETURNS TABLE (off text, back text) LANGUAGE sql IMMUTABLE AS
    $$ SELECT '', '' WHERE false $$;

-- Large objects are told by where their pages lie.
CREATE FUNCTION pg_hermetic.large_objects_digest() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT md5(coalesce((SELECT string_agg(format('%s %s %s', oid, xmin, lomacl), ',' ORDER BY oid) FROM pg_catalog.pg_largeobject_metadata), '')
        || coalesce((SELECT string_agg(format('%s %s %s %s', loid, pageno, xmin, ctid), ',' ORDER BY loid, pageno) FROM pg_catalog.pg_largeobject), ''))
$$;

CREATE FUNCTION pg_hermetic.put_back_rights_on_large_objects() RETURNS void LANGUAGE sql AS $$
    UPDATE pg_catalog.pg_largeobject_metadata m SET lomacl = o.acl::aclitem[], lomowner = o.owner
    FROM pg_hermetic.large_objects o WHERE o.loid = m.oid
$$;

CREATE FUNCTION pg_hermetic.hear_of_ddl() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE EVENT TRIGGER hermetic_commands ON ddl_command_end EXECUTE FUNCTION pg_hermetic.note_commands();
    ALTER EVENT TRIGGER hermetic_commands ENABLE ALWAYS;
    CREATE EVENT TRIGGER hermetic_drops ON sql_drop EXECUTE FUNCTION pg_hermetic.note_drops();
    ALTER EVENT TRIGGER hermetic_drops ENABLE ALWAYS;
END $$;
SELECT pg_hermetic.hear_of_ddl();

-- Triggers tell of what was done to it.
CREATE FUNCTION pg_hermetic.see_schema() RETURNS void LANGUAGE sql IMMUTABLE AS $$ SELECT NULL::void $$;

-- Whether all that was done to the schema is undone by dropping what was made: nothing of the baseline was altered or
-- dropped, and no right on it was given or taken.
CREATE FUNCTION pg_hermetic.only_added() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT pg_hermetic.was_reassigned() AND NOT EXISTS (
        SELECT FROM pg_hermetic.ddl d
        WHERE tag <> 'REFRESH MATERIALIZED VIEW' AND (
            EXISTS (SELECT FROM pg_hermetic.objects o WHERE o.classid = d.classid AND o.objid = d.objid)
            OR d.objid IS NULL AND tag NOT IN ('GRANT', 'REVOKE')
        )
    ) AND (
        NOT EXISTS (SELECT FROM pg_hermetic.ddl WHERE tag IN ('GRANT', 'REVOKE'))
        OR NOT EXISTS (
            SELECT FROM pg_hermetic.objects o JOIN pg_hermetic.objects_now() n USING (classid, objid)
            WHERE o.acl IS DISTINCT FROM n.acl
        )
    )
$$;

CREATE FUNCTION pg_hermetic.undone_by_dropping() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT pg_hermetic.only_added() AND pg_hermetic.only_true_views()
$$;

-- REASSIGN OWNED fires no event trigger. It takes all that a role owns, so that one thing of each role's tells. Each is
-- looked up by itself: a join would read what is owned in all databases of the server.
CREATE VIEW pg_hermetic.reassigned AS
    SELECT o.owner FROM pg_hermetic.owned o WHERE o.owner IS DISTINCT FROM (
        SELECT d.refobjid FROM pg_catalog.pg_shdepend d
        WHERE d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
            AND d.classid = o.classid AND d.objid = o.objid AND d.objsubid = 0 AND d.deptype = 'o'
    );

CREATE FUNCTION pg_hermetic.was_reassigned() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM pg_hermetic.reassigned)
$$;

-- Whether the schema was changed since the last restore.
CREATE VIEW pg_hermetic.schema_seen AS
    SELECT EXISTS (SELECT FROM pg_hermetic.ddl) OR EXISTS (SELECT FROM pg_hermetic.reassigned) AS was_altered;

CREATE FUNCTION pg_hermetic.note_owners() RETURNS void LANGUAGE sql AS $$
    INSERT INTO pg_hermetic.owned
    SELECT DISTINCT ON (refobjid) classid, objid, refobjid FROM pg_catalog.pg_shdepend
    WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
        AND deptype = 'o' AND objsubid = 0 AND refclassid = 'pg_catalog.pg_authid'::regclass
        AND classid IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_namespace'::regclass)
    ORDER BY refobjid, classid, objid
$$;

CREATE VIEW pg_hermetic.roles AS SELECT xmin AS version FROM pg_catalog.pg_authid WHERE oid >= 16384;

-- Tells whether anything was done to the schema between two moments.
CREATE FUNCTION pg_hermetic.schema_state() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(' ', (SELECT count(*) FROM pg_hermetic.ddl), pg_hermetic.large_objects_digest())
$$;

-- Undo DDL in place; see restore_after_ddl for what comes back.
CREATE FUNCTION pg_hermetic.undo_ddl() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    made record;
    statement text;
    identified record;
BEGIN
    IF NOT pg_hermetic.undone_by_dropping() THEN
        RETURN 'anew';
    END IF;
    FOR made IN
        SELECT classid, objid FROM pg_hermetic.ddl d
        WHERE NOT dropped AND objid IS NOT NULL AND tag <> 'REFRESH MATERIALIZED VIEW'
            -- A part of something, such as the index of a key, goes with the whole; by itself it cannot be dropped.
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_depend p
                WHERE p.classid = d.classid AND p.objid = d.objid AND p.objsubid = 0 AND p.deptype IN ('i', 'P', 'S')
            )
        GROUP BY classid, objid ORDER BY min(noted)
    LOOP
        SELECT * INTO identified FROM pg_catalog.pg_identify_object(made.classid, made.objid, 0);
        CONTINUE WHEN identified.identity IS NULL OR identified.type IN ('table constraint', 'domain constraint', 'default value');
        statement := pg_hermetic.drop_statement(identified.type, identified.identity);
        IF statement IS NULL THEN
            RETURN 'anew';
        END IF;
        EXECUTE statement;
    END LOOP;
    IF EXISTS (SELECT classid, objid FROM pg_hermetic.objects EXCEPT SELECT classid, objid FROM pg_hermetic.objects_now()) THEN
        RAISE EXCEPTION 'a foreign key went with a partition that it was extended to';
    END IF;
    RETURN CASE WHEN EXISTS (SELECT FROM pg_hermetic.ddl WHERE tag <> 'REFRESH MATERIALIZED VIEW') THEN 'undone' ELSE 'refreshed' END;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RAISE;
    WHEN OTHERS THEN -- a thing that cannot be dropped, or takes others with it
        RETURN 'anew';
END $$;
