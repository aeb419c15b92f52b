-- Large tables are put back by the row: what a statement touched is noted by its key, in pg_hermetic.k<relid>, by a
-- trigger that sees the statement's rows; and a procedure of the table's own puts back just those.

-- The columns of a key, as hermetic keeps them.
CREATE FUNCTION pg_hermetic.key_storing(t pg_hermetic.tables) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(pg_hermetic.storing(c), ', ')
    FROM unnest(t.keys) AS key JOIN pg_catalog.pg_attribute c ON attname = key WHERE attrelid = t.relid
$$;

-- How a key in the table (t) is compared with one that was noted (k).
CREATE FUNCTION pg_hermetic.key_match(t pg_hermetic.tables) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format('t.%I = %s', key, pg_hermetic.reading(c, 'k')), ' AND ')
    FROM unnest(t.keys) AS key JOIN pg_catalog.pg_attribute c ON attname = key WHERE attrelid = t.relid
$$;

-- The same between two sets of rows that hermetic keeps.
CREATE FUNCTION pg_hermetic.same_key(keys text[], one text, other text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(format('%s.%I = %s.%2$I', one, key, other), ' AND ') FROM unnest(keys) AS key
$$;

CREATE FUNCTION pg_hermetic.key_names(keys text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(quote_ident(key), ', ') FROM unnest(keys) AS key
$$;

CREATE FUNCTION pg_hermetic.note_keys(t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE UNLOGGED TABLE pg_hermetic.k%s AS SELECT %s FROM %s t WITH NO DATA', t.relid, pg_hermetic.key_storing(t), t.name);
    EXECUTE format('CREATE INDEX ON pg_hermetic.s%s (%s)', t.relid, pg_hermetic.key_names(t.keys));
    EXECUTE format('ANALYZE pg_hermetic.s%s', t.relid);
    PERFORM pg_hermetic.make_noting(t);
    PERFORM pg_hermetic.make_putting_back(t);
END $$;

CREATE FUNCTION pg_hermetic.add_triggers_of_keys(t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    event text;
    rows_of text;
BEGIN
    FOR event, rows_of IN VALUES ('INSERT', 'NEW TABLE AS added'), ('DELETE', 'OLD TABLE AS removed'),
        ('UPDATE', 'OLD TABLE AS removed NEW TABLE AS added')
    LOOP
        EXECUTE format('CREATE TRIGGER zz_hermetic_%s AFTER %1$s ON %s REFERENCING %s FOR EACH STATEMENT %s EXECUTE FUNCTION pg_hermetic.m%s()', event, t.name, rows_of, pg_hermetic.unless_off(), t.relid);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_hermetic_%s', t.name, event);
    END LOOP;
END $$;

CREATE FUNCTION pg_hermetic.make_noting(t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
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
        $f$, t.relid, pg_hermetic.key_storing(t));
END $$;

CREATE FUNCTION pg_hermetic.make_putting_back(t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($f$
        CREATE PROCEDURE pg_hermetic.r%1$s() LANGUAGE plpgsql
        SET enable_hashjoin = off SET enable_mergejoin = off AS $b$
        DECLARE
            hermetic_touched pg_hermetic.k%1$s[];
        BEGIN
            WITH taken AS (DELETE FROM pg_hermetic.k%1$s RETURNING *)
            SELECT array_agg(DISTINCT (taken.*)::pg_hermetic.k%1$s) INTO hermetic_touched FROM taken;
            DELETE FROM ONLY %2$s t USING unnest(hermetic_touched) k WHERE %3$s;
            INSERT INTO %2$s (%4$s) OVERRIDING SYSTEM VALUE
            SELECT %5$s FROM unnest(hermetic_touched) k JOIN pg_hermetic.s%1$s s ON %6$s;
        END $b$
        $f$, t.relid, t.name, pg_hermetic.key_match(t), t.columns, t.reading, pg_hermetic.same_key(t.keys, 's', 'k'));
END $$;
