-- What belongs to the database or to a role fires no event trigger: see properties.py.

-- The version changes whenever any of it does; the transactions that wrote it tell. The newest is the number of the newest
-- database on the server. A view, so that a restore reads a handful of rows in one statement.
CREATE VIEW pg_hermetic.properties AS
    SELECT
        concat_ws(
            ' ', d.oid, d.xmin,
            (
                SELECT c.xmin FROM pg_catalog.pg_shdescription c
                WHERE c.objoid = d.oid AND c.classoid = 'pg_catalog.pg_database'::regclass
            ),
            ARRAY(SELECT s.xmin FROM pg_catalog.pg_db_role_setting s WHERE s.setdatabase IN (0, d.oid)),
            ARRAY(SELECT version FROM pg_hermetic.roles)
        ) AS version,
        (SELECT oid::bigint FROM pg_catalog.pg_database ORDER BY oid DESC LIMIT 1) AS newest
    FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database();
