-- Puts rows, sequences and large objects back, without asking what changed them.

-- What is marked, with partitions and heirs; takes only the marks that it returns, so that those of a transaction which
-- commits meanwhile are found by the next restore.
CREATE FUNCTION pg_hermetic.take_dirty() RETURNS TABLE (relid oid, entire boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    mark record;
    touched oid[] := '{}';
    whole oid[] := '{}';
BEGIN
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
        RETURN QUERY
        SELECT coalesce(f.member, t), bool_or(t = ANY (whole))
        FROM unnest(touched) t LEFT JOIN pg_hermetic.families f ON f.parent = t
        GROUP BY 1;
    ELSE
        RETURN QUERY SELECT t, t = ANY (whole) FROM unnest(touched) t;
    END IF;
END $$;

-- The statement that writes the baseline's rows into an empty table.
CREATE FUNCTION pg_hermetic.filling(t pg_hermetic.tables) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE t.columns
        WHEN '' THEN format('INSERT INTO %s SELECT FROM pg_hermetic.s%s', t.name, t.relid)
        ELSE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM pg_hermetic.s%s s', t.name, t.columns, t.reading, t.relid)
    END
$$;

CREATE FUNCTION pg_hermetic.put_back_sequences() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    s record;
    anything boolean := false;
BEGIN
    FOR s IN SELECT seqid FROM pg_hermetic.moved() LOOP
        PERFORM setval(seqid::regclass, last_value, is_called) FROM pg_hermetic.sequences WHERE seqid = s.seqid;
        anything := true;
    END LOOP;
    RETURN anything;
END $$;

-- The place in the write-ahead log from which on nothing has been looked at: as long as the log stands there, nothing
-- was written. NULL where that cannot be told. A transaction is written to the log a moment before others see it, so
-- that none may be under way; and unlogged sequences move without a word.
CREATE FUNCTION pg_hermetic.place() RETURNS pg_lsn LANGUAGE plpgsql AS $$
DECLARE
    lsn pg_lsn := pg_catalog.pg_current_wal_insert_lsn();
    seen pg_snapshot;
BEGIN
    seen := pg_catalog.pg_current_snapshot();
    IF pg_snapshot_xmin(seen) <> pg_snapshot_xmax(seen) OR EXISTS (SELECT FROM pg_hermetic.sequences WHERE unlogged) THEN
        RETURN NULL;
    END IF;
    RETURN lsn;
END $$;

-- The one round trip. What comes back: 'clean' (nothing was undone), 'restored', or 'ddl' (nothing was done yet: the
-- schema was changed); the place in the write-ahead log from which on nothing has been looked at; and, NULL where nothing
-- at all was written, the version of what belongs to the database and the number of the newest database on the server.
CREATE FUNCTION pg_hermetic.restore(seen pg_lsn, OUT outcome text, OUT lsn pg_lsn, OUT version text, OUT newest bigint)
LANGUAGE plpgsql AS $$
DECLARE
    tables_written boolean;
    sequences_moved boolean;
BEGIN
    lsn := pg_catalog.pg_current_wal_insert_lsn();
    IF lsn = seen THEN
        outcome := 'clean';
        RETURN;
    END IF;
    lsn := pg_hermetic.place();
    SELECT p.version, p.newest INTO version, newest FROM pg_hermetic.properties p;
    IF pg_hermetic.was_altered() THEN
        outcome := 'ddl';
        RETURN;
    END IF;
    tables_written := pg_hermetic.put_back_tables();
    sequences_moved := pg_hermetic.put_back_sequences();
    outcome := CASE WHEN tables_written OR sequences_moved THEN 'restored' ELSE 'clean' END;
    IF pg_hermetic.put_back_large_objects() THEN
        outcome := 'restored';
    END IF;
    PERFORM pg_hermetic.compare_views();
    DELETE FROM pg_hermetic.moves WHERE change < 0; -- a set-up under way finds everything as at the baseline
END $$;
