-- Materialized views hold what their queries returned when they were refreshed. A test that refreshes one is undone by
-- refreshing it again, once the tables are back, if at the baseline it holds what its query returns; else it only comes
-- back with a copy of the origin. Which it is changes with the rows of the tables, whenever the baseline does.

CREATE FUNCTION pg_hermetic.is_true_to_query(view_oid oid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    same boolean;
BEGIN
    EXECUTE format(
        'SELECT NOT EXISTS ((SELECT (q.*)::text FROM (%s) q EXCEPT ALL SELECT (m.*)::text FROM %s m)'
        ' UNION ALL (SELECT (m.*)::text FROM %2$s m EXCEPT ALL SELECT (q.*)::text FROM (%1$s) q))',
        rtrim(pg_get_viewdef(view_oid), ';'), (SELECT name FROM pg_hermetic.relations WHERE oid = view_oid)
    ) INTO same;
    RETURN same;
EXCEPTION
    WHEN OTHERS THEN -- a query that fails on the rows that there are now would fail in a refresh too
        RETURN false;
END $$;

-- The baseline's rows are others than before.
CREATE FUNCTION pg_hermetic.doubt_views() RETURNS void LANGUAGE sql AS $$
    UPDATE pg_hermetic.views SET true_to_query = NULL WHERE populated
$$;

-- Look again at what is in doubt. Only while the tables hold the baseline's rows: else it stays in doubt.
CREATE FUNCTION pg_hermetic.compare_views() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_hermetic.views WHERE true_to_query IS NULL)
        AND NOT EXISTS (SELECT FROM pg_hermetic.dirty) AND NOT EXISTS (SELECT FROM pg_hermetic.marks)
    THEN
        UPDATE pg_hermetic.views SET true_to_query = populated AND pg_hermetic.is_true_to_query(relid)
        WHERE true_to_query IS NULL;
    END IF;
END $$;

-- Whether every view that was refreshed can be brought back by refreshing it again.
CREATE FUNCTION pg_hermetic.only_true_views() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM pg_hermetic.ddl d JOIN pg_hermetic.views v ON v.relid = d.objid
        WHERE tag = 'REFRESH MATERIALIZED VIEW' AND v.populated AND v.true_to_query IS NOT TRUE
    )
$$;

-- Bring back the views that were refreshed, once their tables are.
CREATE FUNCTION pg_hermetic.put_back_views() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v record;
BEGIN
    FOR v IN
        SELECT r.name, views.populated FROM pg_hermetic.views JOIN pg_hermetic.relations r ON r.oid = views.relid
        WHERE EXISTS (SELECT FROM pg_hermetic.ddl WHERE tag = 'REFRESH MATERIALIZED VIEW' AND objid = views.relid)
        ORDER BY views.relid
    LOOP
        EXECUTE format('REFRESH MATERIALIZED VIEW %s %s', v.name, CASE WHEN v.populated THEN '' ELSE 'WITH NO DATA' END);
    END LOOP;
END $$;
