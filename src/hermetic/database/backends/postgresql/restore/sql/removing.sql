-- What a wider fixture wrote goes out of the baseline when the fixture ends, in any order.

CREATE FUNCTION pg_hermetic.forget_change(change integer, relid oid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS pg_hermetic.d%s_%s', change, relid);
END $$;

-- A change goes only where it was the last to touch a row: then what remains is what was there before it, and in the end
-- nothing of any change is left, in whatever order they went. (Where rows have no key, it does to be there.)
CREATE FUNCTION pg_hermetic.check_last(this_change integer, t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    later integer;
    touched boolean;
BEGIN
    FOR later IN SELECT change FROM pg_hermetic.deltas WHERE relid = t.relid AND change > this_change AND t.keys <> '{}' LOOP
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM pg_hermetic.d%s_%s one JOIN pg_hermetic.d%s_%2$s other ON %4$s)',
            this_change, t.relid, later, pg_hermetic.same_key(t.keys, 'one', 'other')
        ) INTO touched;
        IF touched THEN
            PERFORM pg_hermetic.clash(t.relid, t.name);
        END IF;
    END LOOP;
END $$;

-- Take a change out of the baseline. The tables that it wrote are dirty until the next restore. Whether what remains
-- fits together need be asked only where the change is not the last one: else it was there before.
CREATE FUNCTION pg_hermetic.remove_change(this_change integer, check_rest boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t pg_hermetic.tables;
    misfit oid := (SELECT min(relid) FROM pg_hermetic.deltas WHERE change = this_change AND NOT fits);
BEGIN
    IF misfit IS NOT NULL THEN
        PERFORM pg_hermetic.clash(misfit, misfit::regclass::text);
    END IF;
    FOR t IN SELECT tables.* FROM pg_hermetic.tables JOIN pg_hermetic.deltas USING (relid) WHERE change = this_change LOOP
        IF check_rest THEN
            PERFORM pg_hermetic.check_last(this_change, t);
        END IF;
        IF t.by_row THEN
            EXECUTE format('INSERT INTO pg_hermetic.k%1$s SELECT %3$s FROM pg_hermetic.d%2$s_%1$s', t.relid, this_change, pg_hermetic.key_names(t.keys));
        END IF;
        PERFORM pg_hermetic.apply_delta(this_change, t, '+', '-');
        INSERT INTO pg_hermetic.dirty VALUES (t.relid, NOT t.by_row);
    END LOOP;
    IF check_rest THEN
        PERFORM pg_hermetic.check_unique(tables), pg_hermetic.check_references(this_change, relid)
        FROM pg_hermetic.tables JOIN pg_hermetic.deltas USING (relid) WHERE change = this_change;
    END IF;
    PERFORM pg_hermetic.forget_change(change, relid) FROM pg_hermetic.deltas WHERE change = this_change;
    DELETE FROM pg_hermetic.deltas WHERE change = this_change;
    PERFORM pg_hermetic.doubt_views();
    DELETE FROM pg_hermetic.moves WHERE change = this_change;
    UPDATE pg_hermetic.sequences base SET
        last_value = coalesce(latest.last_value, base.base_value), is_called = coalesce(latest.is_called, base.base_called)
    FROM pg_hermetic.sequences every
    LEFT JOIN (SELECT DISTINCT ON (seqid) * FROM pg_hermetic.moves WHERE change > 0 ORDER BY seqid, change DESC) latest USING (seqid)
    WHERE every.seqid = base.seqid;
END $$;

-- Whether the baseline's rows of a table fit its unique indexes and exclusion constraints: by trying.
CREATE FUNCTION pg_hermetic.check_unique(t pg_hermetic.tables) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_index WHERE indrelid = t.relid AND (indisunique AND NOT indisprimary OR indisexclusion)
    ) THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TEMPORARY TABLE hermetic_trial (LIKE %s INCLUDING GENERATED INCLUDING INDEXES)', t.name);
    EXECUTE format('INSERT INTO hermetic_trial (%s) SELECT %s FROM pg_hermetic.s%s s', t.columns, t.reading, t.relid);
    DROP TABLE hermetic_trial;
EXCEPTION
    WHEN unique_violation OR exclusion_violation THEN
        PERFORM pg_hermetic.clash(t.relid, t.name);
END $$;

-- How the columns of a foreign key are compared, between kept rows of the table that refers and the one referred to.
CREATE FUNCTION pg_hermetic.reference_match(f pg_catalog.pg_constraint, child text, parent text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format('%s = %s', pg_hermetic.reading(c, child), pg_hermetic.reading(p, parent)), ' AND ')
    FROM unnest(f.conkey, f.confkey) AS key (here, there)
    JOIN pg_catalog.pg_attribute c ON c.attrelid = f.conrelid AND c.attnum = here
    JOIN pg_catalog.pg_attribute p ON p.attrelid = f.confrelid AND p.attnum = there
$$;

-- Whether every row that refers to something still finds it, as far as a change has to do with it: rows of others may
-- refer to what it brought, and what it took away may refer to what others took away.
CREATE FUNCTION pg_hermetic.check_references(change integer, table_oid oid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    f pg_catalog.pg_constraint;
    dangles boolean;
BEGIN
    FOR f IN SELECT c.* FROM pg_catalog.pg_constraint c
        WHERE contype = 'f' AND table_oid IN (conrelid, confrelid) AND convalidated
            AND conrelid IN (SELECT relid FROM pg_hermetic.tables) AND confrelid IN (SELECT relid FROM pg_hermetic.tables)
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_attribute a WHERE attgenerated <> ''
                    AND (attrelid = conrelid AND attnum = ANY (conkey) OR attrelid = confrelid AND attnum = ANY (confkey))
            )
    LOOP
        EXECUTE CASE WHEN f.confrelid = table_oid THEN format(
            'SELECT EXISTS (SELECT FROM pg_hermetic.s%s c JOIN pg_hermetic.d%s_%s d ON d.hermetic_side = ''+'' AND %s'
            ' WHERE NOT EXISTS (SELECT FROM pg_hermetic.s%3$s p WHERE %5$s))',
            f.conrelid, change, table_oid, pg_hermetic.reference_match(f, 'c', 'd'), pg_hermetic.reference_match(f, 'c', 'p')
        ) ELSE format(
            'SELECT EXISTS (SELECT FROM pg_hermetic.d%s_%s c WHERE c.hermetic_side = ''-'' AND %s'
            ' AND NOT EXISTS (SELECT FROM pg_hermetic.s%s p WHERE %s))',
            change, table_oid,
            (SELECT string_agg(format('c.%I IS NOT NULL', attname), ' AND ') FROM pg_catalog.pg_attribute
                WHERE attrelid = f.conrelid AND attnum = ANY (f.conkey)),
            f.confrelid, pg_hermetic.reference_match(f, 'c', 'p')
        ) END INTO dangles;
        IF dangles THEN
            PERFORM pg_hermetic.clash(f.conrelid, (SELECT name FROM pg_hermetic.tables WHERE relid = f.conrelid));
        END IF;
    END LOOP;
END $$;

-- Which living changes wrote this table.
CREATE FUNCTION pg_hermetic.writers(table_oid oid) RETURNS SETOF integer LANGUAGE sql STABLE AS $$
    SELECT change FROM pg_hermetic.deltas WHERE relid = table_oid ORDER BY change
$$;

-- Which changes are kept.
CREATE FUNCTION pg_hermetic.changes() RETURNS SETOF integer LANGUAGE sql STABLE AS $$
    SELECT change FROM pg_hermetic.deltas UNION SELECT change FROM pg_hermetic.moves WHERE change > 0 ORDER BY 1 DESC
$$;
