-- What wider fixtures write becomes part of the baseline.
--
-- A change is what was written between two moments. Its rows are kept as a difference (rows that went, rows that came),
-- so that a change can be taken out of the middle. Rows are compared as text, in the form in which the baseline keeps
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
        pg_hermetic.same_key(t.keys, 'r', 'k')
    )
$$;

-- Begin a change: what is dirty now was not written by it. Returns whether the schema is not the baseline's.
CREATE FUNCTION pg_hermetic.begin_change(change integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
BEGIN
    INSERT INTO pg_hermetic.dirty SELECT * FROM pg_hermetic.take_dirty();
    IF NOT pg_hermetic.only_added() THEN -- nothing that is written now can be told from what was before
        RETURN true;
    END IF;
    PERFORM pg_hermetic.lift_policies();
    FOR t IN SELECT * FROM pg_hermetic.tables WHERE relid IN (SELECT relid FROM pg_hermetic.dirty) LOOP
        EXECUTE format('CREATE UNLOGGED TABLE pg_hermetic.b%s_%s AS %s', change, t.relid, pg_hermetic.live_rows(t));
    END LOOP;
    PERFORM pg_hermetic.impose_policies();
    INSERT INTO pg_hermetic.moves SELECT -change, seqid, last_value, is_called FROM pg_hermetic.moved();
    RETURN pg_hermetic.schema_changed();
END $$;

-- Tells whether any row was written, or a sequence moved, between two moments, by where rows lie and who wrote them. NULL
-- where that cannot be read: policies hide rows, or somebody has a table locked.
CREATE FUNCTION pg_hermetic.rows_state() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    r record;
    one text;
    every text := '';
BEGIN
    FOR r IN SELECT oid, name, relkind FROM pg_hermetic.relations WHERE relkind IN ('r', 'S') ORDER BY oid LOOP
        EXECUTE format(
            'SELECT md5(string_agg(concat_ws('' '', %s), '','' ORDER BY t.ctid)) FROM ONLY %s t',
            CASE r.relkind WHEN 'S' THEN 't.last_value, t.is_called' ELSE 't.ctid, t.xmin' END, r.name
        ) INTO one;
        every := concat_ws(' ', every, r.oid, one);
    END LOOP;
    RETURN every;
EXCEPTION
    WHEN insufficient_privilege OR lock_not_available THEN
        RETURN NULL;
END $$;

-- Keep the difference between two sets of rows; false when there is none.
CREATE FUNCTION pg_hermetic.keep_delta(change integer, t pg_hermetic.tables, before text, after text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    kept bigint;
BEGIN
    EXECUTE format($f$
        CREATE UNLOGGED TABLE pg_hermetic.d%1$s_%2$s AS
        WITH before AS MATERIALIZED (
                SELECT r.*, (r.*)::text AS hermetic_row, row_number() OVER (PARTITION BY (r.*)::text) AS hermetic_nth FROM (%3$s) r),
            after AS MATERIALIZED (
                SELECT r.*, (r.*)::text AS hermetic_row, row_number() OVER (PARTITION BY (r.*)::text) AS hermetic_nth FROM (%4$s) r)
        SELECT '-' AS hermetic_side, before.* FROM before LEFT JOIN after USING (hermetic_row, hermetic_nth) WHERE after.hermetic_row IS NULL
        UNION ALL
        SELECT '+', after.* FROM after LEFT JOIN before USING (hermetic_row, hermetic_nth) WHERE before.hermetic_row IS NULL
        $f$, change, t.relid, before, after);
    GET DIAGNOSTICS kept = ROW_COUNT;
    IF kept = 0 THEN
        EXECUTE format('DROP TABLE pg_hermetic.d%s_%s', change, t.relid);
        RETURN false;
    END IF;
    INSERT INTO pg_hermetic.deltas VALUES (change, t.relid, true);
    RETURN true;
END $$;

CREATE FUNCTION pg_hermetic.clash(relid oid, name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'HM310', MESSAGE = name, DETAIL = relid;
END $$;

-- Note that the baseline of a table is not what it was.
CREATE FUNCTION pg_hermetic.rows_changed(t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE pg_hermetic.tables SET filled = EXISTS (SELECT FROM pg_hermetic.s%1$s) WHERE relid = %1$s', t.relid);
    INSERT INTO pg_hermetic.drift VALUES (t.relid) ON CONFLICT DO NOTHING;
END $$;

-- Apply a difference to the baseline's rows. Raises HM310 with the table's name where it does not fit.
CREATE FUNCTION pg_hermetic.apply_delta(change integer, t pg_hermetic.tables, going text, coming text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    expected bigint;
    found_rows bigint;
    clash boolean := false;
    names text := (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_catalog.pg_attribute
        WHERE attrelid = format('pg_hermetic.s%s', t.relid)::regclass AND attnum > 0 AND NOT attisdropped);
BEGIN
    EXECUTE format('SELECT count(*) FROM pg_hermetic.d%s_%s WHERE hermetic_side = %L', change, t.relid, going) INTO expected;
    IF t.by_row THEN
        EXECUTE format(
            'DELETE FROM pg_hermetic.s%2$s s USING pg_hermetic.d%1$s_%2$s d WHERE d.hermetic_side = %3$L AND %4$s AND (s.*)::text = d.hermetic_row',
            change, t.relid, going, pg_hermetic.same_key(t.keys, 's', 'd')
        );
    ELSE
        EXECUTE format($f$
            WITH numbered AS (SELECT s.ctid AS place, (s.*)::text AS hermetic_row, row_number() OVER (PARTITION BY (s.*)::text) AS nth FROM pg_hermetic.s%2$s s),
                wanted AS (SELECT hermetic_row, row_number() OVER (PARTITION BY hermetic_row) AS nth FROM pg_hermetic.d%1$s_%2$s WHERE hermetic_side = %3$L)
            DELETE FROM pg_hermetic.s%2$s s USING numbered JOIN wanted USING (hermetic_row, nth) WHERE s.ctid = numbered.place
            $f$, change, t.relid, going);
    END IF;
    GET DIAGNOSTICS found_rows = ROW_COUNT;
    IF t.keys <> '{}' THEN
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM pg_hermetic.s%2$s s JOIN pg_hermetic.d%1$s_%2$s d ON %4$s WHERE d.hermetic_side = %3$L)',
            change, t.relid, coming, pg_hermetic.same_key(t.keys, 's', 'd')
        ) INTO clash;
    END IF;
    IF found_rows < expected OR clash THEN
        PERFORM pg_hermetic.clash(t.relid, t.name);
    END IF;
    EXECUTE format('INSERT INTO pg_hermetic.s%2$s SELECT %4$s FROM pg_hermetic.d%1$s_%2$s WHERE hermetic_side = %3$L', change, t.relid, coming, names);
    PERFORM pg_hermetic.rows_changed(t);
END $$;

-- The baseline's rows become those of the table.
CREATE FUNCTION pg_hermetic.take_over(t pg_hermetic.tables, entire boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF t.by_row AND NOT entire THEN
        EXECUTE format('DELETE FROM pg_hermetic.s%1$s s USING (%2$s) k WHERE %3$s', t.relid,
            pg_hermetic.kept_rows('k', t.relid), pg_hermetic.same_key(t.keys, 's', 'k'));
        EXECUTE format('INSERT INTO pg_hermetic.s%s %s', t.relid, pg_hermetic.touched_only(pg_hermetic.live_rows(t), t));
    ELSE
        EXECUTE format('DELETE FROM pg_hermetic.s%s', t.relid);
        EXECUTE format('INSERT INTO pg_hermetic.s%s %s', t.relid, pg_hermetic.live_rows(t));
    END IF;
    IF t.by_row THEN
        EXECUTE format('DELETE FROM pg_hermetic.k%s', t.relid);
    END IF;
    PERFORM pg_hermetic.rows_changed(t);
END $$;

-- Keep what was written to one table since a change began; true when that is anything. A table that was dirty then stays
-- dirty, and only what came since becomes part of the baseline.
CREATE FUNCTION pg_hermetic.take_table(change integer, t pg_hermetic.tables, entire boolean, was_dirty boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    before text := CASE WHEN was_dirty THEN format('SELECT t.* FROM pg_hermetic.b%s_%s t', change, t.relid) ELSE pg_hermetic.kept_rows('s', t.relid) END;
    after text := pg_hermetic.live_rows(t);
    written boolean;
BEGIN
    IF t.by_row AND NOT entire THEN
        before := pg_hermetic.touched_only(before, t);
        after := pg_hermetic.touched_only(after, t);
    END IF;
    written := pg_hermetic.keep_delta(change, t, before, after);
    IF NOT was_dirty THEN
        PERFORM pg_hermetic.take_over(t, entire);
    ELSIF written THEN
        PERFORM pg_hermetic.apply_delta(change, t, '-', '+');
    END IF;
    RETURN written;
END $$;

-- End a change: what was written since it began is part of the baseline. True when anything was.
CREATE FUNCTION pg_hermetic.end_change(change integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    written record;
    was_dirty boolean;
    anything boolean := false;
BEGIN
    PERFORM pg_hermetic.lift_policies();
    CREATE TEMPORARY TABLE IF NOT EXISTS hermetic_was (relid oid, entire boolean);
    TRUNCATE hermetic_was;
    WITH known AS (DELETE FROM pg_hermetic.dirty RETURNING *) INSERT INTO hermetic_was SELECT * FROM known;
    FOR written IN
        SELECT tables AS t, d.entire FROM pg_hermetic.take_dirty() d JOIN pg_hermetic.tables tables USING (relid)
    LOOP
        was_dirty := EXISTS (SELECT FROM hermetic_was WHERE relid = (written.t).relid);
        anything := pg_hermetic.take_table(change, written.t, written.entire, was_dirty) OR anything;
        UPDATE hermetic_was SET entire = true WHERE relid = (written.t).relid AND written.entire;
    END LOOP;
    INSERT INTO pg_hermetic.dirty SELECT * FROM hermetic_was;
    PERFORM pg_hermetic.drop_copies(change);
    IF anything THEN
        PERFORM pg_hermetic.doubt_views();
        PERFORM pg_hermetic.compare_views();
    END IF;
    PERFORM pg_hermetic.impose_policies();
    RETURN pg_hermetic.take_moves(change) OR anything;
END $$;

-- Forget that a change began: it does not fit, and nothing of it is taken.
CREATE FUNCTION pg_hermetic.abandon_change(this_change integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_hermetic.drop_copies(this_change);
    DELETE FROM pg_hermetic.moves WHERE change = -this_change;
END $$;

CREATE FUNCTION pg_hermetic.drop_copies(change integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    copy name;
BEGIN
    FOR copy IN SELECT relname FROM pg_catalog.pg_class
        WHERE relnamespace = 'pg_hermetic'::regnamespace AND relkind = 'r' AND relname ^@ format('b%s_', change)
    LOOP
        EXECUTE format('DROP TABLE pg_hermetic.%I', copy);
    END LOOP;
END $$;

-- Sequences that moved since a change began stand there at the baseline.
CREATE FUNCTION pg_hermetic.take_moves(this_change integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    taken bigint;
BEGIN
    WITH moved AS (
        SELECT now.* FROM pg_hermetic.sequences_now() now JOIN pg_hermetic.sequences base USING (seqid)
        LEFT JOIN pg_hermetic.moves began ON began.change = -this_change AND began.seqid = now.seqid
        WHERE (now.last_value, now.is_called)
            IS DISTINCT FROM (coalesce(began.last_value, base.last_value), coalesce(began.is_called, base.is_called))
    ), kept AS (
        INSERT INTO pg_hermetic.moves SELECT this_change, * FROM moved
    )
    UPDATE pg_hermetic.sequences base SET last_value = moved.last_value, is_called = moved.is_called
    FROM moved WHERE moved.seqid = base.seqid;
    GET DIAGNOSTICS taken = ROW_COUNT;
    DELETE FROM pg_hermetic.moves WHERE change = -this_change;
    IF taken > 0 THEN
        PERFORM pg_hermetic.let_moves_be_logged();
    END IF;
    RETURN taken > 0;
END $$;

-- See track_sequences: the next nextval of each writes to the log.
CREATE FUNCTION pg_hermetic.let_moves_be_logged() RETURNS void LANGUAGE sql AS $$
    SELECT setval(now.seqid::regclass, now.last_value, now.is_called)
    FROM pg_hermetic.sequences_now() now JOIN pg_hermetic.sequences base USING (seqid)
    WHERE (now.last_value, now.is_called) IS NOT DISTINCT FROM (base.last_value, base.is_called)
$$;

-- What the database holds now is its baseline, and nothing is kept of what it was before, nor of any change.
CREATE FUNCTION pg_hermetic.take_everything() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    written record;
BEGIN
    PERFORM pg_hermetic.lift_policies();
    FOR written IN
        SELECT tables AS t, d.entire FROM pg_hermetic.take_dirty() d JOIN pg_hermetic.tables tables USING (relid)
    LOOP
        PERFORM pg_hermetic.take_over(written.t, written.entire);
    END LOOP;
    PERFORM pg_hermetic.doubt_views();
    PERFORM pg_hermetic.compare_views();
    PERFORM pg_hermetic.impose_policies();
    UPDATE pg_hermetic.sequences base
    SET (last_value, is_called, base_value, base_called) = (now.last_value, now.is_called, now.last_value, now.is_called)
    FROM pg_hermetic.sequences_now() now WHERE now.seqid = base.seqid;
    PERFORM pg_hermetic.let_moves_be_logged();
    PERFORM pg_hermetic.forget_change(change, relid) FROM pg_hermetic.deltas;
    DELETE FROM pg_hermetic.deltas;
    DELETE FROM pg_hermetic.moves;
END $$;
