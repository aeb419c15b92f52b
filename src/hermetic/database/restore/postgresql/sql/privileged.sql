-- What a superuser may do: its session is a replica, for which neither foreign keys nor ordinary triggers fire, so that
-- each table is put back by itself.
CREATE FUNCTION pg_hermetic.firing_states() RETURNS "char"[] LANGUAGE sql IMMUTABLE AS $$ SELECT '{A,R}'::"char"[] $$;

CREATE FUNCTION pg_hermetic.put_back_tables() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
    written record;
    anything boolean := false;
BEGIN
    FOR written IN
        SELECT tables AS t, d.entire FROM pg_hermetic.take_dirty() d JOIN pg_hermetic.tables tables USING (relid)
    LOOP
        t := written.t;
        anything := true;
        IF t.guard IS NOT NULL THEN
            EXECUTE t.guard;
        END IF;
        IF t.by_row AND NOT written.entire THEN
            EXECUTE format('SELECT pg_hermetic.r%s()', t.relid);
        ELSE
            EXECUTE 'DELETE FROM ONLY ' || t.name;
            IF t.filled THEN
                PERFORM pg_hermetic.fill(t);
            END IF;
            IF t.by_row THEN
                EXECUTE format('DELETE FROM pg_hermetic.k%s', t.relid);
            END IF;
        END IF;
        IF t.unguard IS NOT NULL THEN
            EXECUTE t.unguard;
        END IF;
    END LOOP;
    RETURN anything;
END $$;

CREATE EVENT TRIGGER hermetic_commands ON ddl_command_end EXECUTE FUNCTION pg_hermetic.note_commands();
ALTER EVENT TRIGGER hermetic_commands ENABLE ALWAYS;
CREATE EVENT TRIGGER hermetic_drops ON sql_drop EXECUTE FUNCTION pg_hermetic.note_drops();
ALTER EVENT TRIGGER hermetic_drops ENABLE ALWAYS;

-- Whether the schema was changed since the last restore.
CREATE FUNCTION pg_hermetic.was_altered() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM pg_hermetic.ddl)
$$;

-- Undo DDL in place. 'undone', or 'anew' (nothing was done: only a copy of the template brings the schema back).
CREATE FUNCTION pg_hermetic.undo_ddl() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    made record;
    statement text;
    identified record;
BEGIN
    IF NOT pg_hermetic.only_added() OR NOT pg_hermetic.only_true_views() THEN
        RETURN 'anew';
    END IF;
    FOR made IN
        SELECT classid, objid FROM pg_hermetic.ddl
        WHERE NOT dropped AND objid IS NOT NULL AND tag <> 'REFRESH MATERIALIZED VIEW'
        GROUP BY classid, objid ORDER BY min(noted)
    LOOP
        -- A part of something, such as a column's default, goes with the whole.
        SELECT * INTO identified FROM pg_catalog.pg_identify_object(made.classid, made.objid, 0);
        CONTINUE WHEN identified.identity IS NULL OR identified.type IN ('table constraint', 'domain constraint', 'default value');
        statement := pg_hermetic.drop_statement(identified.type, identified.identity);
        IF statement IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'HM001', MESSAGE = identified.type;
        END IF;
        EXECUTE statement;
    END LOOP;
    RETURN 'undone';
EXCEPTION
    WHEN SQLSTATE 'HM001' OR dependent_objects_still_exist THEN
        RETURN 'anew';
END $$;
