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

-- No trigger sees large objects: they are told by where their pages lie.
CREATE FUNCTION pg_hermetic.large_objects_digest() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT md5(coalesce((SELECT string_agg(format('%s %s %s', oid, xmin, lomacl), ',' ORDER BY oid) FROM pg_catalog.pg_largeobject_metadata), '')
        || coalesce((SELECT string_agg(format('%s %s %s %s', loid, pageno, xmin, ctid), ',' ORDER BY loid, pageno) FROM pg_catalog.pg_largeobject), ''))
$$;

CREATE FUNCTION pg_hermetic.large_objects_changed() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN EXISTS (SELECT FROM pg_hermetic.large_objects)
            THEN pg_hermetic.large_objects_digest() IS DISTINCT FROM (SELECT digest FROM pg_hermetic.large_objects_seen)
        ELSE EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
    END
$$;

CREATE FUNCTION pg_hermetic.see_large_objects() RETURNS void LANGUAGE sql AS $$
    DELETE FROM pg_hermetic.large_objects_seen;
    INSERT INTO pg_hermetic.large_objects_seen SELECT pg_hermetic.large_objects_digest();
$$;

CREATE FUNCTION pg_hermetic.put_back_large_objects() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;
    PERFORM lo_from_bytea(loid, data) FROM pg_hermetic.large_objects;
    UPDATE pg_catalog.pg_largeobject_metadata m SET lomacl = o.acl::aclitem[], lomowner = o.owner
    FROM pg_hermetic.large_objects o WHERE o.loid = m.oid;
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
    IF pg_hermetic.was_altered() THEN
        outcome := 'ddl';
        RETURN;
    END IF;
    tables_written := pg_hermetic.put_back_tables();
    sequences_moved := pg_hermetic.put_back_sequences();
    outcome := CASE WHEN tables_written OR sequences_moved THEN 'restored' ELSE 'clean' END;
    IF pg_hermetic.large_objects_changed() THEN
        PERFORM pg_hermetic.put_back_large_objects();
        PERFORM pg_hermetic.see_large_objects();
        outcome := 'restored';
    END IF;
END $$;
