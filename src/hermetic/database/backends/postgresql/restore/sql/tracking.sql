-- Takes what the database holds now as its baseline.

-- Whether rows of a type can be kept as they are. A column of a type that the application made would keep that type
-- from being dropped, so that a test's own DROP TYPE failed: such columns are kept as text.
CREATE FUNCTION pg_hermetic.is_own_type(type oid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT e.oid >= 16384 AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = e.oid AND d.deptype = 'e'
    )
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
    WHERE t.oid = type
$$;

CREATE FUNCTION pg_hermetic.is_hidden(namespace oid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT nspname IN ('pg_catalog', 'information_schema') OR nspname ^@ 'pg_hermetic' OR nspname ^@ 'pg_toast'
        OR nspname ^@ 'pg_temp'
    FROM pg_catalog.pg_namespace WHERE oid = namespace
$$;

-- The tables, sequences and materialized views that belong to the application.
CREATE VIEW pg_hermetic.relations AS
    SELECT c.oid, c.relkind, c.relpersistence, c.relispopulated, c.relforcerowsecurity,
        format('%I.%I', n.nspname, c.relname) AS name,
        EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) AS in_family
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'S', 'm') AND c.relpersistence <> 't' AND NOT pg_hermetic.is_hidden(c.relnamespace)
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        );

-- A table comes after those that it refers to; in a cycle, wherever the walk began.
CREATE FUNCTION pg_hermetic.ranks() RETURNS TABLE (relid oid, rank integer) LANGUAGE plpgsql AS $$
DECLARE
    placed oid[] := '{}';
    ready oid[];
    level integer := 0;
BEGIN
    LOOP
        SELECT array_agg(r.oid) INTO ready FROM pg_hermetic.relations r
        WHERE r.relkind IN ('r', 'p') AND r.oid <> ALL (placed) AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_constraint f
            WHERE f.contype = 'f' AND f.conrelid = r.oid AND f.confrelid <> r.oid AND f.confrelid <> ALL (placed)
        );
        IF ready IS NULL THEN -- only cycles are left
            SELECT array_agg(r.oid) INTO ready FROM pg_hermetic.relations r
            WHERE r.relkind IN ('r', 'p') AND r.oid <> ALL (placed);
            EXIT WHEN ready IS NULL;
        END IF;
        RETURN QUERY SELECT unnest(ready), level;
        placed := placed || ready;
        level := level + 1;
    END LOOP;
END $$;

-- What acts on rows even while they are put back, as the words that switch it off and on again.
CREATE FUNCTION pg_hermetic.firing(table_oid oid) RETURNS TABLE (off text, back text) LANGUAGE sql STABLE AS $$
    SELECT format('DISABLE %s %I', what, name),
        format('ENABLE %s %s %I', CASE enabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, what, name)
    FROM (
        SELECT 'TRIGGER' AS what, tgname AS name, tgenabled AS enabled FROM pg_catalog.pg_trigger
        WHERE tgrelid = table_oid AND NOT tgisinternal AND tgname !~ '^zz_hermetic'
        UNION ALL
        SELECT 'RULE', rulename, ev_enabled FROM pg_catalog.pg_rewrite WHERE ev_class = table_oid AND ev_type <> '1'
    ) firing
    WHERE enabled = ANY (pg_hermetic.firing_states())
    UNION ALL SELECT 'NO FORCE ROW LEVEL SECURITY', 'FORCE ROW LEVEL SECURITY' FROM pg_hermetic.policed WHERE relid = table_oid
    UNION ALL SELECT * FROM pg_hermetic.also_in_the_way(table_oid)
$$;

-- See every row, or again those that policies show.
CREATE FUNCTION pg_hermetic.lift_policies() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT name FROM pg_hermetic.policed LOOP
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', p.name);
    END LOOP;
END $$;

CREATE FUNCTION pg_hermetic.impose_policies() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT name FROM pg_hermetic.policed LOOP
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p.name);
    END LOOP;
END $$;

-- Note everything about one table, its baseline's rows included.
CREATE FUNCTION pg_hermetic.track_table(table_oid oid, table_name text, table_rank integer, big integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
    rows_held bigint;
BEGIN
    t.relid := table_oid;
    t.name := table_name;
    t.rank := table_rank;
    SELECT coalesce(string_agg(format('%I', attname), ', ' ORDER BY attnum), ''),
        coalesce(string_agg(pg_hermetic.reading(c, 's'), ', ' ORDER BY attnum), ''),
        coalesce(string_agg(pg_hermetic.storing(c), ', ' ORDER BY attnum), '')
    INTO t.columns, t.reading, t.storing
    FROM pg_catalog.pg_attribute c
    WHERE attrelid = table_oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    SELECT coalesce(array_agg(attname::text ORDER BY position), '{}') INTO t.keys
    FROM pg_catalog.pg_index, unnest(indkey) WITH ORDINALITY AS key (number, position)
    JOIN pg_catalog.pg_attribute ON attnum = key.number AND attgenerated = ''
    WHERE indrelid = table_oid AND indisprimary AND attrelid = table_oid;
    SELECT string_agg(format('ALTER TABLE %s %s', table_name, off), '; '),
        string_agg(format('ALTER TABLE %s %s', table_name, back), '; ')
    INTO t.guard, t.unguard
    FROM pg_hermetic.firing(table_oid);
    EXECUTE format('CREATE TABLE pg_hermetic.s%s AS SELECT %s FROM ONLY %s t', table_oid, t.storing, table_name);
    GET DIAGNOSTICS rows_held = ROW_COUNT;
    t.filled := rows_held > 0;
    t.by_row := rows_held >= big AND pg_hermetic.can_be_put_back_by_row(table_oid, t.keys);
    INSERT INTO pg_hermetic.tables SELECT t.*;
    PERFORM pg_hermetic.prepare(t);
    IF t.by_row THEN
        PERFORM pg_hermetic.note_keys(t);
    END IF;
    PERFORM pg_hermetic.add_triggers(t);
END $$;

-- How a column is read from the rows that hermetic keeps, and how it is kept.
CREATE FUNCTION pg_hermetic.reading(c pg_catalog.pg_attribute, alias text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format('%s.%I', alias, c.attname)
        || CASE WHEN pg_hermetic.is_own_type(c.atttypid) THEN '::' || format_type(c.atttypid, c.atttypmod) ELSE '' END
$$;

CREATE FUNCTION pg_hermetic.storing(c pg_catalog.pg_attribute) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN pg_hermetic.is_own_type(c.atttypid) THEN format('t.%I::text AS %1$I', c.attname) ELSE format('t.%I', c.attname) END
$$;

-- Triggers of partitions and heirs cannot see the rows of a statement. Keys are noted in the application's session: the
-- text of a value of an own type, a domain over timestamptz say, may not be the same there; an enum's is.
CREATE FUNCTION pg_hermetic.can_be_put_back_by_row(table_oid oid, keys text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT keys <> '{}'
        AND NOT (SELECT in_family FROM pg_hermetic.relations WHERE oid = table_oid)
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_type ON pg_type.oid = atttypid
            WHERE attrelid = table_oid AND attname = ANY (keys) AND pg_hermetic.is_own_type(atttypid) AND typtype <> 'e'
        )
$$;

CREATE FUNCTION pg_hermetic.unless_off() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'WHEN (pg_catalog.current_setting(''hermetic.off'', true) IS DISTINCT FROM ''on'')'
$$;

CREATE FUNCTION pg_hermetic.add_trigger(table_name text, events text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER zz_hermetic AFTER %s ON %s FOR EACH STATEMENT %s EXECUTE FUNCTION pg_hermetic.mark()', events, table_name, pg_hermetic.unless_off());
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_hermetic', table_name);
END $$;

CREATE FUNCTION pg_hermetic.add_triggers(t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_hermetic.add_trigger(t.name, CASE WHEN t.by_row THEN 'TRUNCATE' ELSE 'INSERT OR UPDATE OR DELETE OR TRUNCATE' END);
    IF t.by_row THEN
        PERFORM pg_hermetic.add_triggers_of_keys(t);
    END IF;
END $$;

-- Have the tables of the baseline noticed that are not: their owner can drop and disable triggers, we do so ourselves
-- (stop_noticing), and a table that was made again has none.
CREATE FUNCTION pg_hermetic.notice_tables() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
BEGIN
    FOR t IN SELECT * FROM pg_hermetic.tables LOOP
        IF pg_hermetic.forget_triggers(t.relid, CASE WHEN t.by_row THEN 4 ELSE 1 END) THEN
            PERFORM pg_hermetic.add_triggers(t);
        END IF;
    END LOOP;
    PERFORM pg_hermetic.add_trigger(name, 'INSERT OR UPDATE OR DELETE OR TRUNCATE')
    FROM pg_hermetic.relations JOIN pg_hermetic.objects ON objid = oid AND classid = 'pg_class'::regclass
    WHERE relkind = 'p' AND pg_hermetic.forget_triggers(oid, 1);
END $$;

-- Drop our triggers on a table where some are missing or switched off; whether that is so.
CREATE FUNCTION pg_hermetic.forget_triggers(table_oid oid, wanted integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    trigger_name name;
BEGIN
    IF wanted = (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid = table_oid AND tgname ^@ 'zz_hermetic' AND tgenabled = 'A') THEN
        RETURN false;
    END IF;
    FOR trigger_name IN SELECT tgname FROM pg_catalog.pg_trigger WHERE tgrelid = table_oid AND tgname ^@ 'zz_hermetic' LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', trigger_name, table_oid::regclass);
    END LOOP;
    RETURN true;
END $$;
