-- What belongs to the database or to a role fires no event trigger: see properties.py.

-- Changes whenever any of it does; the transactions that wrote it tell. It costs a look at a handful of rows.
CREATE FUNCTION pg_hermetic.properties_version() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT concat_ws(
            ' ', d.oid, d.xmin,
            (
                SELECT c.xmin FROM pg_catalog.pg_shdescription c
                WHERE c.objoid = d.oid AND c.classoid = 'pg_catalog.pg_database'::regclass
            ),
            (
                SELECT string_agg(concat_ws(':', s.setdatabase, s.setrole, s.xmin), ',' ORDER BY s.setdatabase, s.setrole)
                FROM pg_catalog.pg_db_role_setting s WHERE s.setdatabase IN (0, d.oid)
            ),
            pg_hermetic.roles_version()
        )
        FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
    );
END $$;
