-- A wider fixture that changes the schema: the baseline of before is kept under another name, and a new one is taken.

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

-- In the new baseline: know the pieces that were there before, so that they can be taken out of this one too. Where the
-- table itself was changed or dropped they cannot.
CREATE FUNCTION pg_hermetic.inherit_pieces(this_piece integer, schema_before text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d record;
BEGIN
    EXECUTE format(
        'INSERT INTO pg_hermetic.deltas SELECT d.piece, d.relid, coalesce(d.fits AND before.storing = now.storing, false)'
        ' FROM %1$I.deltas d JOIN %1$I.tables before USING (relid) LEFT JOIN pg_hermetic.tables now USING (relid)',
        schema_before
    );
    FOR d IN SELECT * FROM pg_hermetic.deltas WHERE fits LOOP
        EXECUTE format('CREATE UNLOGGED TABLE pg_hermetic.d%s_%s AS TABLE %I.d%1$s_%2$s', d.piece, d.relid, schema_before);
    END LOOP;
    EXECUTE format('INSERT INTO pg_hermetic.moves SELECT m.* FROM %I.moves m JOIN pg_hermetic.sequences USING (seqid) WHERE m.piece > 0', schema_before);
    EXECUTE format(
        'INSERT INTO pg_hermetic.moves SELECT %s, seqid, now.last_value, now.is_called'
        ' FROM pg_hermetic.sequences now JOIN %I.sequences before USING (seqid)'
        ' WHERE (now.last_value, now.is_called) IS DISTINCT FROM (before.last_value, before.is_called)',
        this_piece, schema_before
    );
    EXECUTE format(
        'UPDATE pg_hermetic.sequences now SET base_value = before.base_value, base_called = before.base_called'
        ' FROM %I.sequences before WHERE before.seqid = now.seqid', schema_before
    );
END $$;
