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
    SELECT c.oid, c.relkind, c.relowner, c.relispopulated,
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

-- Note everything about one table, its baseline's rows included.
CREATE FUNCTION pg_hermetic.track_table(table_oid oid, table_name text, table_rank integer, big integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
    rows_held bigint;
    kind "char";
    family boolean;
BEGIN
    SELECT relkind, in_family INTO kind, family FROM pg_hermetic.relations WHERE oid = table_oid;
    t.relid := table_oid;
    t.name := table_name;
    t.rank := table_rank;
    SELECT coalesce(string_agg(format('%I', attname), ', ' ORDER BY attnum), ''),
        coalesce(string_agg(CASE WHEN own THEN format('s.%I::%s', attname, type) ELSE format('s.%I', attname) END, ', ' ORDER BY attnum), ''),
        coalesce(string_agg(CASE WHEN own THEN format('t.%I::text AS %1$I', attname) ELSE format('t.%I', attname) END, ', ' ORDER BY attnum), '')
    INTO t.columns, t.reading, t.storing
    FROM (
        SELECT attname, attnum, pg_hermetic.is_own_type(atttypid) AS own, format_type(atttypid, atttypmod) AS type
        FROM pg_catalog.pg_attribute
        WHERE attrelid = table_oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ) columns;
    SELECT coalesce(array_agg(attname::text ORDER BY position), '{}') INTO t.keys
    FROM pg_catalog.pg_index, unnest(indkey) WITH ORDINALITY AS key (number, position)
    JOIN pg_catalog.pg_attribute ON attnum = key.number AND attgenerated = ''
    WHERE indrelid = table_oid AND indisprimary AND attrelid = table_oid;
    SELECT string_agg(format('ALTER TABLE %s DISABLE %s %I', table_name, what, name), '; '),
        string_agg(format('ALTER TABLE %s ENABLE %s %s %I', table_name, CASE enabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, what, name), '; ')
    INTO t.guard, t.unguard
    FROM (
        SELECT 'TRIGGER' AS what, tgname AS name, tgenabled AS enabled FROM pg_catalog.pg_trigger
        WHERE tgrelid = table_oid AND NOT tgisinternal AND tgparentid = 0 AND tgname !~ '^zz_hermetic'
        UNION ALL
        SELECT 'RULE', rulename, ev_enabled FROM pg_catalog.pg_rewrite WHERE ev_class = table_oid AND ev_type <> '1'
    ) firing
    WHERE enabled = ANY (pg_hermetic.firing_states());
    EXECUTE format('CREATE TABLE pg_hermetic.s%s AS SELECT %s FROM ONLY %s t', table_oid, t.storing, table_name);
    GET DIAGNOSTICS rows_held = ROW_COUNT;
    t.filled := rows_held > 0;
    t.by_row := kind = 'r' AND NOT family AND rows_held >= big AND t.keys <> '{}';
    INSERT INTO pg_hermetic.tables SELECT t.*;
    PERFORM pg_hermetic.add_triggers(table_oid, table_name, t.by_row);
END $$;

-- How one column of a key is compared between a table (t) and rows kept by hermetic (named by alias).
CREATE FUNCTION pg_hermetic.key_match(table_oid oid, alias text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(
        format('t.%I = %s.%1$I', attname, alias)
            || CASE WHEN pg_hermetic.is_own_type(atttypid) THEN '::' || format_type(atttypid, atttypmod) ELSE '' END,
        ' AND '
    )
    FROM pg_hermetic.tables, unnest(keys) AS key
    JOIN pg_catalog.pg_attribute ON attname = key
    WHERE relid = table_oid AND attrelid = table_oid
$$;

-- The columns of a key, as hermetic keeps them.
CREATE FUNCTION pg_hermetic.key_storing(table_oid oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(
        CASE WHEN pg_hermetic.is_own_type(atttypid) THEN format('t.%I::text AS %1$I', attname) ELSE format('t.%I', attname) END,
        ', '
    )
    FROM pg_hermetic.tables, unnest(keys) AS key
    JOIN pg_catalog.pg_attribute ON attname = key
    WHERE relid = table_oid AND attrelid = table_oid
$$;

CREATE FUNCTION pg_hermetic.add_triggers(table_oid oid, table_name text, by_row boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    unless text := 'WHEN (pg_catalog.current_setting(''hermetic.off'', true) IS DISTINCT FROM ''on'')';
    event text;
    rows_of text;
    storing text;
BEGIN
    IF NOT by_row THEN
        EXECUTE format('CREATE TRIGGER zz_hermetic AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT %s EXECUTE FUNCTION pg_hermetic.mark()', table_name, unless);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_hermetic', table_name);
        RETURN;
    END IF;
    storing := pg_hermetic.key_storing(table_oid);
    EXECUTE format('CREATE UNLOGGED TABLE pg_hermetic.k%s AS SELECT %s FROM %s t WITH NO DATA', table_oid, storing, table_name);
    EXECUTE format('CREATE INDEX ON pg_hermetic.s%s (%s)', table_oid, (SELECT string_agg(quote_ident(key), ', ') FROM pg_hermetic.tables, unnest(keys) AS key WHERE relid = table_oid));
    EXECUTE format('ANALYZE pg_hermetic.s%s', table_oid);
    EXECUTE format($f$
        CREATE FUNCTION pg_hermetic.m%1$s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $b$
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                INSERT INTO pg_hermetic.k%1$s SELECT %2$s FROM removed t;
            END IF;
            IF TG_OP <> 'DELETE' THEN
                INSERT INTO pg_hermetic.k%1$s SELECT %2$s FROM added t;
            END IF;
            INSERT INTO pg_hermetic.marks (relid, entire) VALUES (TG_RELID, false);
            RETURN NULL;
        END $b$
        $f$, table_oid, storing);
    EXECUTE format($f$
        CREATE FUNCTION pg_hermetic.r%1$s() RETURNS void LANGUAGE plpgsql
        SET enable_hashjoin = off SET enable_mergejoin = off AS $b$
        DECLARE
            touched pg_hermetic.k%1$s[];
        BEGIN
            WITH taken AS (DELETE FROM pg_hermetic.k%1$s RETURNING *)
            SELECT array_agg(DISTINCT taken::pg_hermetic.k%1$s) INTO touched FROM taken;
            DELETE FROM ONLY %2$s t USING unnest(touched) k WHERE %3$s;
            INSERT INTO %2$s (%4$s) OVERRIDING SYSTEM VALUE
            SELECT %5$s FROM unnest(touched) k JOIN pg_hermetic.s%1$s s ON %6$s;
        END $b$
        $f$, table_oid, table_name, pg_hermetic.key_match(table_oid, 'k'),
        (SELECT t.columns FROM pg_hermetic.tables t WHERE relid = table_oid),
        (SELECT t.reading FROM pg_hermetic.tables t WHERE relid = table_oid),
        (SELECT string_agg(format('s.%I = k.%1$I', key), ' AND ') FROM pg_hermetic.tables, unnest(keys) AS key WHERE relid = table_oid));
    FOR event, rows_of IN VALUES ('INSERT', 'NEW TABLE AS added'), ('DELETE', 'OLD TABLE AS removed'),
        ('UPDATE', 'OLD TABLE AS removed NEW TABLE AS added')
    LOOP
        EXECUTE format('CREATE TRIGGER zz_hermetic_%s AFTER %1$s ON %s REFERENCING %s FOR EACH STATEMENT %s EXECUTE FUNCTION pg_hermetic.m%s()', event, table_name, rows_of, unless, table_oid);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_hermetic_%s', table_name, event);
    END LOOP;
    EXECUTE format('CREATE TRIGGER zz_hermetic AFTER TRUNCATE ON %s FOR EACH STATEMENT %s EXECUTE FUNCTION pg_hermetic.mark()', table_name, unless);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_hermetic', table_name);
END $$;
