-- A wider fixture that changes the schema: the baseline of before is kept under another name, and a new one is taken.

CREATE FUNCTION pg_hermetic.retire(change integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_hermetic.stop_noticing();
    EXECUTE format('ALTER SCHEMA pg_hermetic RENAME TO pg_hermetic_%s', change);
END $$;

CREATE FUNCTION pg_hermetic.stop_noticing() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t record;
BEGIN
    -- They come back as others, and those would be said to be missing.
    DELETE FROM pg_hermetic.objects USING pg_catalog.pg_trigger
    WHERE classid = 'pg_trigger'::regclass AND objid = pg_trigger.oid AND tgname ^@ 'zz_hermetic';
    FOR t IN SELECT tgname, tgrelid::regclass AS name FROM pg_catalog.pg_trigger WHERE tgname ^@ 'zz_hermetic' LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.name);
    END LOOP;
    FOR t IN SELECT evtname FROM pg_catalog.pg_event_trigger WHERE evtname IN ('hermetic_commands', 'hermetic_drops') LOOP
        EXECUTE format('DROP EVENT TRIGGER %I', t.evtname);
    END LOOP;
END $$;

-- Go on with a baseline that was retired, in place of those that came after it. Everything that was done since is
-- noted in it as what a test does, so that the next restore undoes it.
CREATE FUNCTION pg_hermetic.notice_again(change integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    later record;
BEGIN
    FOR later IN
        SELECT nspname AS schema FROM pg_catalog.pg_namespace
        WHERE nspname ~ '^pg_hermetic_[0-9]+$' AND substring(nspname FROM '[0-9]+$')::integer > change
    LOOP
        EXECUTE format('INSERT INTO pg_hermetic.dirty SELECT relid, true FROM %I.drift', later.schema);
        EXECUTE format('INSERT INTO pg_hermetic.dirty SELECT relid, true FROM %I.marks', later.schema);
        EXECUTE format('INSERT INTO pg_hermetic.dirty SELECT relid, true FROM %I.dirty', later.schema);
        EXECUTE format('INSERT INTO pg_hermetic.ddl SELECT * FROM %I.ddl', later.schema);
        EXECUTE format('DROP SCHEMA %I CASCADE', later.schema);
    END LOOP;
    PERFORM pg_hermetic.hear_of_ddl();
    IF pg_hermetic.undone_by_dropping() THEN -- else remake() has it noticed, or a copy has the triggers that it had
        PERFORM pg_hermetic.notice_tables();
        INSERT INTO pg_hermetic.objects
        SELECT 'pg_trigger'::regclass, oid FROM pg_catalog.pg_trigger WHERE tgname ^@ 'zz_hermetic';
    END IF;
END $$;

-- In the new baseline: know the changes that were there before, so that they can be taken out of this one too. Where the
-- table itself was changed or dropped they cannot.
CREATE FUNCTION pg_hermetic.inherit_changes(this_change integer, schema_before text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d record;
BEGIN
    EXECUTE format(
        'INSERT INTO pg_hermetic.deltas SELECT d.change, d.relid, coalesce(d.fits AND before.storing = now.storing, false)'
        ' FROM %1$I.deltas d JOIN %1$I.tables before USING (relid) LEFT JOIN pg_hermetic.tables now USING (relid)',
        schema_before
    );
    FOR d IN SELECT * FROM pg_hermetic.deltas WHERE fits LOOP
        EXECUTE format('CREATE UNLOGGED TABLE pg_hermetic.d%s_%s AS TABLE %I.d%1$s_%2$s', d.change, d.relid, schema_before);
    END LOOP;
    EXECUTE format('INSERT INTO pg_hermetic.moves SELECT m.* FROM %I.moves m JOIN pg_hermetic.sequences USING (seqid) WHERE m.change > 0', schema_before);
    EXECUTE format(
        'INSERT INTO pg_hermetic.moves SELECT %s, seqid, now.last_value, now.is_called'
        ' FROM pg_hermetic.sequences now JOIN %I.sequences before USING (seqid)'
        ' WHERE (now.last_value, now.is_called) IS DISTINCT FROM (before.last_value, before.is_called)',
        this_change, schema_before
    );
    EXECUTE format(
        'UPDATE pg_hermetic.sequences now SET base_value = before.base_value, base_called = before.base_called'
        ' FROM %I.sequences before WHERE before.seqid = now.seqid', schema_before
    );
END $$;
