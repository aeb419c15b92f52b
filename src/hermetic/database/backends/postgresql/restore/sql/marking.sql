-- How writes are noticed. SECURITY DEFINER, because the application may act as any role; every name is qualified, so
-- that no search_path matters. hermetic's own session says `SET hermetic.off = on`: what it writes is no change.
CREATE FUNCTION pg_hermetic.mark() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO pg_hermetic.marks (relid, entire) VALUES (TG_RELID, true);
    RETURN NULL;
END $$;

-- DDL. Temporary objects are nobody's business here; the session that made them is replaced.
CREATE FUNCTION pg_hermetic.note_commands() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF pg_catalog.current_setting('hermetic.off', true) IS NOT DISTINCT FROM 'on' THEN
        RETURN;
    END IF;
    INSERT INTO pg_hermetic.ddl (tag, classid, objid, subid, dropped)
    SELECT command_tag, classid, objid, objsubid, false
    FROM pg_catalog.pg_event_trigger_ddl_commands()
    WHERE NOT in_extension AND schema_name IS DISTINCT FROM 'pg_temp' AND command_tag <> 'REINDEX';
    IF TG_TAG = 'DROP OWNED' THEN -- what it revokes is not among the commands
        INSERT INTO pg_hermetic.ddl (tag, dropped) VALUES (TG_TAG, false);
    END IF;
END $$;

CREATE FUNCTION pg_hermetic.note_drops() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF pg_catalog.current_setting('hermetic.off', true) IS NOT DISTINCT FROM 'on' THEN
        RETURN;
    END IF;
    INSERT INTO pg_hermetic.ddl (tag, classid, objid, subid, dropped)
    SELECT TG_TAG, classid, objid, objsubid, true
    FROM pg_catalog.pg_event_trigger_dropped_objects()
    WHERE NOT is_temporary;
END $$;
