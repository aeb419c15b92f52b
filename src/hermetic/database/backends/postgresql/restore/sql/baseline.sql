-- Takes everything that the database holds as its baseline: run once, when schema and seed rows are built.
CREATE FUNCTION pg_hermetic.take_baseline(big integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_hermetic.policed SELECT oid, name FROM pg_hermetic.relations
    WHERE relkind = 'r' AND relforcerowsecurity AND pg_hermetic.is_policed();
    PERFORM pg_hermetic.lift_policies();
    PERFORM pg_hermetic.track_table(relations.oid, name, rank, big)
    FROM pg_hermetic.relations JOIN pg_hermetic.ranks() ON relid = oid WHERE relkind = 'r';
    PERFORM pg_hermetic.add_trigger(name, 'INSERT OR UPDATE OR DELETE OR TRUNCATE') FROM pg_hermetic.relations WHERE relkind = 'p';
    INSERT INTO pg_hermetic.families
    WITH RECURSIVE descent AS (
        SELECT inhparent AS parent, inhrelid AS member FROM pg_catalog.pg_inherits
        UNION
        SELECT descent.parent, i.inhrelid FROM descent JOIN pg_catalog.pg_inherits i ON i.inhparent = descent.member
    )
    SELECT parent, member FROM descent WHERE parent IN (SELECT oid FROM pg_hermetic.relations WHERE relkind IN ('r', 'p'))
    UNION
    SELECT parent, parent FROM descent;
    PERFORM pg_hermetic.track_sequences();
    INSERT INTO pg_hermetic.views SELECT oid, relispopulated, NULL FROM pg_hermetic.relations WHERE relkind = 'm';
    PERFORM pg_hermetic.compare_views();
    INSERT INTO pg_hermetic.large_objects
    SELECT oid, lo_get(oid), lomacl::text, lomowner, obj_description(oid, 'pg_largeobject')
    FROM pg_catalog.pg_largeobject_metadata;
    PERFORM pg_hermetic.see_large_objects();
    PERFORM pg_hermetic.impose_policies();
    PERFORM pg_hermetic.note_objects();
    PERFORM pg_hermetic.note_making();
    INSERT INTO pg_hermetic.shape_seen SELECT pg_hermetic.shape();
END $$;

CREATE FUNCTION pg_hermetic.note_objects() RETURNS void LANGUAGE sql AS $$
    INSERT INTO pg_hermetic.objects SELECT * FROM pg_hermetic.objects_now();
    SELECT pg_hermetic.note_owners();
$$;

-- A sequence that hands out values from a cache would go on with them after a restore, so it keeps none. setval also makes
-- the next nextval write to the log, which is how a restore that sees an unchanged log knows that no sequence moved.
CREATE FUNCTION pg_hermetic.track_sequences() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s record;
BEGIN
    FOR s IN SELECT r.name FROM pg_catalog.pg_sequence JOIN pg_hermetic.relations r ON r.oid = seqrelid WHERE seqcache > 1 LOOP
        EXECUTE format('ALTER SEQUENCE %s CACHE 1', s.name);
    END LOOP;
    INSERT INTO pg_hermetic.sequences
    SELECT oid, name, 0, false, 0, false, relpersistence = 'u' FROM pg_hermetic.relations WHERE relkind = 'S';
    PERFORM pg_hermetic.make_sequences_now();
    UPDATE pg_hermetic.sequences base
    SET (last_value, is_called, base_value, base_called) = (now.last_value, now.is_called, now.last_value, now.is_called)
    FROM pg_hermetic.sequences_now() now WHERE now.seqid = base.seqid;
    PERFORM setval(seqid::regclass, last_value, is_called) FROM pg_hermetic.sequences;
END $$;

-- Where each sequence stands now, and which stand elsewhere than at the baseline, and where that is: from PostgreSQL 18 on there is a function
-- for that, before it one statement that reads them all and whose plan is kept.
CREATE FUNCTION pg_hermetic.make_sequences_now() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    every text;
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        CREATE OR REPLACE FUNCTION pg_hermetic.sequences_now() RETURNS TABLE (seqid oid, last_value bigint, is_called boolean)
        LANGUAGE sql STABLE AS $b$
            SELECT s.seqid, d.last_value, d.is_called
            FROM pg_hermetic.sequences s, pg_catalog.pg_get_sequence_data(s.seqid::regclass) d
        $b$;
        CREATE OR REPLACE FUNCTION pg_hermetic.moved() RETURNS TABLE (
            seqid oid, last_value bigint, is_called boolean, baseline_value bigint, baseline_called boolean
        ) LANGUAGE sql STABLE AS $b$
            SELECT s.seqid, (s.now).last_value, (s.now).is_called, s.last_value, s.is_called
            FROM (SELECT *, pg_catalog.pg_get_sequence_data(seqid::regclass) AS now FROM pg_hermetic.sequences OFFSET 0) s
            WHERE (s.now).last_value <> s.last_value OR (s.now).is_called <> s.is_called
        $b$;
    ELSE
        SELECT string_agg(format('SELECT %s::oid, s.last_value, s.is_called FROM %s s', seqid, name), ' UNION ALL ')
        INTO every FROM pg_hermetic.sequences;
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION pg_hermetic.sequences_now() RETURNS TABLE (seqid oid, last_value bigint, is_called boolean)'
            ' LANGUAGE plpgsql STABLE AS $b$ BEGIN RETURN QUERY %s; END $b$',
            coalesce(every, 'SELECT 0::oid, 0::bigint, false WHERE false')
        );
        CREATE OR REPLACE FUNCTION pg_hermetic.moved() RETURNS TABLE (
            seqid oid, last_value bigint, is_called boolean, baseline_value bigint, baseline_called boolean
        ) LANGUAGE sql STABLE AS $b$
            SELECT now.seqid, now.last_value, now.is_called, base.last_value, base.is_called
            FROM pg_hermetic.sequences_now() now JOIN pg_hermetic.sequences base USING (seqid)
            WHERE now.last_value <> base.last_value OR now.is_called <> base.is_called
        $b$;
    END IF;
END $$;
