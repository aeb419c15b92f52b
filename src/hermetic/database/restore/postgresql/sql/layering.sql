-- What wider fixtures write becomes part of the baseline, and goes out of it when they end, in any order.
--
-- A piece is what was written between two moments. Its rows are kept as a difference (rows that went, rows that came),
-- so that a piece can be taken out of the middle. Rows are compared as text, in the form in which the baseline keeps
-- them: every type has one, and not every type can be compared.

-- The rows of a table, in the form in which the baseline keeps them.
CREATE FUNCTION pg_hermetic.live_rows(t pg_hermetic.tables) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('SELECT %s FROM ONLY %s t', t.storing, t.name)
$$;

CREATE FUNCTION pg_hermetic.kept_rows(prefix text, relid oid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('SELECT t.* FROM pg_hermetic.%s%s t', prefix, relid)
$$;

-- Only the rows whose keys were touched, of a table that notes them.
CREATE FUNCTION pg_hermetic.touched_only(rows_of text, t pg_hermetic.tables) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format(
        'SELECT r.* FROM (%s) r WHERE EXISTS (SELECT FROM pg_hermetic.k%s k WHERE %s)', rows_of, t.relid,
        (SELECT string_agg(format('r.%I = k.%1$I', key), ' AND ') FROM unnest(t.keys) AS key)
    )
$$;

-- Begin a piece: what is dirty now was not written by it. True where the database is as the baseline.
CREATE FUNCTION pg_hermetic.begin_piece(piece integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
    clean boolean := true;
BEGIN
    INSERT INTO pg_hermetic.dirty SELECT * FROM pg_hermetic.take_dirty();
    FOR t IN SELECT * FROM pg_hermetic.tables WHERE relid IN (SELECT relid FROM pg_hermetic.dirty) LOOP
        EXECUTE format('CREATE UNLOGGED TABLE pg_hermetic.b%s_%s AS %s', piece, t.relid, pg_hermetic.live_rows(t));
        clean := false;
    END LOOP;
    IF EXISTS (SELECT FROM pg_hermetic.moved()) THEN
        clean := false;
    END IF;
    INSERT INTO pg_hermetic.moves SELECT -piece, moved.* FROM pg_hermetic.moved() moved;
    RETURN clean;
END $$;

-- Keep the difference between two sets of rows; false when there is none.
CREATE FUNCTION pg_hermetic.keep_delta(piece integer, t pg_hermetic.tables, before text, after text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    kept bigint;
BEGIN
    EXECUTE format($f$
        CREATE UNLOGGED TABLE pg_hermetic.d%1$s_%2$s AS
        WITH before AS MATERIALIZED (SELECT b.*, b::text AS hermetic_row, row_number() OVER (PARTITION BY b::text) AS hermetic_nth FROM (%3$s) b),
            after AS MATERIALIZED (SELECT a.*, a::text AS hermetic_row, row_number() OVER (PARTITION BY a::text) AS hermetic_nth FROM (%4$s) a)
        SELECT '-' AS hermetic_side, before.* FROM before LEFT JOIN after USING (hermetic_row, hermetic_nth) WHERE after.hermetic_row IS NULL
        UNION ALL
        SELECT '+', after.* FROM after LEFT JOIN before USING (hermetic_row, hermetic_nth) WHERE before.hermetic_row IS NULL
        $f$, piece, t.relid, before, after);
    GET DIAGNOSTICS kept = ROW_COUNT;
    IF kept = 0 THEN
        EXECUTE format('DROP TABLE pg_hermetic.d%s_%s', piece, t.relid);
        RETURN false;
    END IF;
    INSERT INTO pg_hermetic.deltas VALUES (piece, t.relid);
    RETURN true;
END $$;

-- Apply a difference to the baseline's rows. Raises HM310 with the table's name where it does not fit.
CREATE FUNCTION pg_hermetic.apply_delta(piece integer, t pg_hermetic.tables, going text, coming text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    expected bigint;
    found_rows bigint;
    clash boolean := false;
    names text := (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_catalog.pg_attribute
        WHERE attrelid = format('pg_hermetic.s%s', t.relid)::regclass AND attnum > 0 AND NOT attisdropped);
BEGIN
    EXECUTE format('SELECT count(*) FROM pg_hermetic.d%s_%s WHERE hermetic_side = %L', piece, t.relid, going) INTO expected;
    IF t.by_row THEN
        EXECUTE format(
            'DELETE FROM pg_hermetic.s%2$s s USING pg_hermetic.d%1$s_%2$s d WHERE d.hermetic_side = %3$L AND %4$s AND s::text = d.hermetic_row',
            piece, t.relid, going,
            (SELECT string_agg(format('s.%I = d.%1$I', key), ' AND ') FROM unnest(t.keys) AS key)
        );
    ELSE
        EXECUTE format($f$
            WITH numbered AS (SELECT s.ctid AS place, s::text AS hermetic_row, row_number() OVER (PARTITION BY s::text) AS nth FROM pg_hermetic.s%2$s s),
                wanted AS (SELECT hermetic_row, row_number() OVER (PARTITION BY hermetic_row) AS nth FROM pg_hermetic.d%1$s_%2$s WHERE hermetic_side = %3$L)
            DELETE FROM pg_hermetic.s%2$s s USING numbered JOIN wanted USING (hermetic_row, nth) WHERE s.ctid = numbered.place
            $f$, piece, t.relid, going);
    END IF;
    GET DIAGNOSTICS found_rows = ROW_COUNT;
    IF t.keys <> '{}' THEN
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM pg_hermetic.s%2$s s JOIN pg_hermetic.d%1$s_%2$s d ON %4$s WHERE d.hermetic_side = %3$L)',
            piece, t.relid, coming,
            (SELECT string_agg(format('s.%I = d.%1$I', key), ' AND ') FROM unnest(t.keys) AS key)
        ) INTO clash;
    END IF;
    IF found_rows < expected OR clash THEN
        RAISE EXCEPTION USING ERRCODE = 'HM310', MESSAGE = t.name, DETAIL = t.relid;
    END IF;
    EXECUTE format('INSERT INTO pg_hermetic.s%2$s SELECT %4$s FROM pg_hermetic.d%1$s_%2$s WHERE hermetic_side = %3$L', piece, t.relid, coming, names);
    EXECUTE format('UPDATE pg_hermetic.tables SET filled = EXISTS (SELECT FROM pg_hermetic.s%1$s) WHERE relid = %1$s', t.relid);
    INSERT INTO pg_hermetic.drift VALUES (t.relid) ON CONFLICT DO NOTHING;
END $$;

-- The baseline's rows become those of the table.
CREATE FUNCTION pg_hermetic.take_over(t pg_hermetic.tables, entire boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF t.by_row AND NOT entire THEN
        EXECUTE format('DELETE FROM pg_hermetic.s%1$s s USING (%2$s) k WHERE %3$s', t.relid,
            pg_hermetic.kept_rows('k', t.relid), (SELECT string_agg(format('s.%I = k.%1$I', key), ' AND ') FROM unnest(t.keys) AS key));
        EXECUTE format('INSERT INTO pg_hermetic.s%s %s', t.relid, pg_hermetic.touched_only(pg_hermetic.live_rows(t), t));
    ELSE
        EXECUTE format('DELETE FROM pg_hermetic.s%s', t.relid);
        EXECUTE format('INSERT INTO pg_hermetic.s%s %s', t.relid, pg_hermetic.live_rows(t));
    END IF;
    IF t.by_row THEN
        EXECUTE format('DELETE FROM pg_hermetic.k%s', t.relid);
    END IF;
    EXECUTE format('UPDATE pg_hermetic.tables SET filled = EXISTS (SELECT FROM pg_hermetic.s%1$s) WHERE relid = %1$s', t.relid);
    INSERT INTO pg_hermetic.drift VALUES (t.relid) ON CONFLICT DO NOTHING;
END $$;

-- End a piece: what was written since it began is part of the baseline. True when anything was. With piece 0 nothing
-- is kept of what the baseline was before.
CREATE FUNCTION pg_hermetic.end_piece(piece integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
    written record;
    was_dirty boolean;
    before text;
    after text;
    anything boolean := false;
BEGIN
    CREATE TEMPORARY TABLE IF NOT EXISTS was (relid oid, entire boolean);
    TRUNCATE was;
    WITH known AS (DELETE FROM pg_hermetic.dirty RETURNING *) INSERT INTO was SELECT * FROM known;
    FOR written IN
        SELECT tables AS t, d.entire FROM pg_hermetic.take_dirty() d JOIN pg_hermetic.tables tables USING (relid)
    LOOP
        t := written.t;
        was_dirty := EXISTS (SELECT FROM was WHERE relid = t.relid);
        IF piece > 0 THEN
            before := CASE WHEN was_dirty THEN format('SELECT t.* FROM pg_hermetic.b%s_%s t', piece, t.relid) ELSE pg_hermetic.kept_rows('s', t.relid) END;
            after := pg_hermetic.live_rows(t);
            IF t.by_row AND NOT written.entire THEN
                before := pg_hermetic.touched_only(before, t);
                after := pg_hermetic.touched_only(after, t);
            END IF;
            IF pg_hermetic.keep_delta(piece, t, before, after) THEN
                anything := true;
                IF was_dirty THEN
                    PERFORM pg_hermetic.apply_delta(piece, t, '-', '+');
                END IF;
            END IF;
        END IF;
        IF NOT was_dirty OR piece = 0 THEN
            PERFORM pg_hermetic.take_over(t, written.entire);
            DELETE FROM was WHERE relid = t.relid;
        END IF;
    END LOOP;
    IF piece = 0 THEN
        FOR written IN SELECT tables AS t, was.entire FROM was JOIN pg_hermetic.tables tables USING (relid) LOOP
            PERFORM pg_hermetic.take_over(written.t, written.entire);
        END LOOP;
        TRUNCATE was;
    END IF;
    INSERT INTO pg_hermetic.dirty SELECT * FROM was;
    PERFORM pg_hermetic.drop_copies(piece);
    RETURN pg_hermetic.take_moves(piece) OR anything;
END $$;

CREATE FUNCTION pg_hermetic.drop_copies(piece integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    copy name;
BEGIN
    FOR copy IN SELECT relname FROM pg_catalog.pg_class
        WHERE relnamespace = 'pg_hermetic'::regnamespace AND relkind = 'r' AND relname ^@ format('b%s_', piece)
    LOOP
        EXECUTE format('DROP TABLE pg_hermetic.%I', copy);
    END LOOP;
END $$;

-- Sequences that moved since a piece began stand there at the baseline.
CREATE FUNCTION pg_hermetic.take_moves(this_piece integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    taken bigint;
BEGIN
    WITH moved AS (
        SELECT now.* FROM pg_hermetic.sequences_now() now JOIN pg_hermetic.sequences base USING (seqid)
        LEFT JOIN pg_hermetic.moves began ON began.piece = -this_piece AND began.seqid = now.seqid
        WHERE (now.last_value, now.is_called)
            IS DISTINCT FROM (coalesce(began.last_value, base.last_value), coalesce(began.is_called, base.is_called))
    ), kept AS (
        INSERT INTO pg_hermetic.moves SELECT this_piece, * FROM moved WHERE this_piece > 0
    )
    UPDATE pg_hermetic.sequences base SET last_value = moved.last_value, is_called = moved.is_called,
        base_value = CASE WHEN this_piece = 0 THEN moved.last_value ELSE base.base_value END,
        base_called = CASE WHEN this_piece = 0 THEN moved.is_called ELSE base.base_called END
    FROM moved WHERE moved.seqid = base.seqid;
    GET DIAGNOSTICS taken = ROW_COUNT;
    DELETE FROM pg_hermetic.moves WHERE piece = -this_piece;
    PERFORM setval(now.seqid::regclass, now.last_value, now.is_called)
    FROM pg_hermetic.sequences_now() now JOIN pg_hermetic.sequences base USING (seqid)
    WHERE taken > 0 AND (now.last_value, now.is_called) IS NOT DISTINCT FROM (base.last_value, base.is_called);
    RETURN taken > 0;
END $$;

-- Take a piece out of the baseline. The tables that it wrote are dirty until the next restore.
CREATE FUNCTION pg_hermetic.remove_piece(this_piece integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
BEGIN
    FOR t IN SELECT tables.* FROM pg_hermetic.tables JOIN pg_hermetic.deltas USING (relid) WHERE piece = this_piece LOOP
        IF t.by_row THEN
            EXECUTE format('INSERT INTO pg_hermetic.k%1$s SELECT %3$s FROM pg_hermetic.d%2$s_%1$s', t.relid, this_piece,
                (SELECT string_agg(quote_ident(key), ', ') FROM unnest(t.keys) AS key));
        END IF;
        PERFORM pg_hermetic.apply_delta(this_piece, t, '+', '-');
        INSERT INTO pg_hermetic.dirty VALUES (t.relid, NOT t.by_row);
        EXECUTE format('DROP TABLE pg_hermetic.d%s_%s', this_piece, t.relid);
    END LOOP;
    DELETE FROM pg_hermetic.deltas WHERE piece = this_piece;
    DELETE FROM pg_hermetic.moves WHERE piece = this_piece;
    UPDATE pg_hermetic.sequences base SET
        last_value = coalesce(latest.last_value, base.base_value), is_called = coalesce(latest.is_called, base.base_called)
    FROM pg_hermetic.sequences every
    LEFT JOIN (SELECT DISTINCT ON (seqid) * FROM pg_hermetic.moves WHERE piece > 0 ORDER BY seqid, piece DESC) latest USING (seqid)
    WHERE every.seqid = base.seqid;
END $$;

-- Which living pieces wrote this table.
CREATE FUNCTION pg_hermetic.writers(table_oid oid) RETURNS SETOF integer LANGUAGE sql STABLE AS $$
    SELECT piece FROM pg_hermetic.deltas WHERE relid = table_oid ORDER BY piece
$$;

-- Make room for another baseline after a change of the schema; what this one was is kept under another name.
CREATE FUNCTION pg_hermetic.retire(piece integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT tgname, tgrelid::regclass AS name FROM pg_catalog.pg_trigger WHERE tgname ^@ 'zz_hermetic' LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.name);
    END LOOP;
    FOR t IN SELECT evtname FROM pg_catalog.pg_event_trigger WHERE evtname IN ('hermetic_commands', 'hermetic_drops') LOOP
        EXECUTE format('DROP EVENT TRIGGER %I', t.evtname);
    END LOOP;
    EXECUTE format('ALTER SCHEMA pg_hermetic RENAME TO pg_hermetic_%s', piece);
END $$;
