-- Tables, sequences and enums that a test dropped, as drop_all does, are made again from what the catalog said of them,
-- and taken for the baseline's own where the schema then is by name what it was: see shape.sql, which decides. So nothing
-- here need be complete: what these statements leave out, or a test made otherwise, ends in a copy of the origin.

-- The statements, and what each makes or belongs to: it is done where that is missing.
CREATE TABLE pg_hermetic.making (
    place integer NOT NULL, -- later ones need earlier ones
    kind text NOT NULL, -- 'type', 'relation', or 'constraint'
    name text NOT NULL, -- qualified and quoted; of a constraint, its own
    relation text, -- of a constraint: that on which it is
    statement text NOT NULL
);
CREATE TABLE pg_hermetic.shape_seen (digest text);

-- Which tables and sequences of the baseline have another number now.
CREATE TABLE pg_hermetic.remade (old oid NOT NULL, new oid NOT NULL);

CREATE FUNCTION pg_hermetic.is_missing(m pg_hermetic.making) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE m.kind
        WHEN 'type' THEN to_regtype(m.name) IS NULL
        WHEN 'relation' THEN to_regclass(m.name) IS NULL
        ELSE NOT EXISTS (
            SELECT FROM pg_catalog.pg_constraint WHERE conrelid = to_regclass(m.relation) AND conname = m.name
        )
    END
$$;

CREATE FUNCTION pg_hermetic.sequence_options(sequence oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format(
        'START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s', seqstart, seqincrement, seqmin, seqmax, seqcache,
        CASE WHEN seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END
    )
    FROM pg_catalog.pg_sequence WHERE seqrelid = sequence
$$;

CREATE FUNCTION pg_hermetic.column_definition(c pg_catalog.pg_attribute, of_table text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(
        ' ', quote_ident(c.attname), format_type(c.atttypid, c.atttypmod),
        (
            SELECT format('COLLATE %s', l.oid::regcollation) FROM pg_catalog.pg_collation l, pg_catalog.pg_type t
            WHERE l.oid = c.attcollation AND t.oid = c.atttypid AND t.typcollation <> l.oid
        ),
        (
            SELECT format(
                CASE c.attgenerated WHEN '' THEN 'DEFAULT %s' WHEN 's' THEN 'GENERATED ALWAYS AS (%s) STORED'
                    ELSE 'GENERATED ALWAYS AS (%s) VIRTUAL' END, pg_get_expr(adbin, adrelid)
            )
            FROM pg_catalog.pg_attrdef WHERE adrelid = c.attrelid AND adnum = c.attnum
        ),
        CASE WHEN c.attidentity <> '' THEN format(
            'GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)', CASE c.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END,
            pg_get_serial_sequence(of_table, c.attname), pg_hermetic.sequence_options(pg_get_serial_sequence(of_table, c.attname)::regclass)
        ) END,
        CASE WHEN c.attnotnull THEN (
            SELECT format('CONSTRAINT %I', conname) FROM pg_catalog.pg_constraint -- those of PostgreSQL 18 and later
            WHERE contype = 'n' AND conrelid = c.attrelid AND conkey[1] = c.attnum
        ) END,
        CASE WHEN c.attnotnull THEN 'NOT NULL' END
    )
$$;

CREATE FUNCTION pg_hermetic.table_definition(table_oid oid, table_name text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format(
        'CREATE %sTABLE %s (%s)%s', CASE relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, table_name,
        (
            SELECT string_agg(pg_hermetic.column_definition(c, table_name), ', ' ORDER BY attnum)
            FROM pg_catalog.pg_attribute c WHERE attrelid = table_oid AND attnum > 0 AND NOT attisdropped
        ),
        ' WITH (' || array_to_string(reloptions, ', ') || ')'
    )
    FROM pg_catalog.pg_class WHERE oid = table_oid
$$;

-- Note how everything is made that there is.
CREATE FUNCTION pg_hermetic.note_making() RETURNS void LANGUAGE sql AS $$
    WITH plain AS (
        SELECT r.oid, r.name, c.relowner::regrole::text AS owner FROM pg_hermetic.relations r
        JOIN pg_catalog.pg_class c USING (oid) WHERE r.relkind = 'r' AND NOT r.in_family
    ), counters AS (
        SELECT r.oid, r.name, c.relowner::regrole::text AS owner, c.relpersistence FROM pg_hermetic.relations r
        JOIN pg_catalog.pg_class c USING (oid) WHERE r.relkind = 'S' AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'i'
        )
    ), enums AS (
        SELECT t.oid, format('%I.%I', nspname, typname) AS name, typowner::regrole::text AS owner
        FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = typnamespace
        WHERE typtype = 'e' AND t.oid >= 16384 AND NOT pg_hermetic.is_hidden(typnamespace)
    )
    INSERT INTO pg_hermetic.making
    SELECT 1, 'type', name, NULL, format(
        'CREATE TYPE %s AS ENUM (%s)', name,
        (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_catalog.pg_enum WHERE enumtypid = enums.oid)
    ) FROM enums
    UNION ALL SELECT 2, 'type', name, NULL, format('ALTER TYPE %s OWNER TO %s', name, owner) FROM enums
    UNION ALL SELECT 3, 'relation', name, NULL, format(
        'CREATE %sSEQUENCE %s AS %s %s', CASE relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, name,
        (SELECT seqtypid::regtype FROM pg_catalog.pg_sequence WHERE seqrelid = counters.oid), pg_hermetic.sequence_options(oid)
    ) FROM counters
    UNION ALL SELECT 4, 'relation', name, NULL, pg_hermetic.table_definition(oid, name) FROM plain
    UNION ALL SELECT 5, 'relation', name, NULL, format('ALTER TABLE %s OWNER TO %s', name, owner) FROM plain
    UNION ALL SELECT 6, 'relation', name, NULL, format('ALTER SEQUENCE %s OWNER TO %s', name, owner) FROM counters
    UNION ALL SELECT 7, 'relation', counters.name, NULL, format('ALTER SEQUENCE %s OWNED BY %s.%I', counters.name, plain.name, attname)
        FROM counters JOIN pg_catalog.pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = counters.oid AND d.deptype = 'a'
        JOIN plain ON d.refclassid = 'pg_class'::regclass AND plain.oid = d.refobjid
        JOIN pg_catalog.pg_attribute ON attrelid = d.refobjid AND attnum = d.refobjsubid
    UNION ALL SELECT CASE contype WHEN 'f' THEN 10 ELSE 8 END, 'constraint', conname, plain.name,
        format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s', plain.name, conname, pg_get_constraintdef(k.oid))
        FROM plain JOIN pg_catalog.pg_constraint k ON conrelid = plain.oid WHERE contype IN ('p', 'u', 'x', 'c', 'f')
    UNION ALL SELECT 9, 'relation', i.indexrelid::regclass::text, NULL, pg_get_indexdef(i.indexrelid)
        FROM plain JOIN pg_catalog.pg_index i ON indrelid = plain.oid
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x'))
    UNION ALL SELECT 11, 'relation', name, NULL, CASE objsubid
        WHEN 0 THEN format('COMMENT ON TABLE %s IS %L', name, description)
        ELSE format(
            'COMMENT ON COLUMN %s.%I IS %L', name,
            (SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = plain.oid AND attnum = objsubid), description
        ) END
        FROM plain JOIN pg_catalog.pg_description ON classoid = 'pg_class'::regclass AND objoid = plain.oid
$$;

-- Make again what is missing, and take all that has another number for the baseline's own. 'made' where any of that was
-- made here, 'found' where a test had made it all again itself; 'anew': nothing was done.
CREATE FUNCTION pg_hermetic.remake() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    statements text[] := (SELECT array_agg(m.statement ORDER BY place) FROM pg_hermetic.making m WHERE pg_hermetic.is_missing(m));
BEGIN
    IF NOT pg_hermetic.can_be_remade() THEN
        RETURN 'anew';
    END IF;
    FOREACH statement IN ARRAY coalesce(statements, '{}') LOOP
        EXECUTE statement;
    END LOOP;
    PERFORM pg_hermetic.note_remade();
    IF NOT EXISTS (SELECT FROM pg_hermetic.remade) OR pg_hermetic.shape() IS DISTINCT FROM (SELECT digest FROM pg_hermetic.shape_seen) THEN
        RAISE EXCEPTION 'the schema is not what it was';
    END IF;
    PERFORM pg_hermetic.adopt_tables();
    PERFORM pg_hermetic.adopt_sequences();
    PERFORM pg_hermetic.notice_tables();
    INSERT INTO pg_hermetic.dirty SELECT relid, true FROM pg_hermetic.tables; -- ALTER TABLE writes rows that no trigger sees
    TRUNCATE pg_hermetic.objects, pg_hermetic.owned, pg_hermetic.remade;
    PERFORM pg_hermetic.note_objects();
    RETURN CASE WHEN statements IS NULL THEN 'found' ELSE 'made' END;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RAISE;
    WHEN OTHERS THEN
        RETURN 'anew';
END $$;

-- Not beside a schema that was retired, which knows its tables by their numbers, and not where what is noted of a table
-- by its number alone is gone.
CREATE FUNCTION pg_hermetic.can_be_remade() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT FROM pg_hermetic.views)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_hermetic_[0-9]+$')
        AND NOT EXISTS (
            SELECT FROM (
                SELECT parent FROM pg_hermetic.families
                UNION ALL SELECT member FROM pg_hermetic.families
                UNION ALL SELECT relid FROM pg_hermetic.policed
            ) AS noted (relid) WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = relid)
        )
$$;

CREATE FUNCTION pg_hermetic.note_remade() RETURNS void LANGUAGE sql AS $$
    DELETE FROM pg_hermetic.remade;
    INSERT INTO pg_hermetic.remade
    SELECT relid, to_regclass(name) FROM pg_hermetic.tables WHERE to_regclass(name) <> relid
    UNION ALL SELECT seqid, to_regclass(name) FROM pg_hermetic.sequences WHERE to_regclass(name) <> seqid
$$;

-- What we keep of a table bears its number.
CREATE FUNCTION pg_hermetic.adopt_tables() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept record;
    t pg_hermetic.tables;
BEGIN
    FOR kept IN
        SELECT relname AS name, regexp_replace(relname, '[0-9]+$', new::text) AS name_now
        FROM pg_hermetic.remade JOIN pg_catalog.pg_class ON relname ~ format('^([sk]|d[0-9]+_)%s$', old)
        WHERE relnamespace = 'pg_hermetic'::regnamespace
    LOOP
        EXECUTE format('ALTER TABLE pg_hermetic.%I RENAME TO %I', kept.name, kept.name_now);
    END LOOP;
    FOR kept IN
        SELECT p.oid::regprocedure AS name FROM pg_hermetic.remade JOIN pg_catalog.pg_proc p ON proname ~ format('^[wmr]%s$', old)
        WHERE pronamespace = 'pg_hermetic'::regnamespace
    LOOP
        EXECUTE format('DROP ROUTINE %s', kept.name);
    END LOOP;
    DELETE FROM pg_hermetic.marks USING pg_hermetic.remade WHERE relid = old;
    DELETE FROM pg_hermetic.dirty USING pg_hermetic.remade WHERE relid = old;
    UPDATE pg_hermetic.deltas SET relid = new FROM pg_hermetic.remade WHERE relid = old;
    UPDATE pg_hermetic.drift SET relid = new FROM pg_hermetic.remade WHERE relid = old;
    UPDATE pg_hermetic.tables SET relid = new FROM pg_hermetic.remade WHERE relid = old;
    FOR t IN SELECT tables.* FROM pg_hermetic.tables JOIN pg_hermetic.remade ON relid = new LOOP
        PERFORM pg_hermetic.prepare(t);
        IF t.by_row THEN
            PERFORM pg_hermetic.make_noting(t);
            PERFORM pg_hermetic.make_putting_back(t);
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION pg_hermetic.adopt_sequences() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pg_hermetic.moves SET seqid = new FROM pg_hermetic.remade WHERE seqid = old;
    UPDATE pg_hermetic.sequences SET seqid = new FROM pg_hermetic.remade WHERE seqid = old;
    PERFORM pg_hermetic.make_sequences_now();
    PERFORM setval(seqid::regclass, last_value, is_called) FROM pg_hermetic.sequences JOIN pg_hermetic.remade ON seqid = new;
END $$;
