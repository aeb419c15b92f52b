-- Puts rows, sequences and large objects back, without asking what changed them.

-- What is marked, with partitions and heirs; takes only the marks that it returns, so that those of a transaction which
-- commits meanwhile are found by the next restore.
CREATE FUNCTION pg_hermetic.take_dirty() RETURNS TABLE (relid oid, entire boolean) LANGUAGE sql AS $$
    WITH marked AS (DELETE FROM pg_hermetic.marks RETURNING *),
        known AS (DELETE FROM pg_hermetic.dirty RETURNING *),
        every AS (SELECT * FROM marked UNION ALL SELECT * FROM known)
    SELECT coalesce(f.member, e.relid), bool_or(e.entire)
    FROM every e LEFT JOIN pg_hermetic.families f ON f.parent = e.relid
    GROUP BY 1
$$;

CREATE FUNCTION pg_hermetic.fill(t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF t.columns = '' THEN
        EXECUTE format('INSERT INTO %s SELECT FROM pg_hermetic.s%s', t.name, t.relid);
    ELSE
        EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM pg_hermetic.s%s s', t.name, t.columns, t.reading, t.relid);
    END IF;
END $$;

-- Which sequences stand elsewhere than at the baseline.
CREATE FUNCTION pg_hermetic.moved() RETURNS TABLE (seqid oid, last_value bigint, is_called boolean) LANGUAGE sql STABLE AS $$
    SELECT now.seqid, now.last_value, now.is_called
    FROM pg_hermetic.sequences_now() now JOIN pg_hermetic.sequences base USING (seqid)
    WHERE now.last_value <> base.last_value OR now.is_called <> base.is_called
$$;

CREATE FUNCTION pg_hermetic.put_back_sequences() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setval(base.seqid::regclass, base.last_value, base.is_called)
    FROM pg_hermetic.moved() now JOIN pg_hermetic.sequences base USING (seqid);
    RETURN FOUND;
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
-- schema was changed); and the place in the write-ahead log from which on nothing has been looked at.
CREATE FUNCTION pg_hermetic.restore(seen pg_lsn, OUT outcome text, OUT lsn pg_lsn) LANGUAGE plpgsql AS $$
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
    DELETE FROM pg_hermetic.moves WHERE piece < 0; -- a set-up under way finds everything as at the baseline
END $$;
