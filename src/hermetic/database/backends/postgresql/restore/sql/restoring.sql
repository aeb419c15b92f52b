-- Puts rows, sequences and large objects back, without asking what changed them.

-- The tables that are marked, with partitions and heirs, and those of them that are to be put back as a whole. Takes only
-- the marks that it returns, so that those of a transaction which commits meanwhile are found by the next restore.
CREATE FUNCTION pg_hermetic.take_marks(OUT touched oid[], OUT whole oid[]) LANGUAGE plpgsql AS $$
DECLARE
    mark record;
BEGIN
    touched := '{}';
    whole := '{}';
    -- Loops, for there is a mark or two as a rule: a statement that groups and joins takes five times as long to begin.
    FOR mark IN DELETE FROM pg_hermetic.marks RETURNING relid, entire LOOP
        touched := CASE WHEN mark.relid = ANY (touched) THEN touched ELSE touched || mark.relid END;
        whole := CASE WHEN NOT mark.entire OR mark.relid = ANY (whole) THEN whole ELSE whole || mark.relid END;
    END LOOP;
    IF EXISTS (SELECT FROM pg_hermetic.dirty) THEN
        FOR mark IN DELETE FROM pg_hermetic.dirty RETURNING relid, entire LOOP
            touched := CASE WHEN mark.relid = ANY (touched) THEN touched ELSE touched || mark.relid END;
            whole := CASE WHEN NOT mark.entire OR mark.relid = ANY (whole) THEN whole ELSE whole || mark.relid END;
        END LOOP;
    END IF;
    IF touched <> '{}' AND EXISTS (SELECT FROM pg_hermetic.families WHERE parent = ANY (touched)) THEN
        whole := pg_hermetic.with_families(whole);
        touched := pg_hermetic.with_families(touched);
    END IF;
END $$;

CREATE FUNCTION pg_hermetic.with_families(relids oid[]) RETURNS oid[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT unnest(relids) UNION SELECT member FROM pg_hermetic.families WHERE parent = ANY (relids)
    )
$$;

CREATE FUNCTION pg_hermetic.take_dirty() RETURNS TABLE (relid oid, entire boolean) LANGUAGE sql AS $$
    SELECT t, t = ANY (whole) FROM pg_hermetic.take_marks(), unnest(touched) t
$$;

-- The statement that writes the baseline's rows into an empty table.
CREATE FUNCTION pg_hermetic.filling(t pg_hermetic.tables) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE t.columns
        WHEN '' THEN format('INSERT INTO %s SELECT FROM pg_hermetic.s%s', t.name, t.relid)
        ELSE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM pg_hermetic.s%s s', t.name, t.columns, t.reading, t.relid)
    END
$$;

CREATE FUNCTION pg_hermetic.put_back_sequences() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setval(seqid::regclass, baseline_value, baseline_called) FROM pg_hermetic.moved();
    RETURN FOUND;
END $$;

-- Whether the place in the write-ahead log tells that nothing was written. A transaction is written to the log a moment
-- before others see it, so that none may be under way; and unlogged sequences move without a word.
CREATE VIEW pg_hermetic.quiet AS
    SELECT pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot())
        AND NOT EXISTS (SELECT FROM pg_hermetic.sequences WHERE unlogged) AS is_quiet;

-- The place in the write-ahead log from which on nothing has been looked at: as long as the log stands there, nothing
-- was written. NULL where that cannot be told.
CREATE FUNCTION pg_hermetic.place() RETURNS pg_lsn LANGUAGE plpgsql AS $$
DECLARE
    lsn pg_lsn := pg_catalog.pg_current_wal_insert_lsn();
BEGIN
    RETURN CASE WHEN (SELECT is_quiet FROM pg_hermetic.quiet) THEN lsn END;
END $$;

-- What a restore has to know before it begins, all in one statement: each one more takes as long to begin as this one
-- takes to look.
CREATE VIEW pg_hermetic.findings AS
    SELECT version, newest, was_altered, is_quiet, l.changed AS large_objects_changed,
        EXISTS (SELECT FROM pg_hermetic.views WHERE true_to_query IS NULL) AS views_in_doubt,
        EXISTS (SELECT FROM pg_hermetic.moves WHERE change < 0) AS change_under_way
    FROM pg_hermetic.properties, pg_hermetic.schema_seen, pg_hermetic.quiet, pg_hermetic.large_objects_compared l;

-- The one round trip. What comes back: 'clean' (nothing was undone), 'restored', or 'ddl' (nothing was done yet: the
-- schema was changed); the place in the write-ahead log from which on nothing has been looked at; and, NULL where nothing
-- at all was written, the version of what belongs to the database and the number of the newest database on the server.
CREATE FUNCTION pg_hermetic.restore(seen pg_lsn, OUT outcome text, OUT lsn pg_lsn, OUT version text, OUT newest bigint)
LANGUAGE plpgsql AS $$
DECLARE
    findings record;
    tables_written boolean;
    sequences_moved boolean;
BEGIN
    lsn := pg_catalog.pg_current_wal_insert_lsn();
    IF lsn = seen THEN
        outcome := 'clean';
        RETURN;
    END IF;
    SELECT * INTO findings FROM pg_hermetic.findings;
    version := findings.version;
    newest := findings.newest;
    lsn := CASE WHEN findings.is_quiet THEN lsn END;
    IF findings.was_altered THEN
        outcome := 'ddl';
        RETURN;
    END IF;
    tables_written := pg_hermetic.put_back_tables();
    sequences_moved := pg_hermetic.put_back_sequences();
    IF findings.large_objects_changed THEN
        PERFORM pg_hermetic.put_back_large_objects();
    END IF;
    IF findings.views_in_doubt THEN
        PERFORM pg_hermetic.compare_views();
    END IF;
    IF findings.change_under_way THEN -- its set-up finds everything as at the baseline
        DELETE FROM pg_hermetic.moves WHERE change < 0;
    END IF;
    outcome := CASE WHEN tables_written OR sequences_moved OR findings.large_objects_changed THEN 'restored' ELSE 'clean' END;
END $$;
