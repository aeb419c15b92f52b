-- No trigger sees large objects, so they are compared: where there were none, by looking whether there are any; else by
-- a digest, which is made differently for those who may read the catalog's own table and those who may not.
CREATE VIEW pg_hermetic.large_objects_compared AS
    SELECT CASE
        WHEN EXISTS (SELECT FROM pg_hermetic.large_objects)
            THEN pg_hermetic.large_objects_digest() IS DISTINCT FROM (SELECT digest FROM pg_hermetic.large_objects_seen)
        ELSE EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
    END AS changed;

CREATE FUNCTION pg_hermetic.see_large_objects() RETURNS void LANGUAGE sql AS $$
    DELETE FROM pg_hermetic.large_objects_seen;
    INSERT INTO pg_hermetic.large_objects_seen SELECT pg_hermetic.large_objects_digest();
$$;

CREATE FUNCTION pg_hermetic.put_back_large_objects() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    o record;
BEGIN
    PERFORM lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;
    PERFORM lo_from_bytea(loid, data) FROM pg_hermetic.large_objects;
    PERFORM pg_hermetic.put_back_rights_on_large_objects();
    FOR o IN SELECT loid, comment FROM pg_hermetic.large_objects WHERE comment IS NOT NULL LOOP
        EXECUTE format('COMMENT ON LARGE OBJECT %s IS %L', o.loid, o.comment);
    END LOOP;
    PERFORM pg_hermetic.see_large_objects();
END $$;
