"""All that a PostgreSQL database holds, as text: rows, sequences, large objects and the catalog."""

from __future__ import annotations

from typing import Any

import psycopg

OWN = """
    SELECT oid FROM pg_namespace WHERE nspname NOT IN ('pg_catalog', 'information_schema')
        AND nspname !~ '^(pg_toast|pg_temp|pg_hermetic|hermetic)'
"""

CATALOG = f"""
WITH own AS MATERIALIZED ({OWN}), relations AS MATERIALIZED (
    SELECT c.*, c.oid AS id FROM pg_class c WHERE relnamespace IN (SELECT oid FROM own)
)
SELECT 'schema', nspname, nspowner::regrole::text, nspacl::text, '' FROM pg_namespace WHERE oid IN (SELECT oid FROM own)
UNION ALL SELECT 'relation', id::regclass::text,
    concat_ws(' ', relkind, relowner::regrole, relpersistence, relispopulated, relrowsecurity, relforcerowsecurity,
        relispartition, reloptions, relreplident), relacl::text, pg_get_expr(relpartbound, id)
    FROM relations
UNION ALL SELECT 'column', attrelid::regclass || '.' || attnum,
    concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attisdropped,
        attcollation::regcollation, attstorage,
        ARRAY(SELECT o FROM unnest(attoptions) o WHERE NOT o ^@ 'pg_'), attstattarget), attacl::text,
    pg_get_expr(adbin, adrelid)
    FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
    WHERE attnum > 0 AND attrelid IN (SELECT id FROM relations)
UNION ALL SELECT 'parent', inhrelid::regclass::text, inhparent::regclass::text, '', '' FROM pg_inherits
UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid), convalidated::text, ''
    FROM pg_constraint WHERE connamespace IN (SELECT oid FROM own)
UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid),
        concat_ws(' ', indisvalid, indisclustered), '' FROM pg_index WHERE indrelid IN (SELECT id FROM relations)
UNION ALL SELECT 'trigger', tgrelid::regclass || ' ' || tgname, pg_get_triggerdef(oid), tgenabled::text, ''
    FROM pg_trigger WHERE NOT tgisinternal AND tgname !~ '^zz_hermetic'
UNION ALL SELECT 'rule', ev_class::regclass || ' ' || rulename, pg_get_ruledef(oid), ev_enabled::text, ''
    FROM pg_rewrite WHERE ev_class IN (SELECT id FROM relations)
UNION ALL SELECT 'function', p.oid::regprocedure::text, p.proowner::regrole::text, proacl::text,
        CASE WHEN prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END
    FROM pg_proc p WHERE pronamespace IN (SELECT oid FROM own)
UNION ALL SELECT 'type', t.oid::regtype::text, concat_ws(' ', typtype, typowner::regrole, typnotnull, typdefault),
        typacl::text, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)
    FROM pg_type t WHERE typnamespace IN (SELECT oid FROM own)
UNION ALL SELECT 'policy', polrelid::regclass || ' ' || polname, concat_ws(' ', polcmd, polpermissive, polroles::text),
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy
UNION ALL SELECT 'extension', extname, extversion, '', '' FROM pg_extension
UNION ALL SELECT 'sequence', seqrelid::regclass::text,
        concat_ws(' ', seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle), '', '' FROM pg_sequence
UNION ALL SELECT 'default', defaclobjtype::text, defaclrole::regrole::text, defaclacl::text, '' FROM pg_default_acl
UNION ALL SELECT 'event trigger', evtname, evtevent, evtenabled::text, '' FROM pg_event_trigger
    WHERE evtname !~ '^hermetic_'
UNION ALL SELECT 'comment', classoid::regclass::text, pg_describe_object(classoid, objoid, objsubid), description, ''
    FROM pg_description WHERE objoid >= 16384 OR classoid IN ('pg_largeobject'::regclass, 'pg_namespace'::regclass)
UNION ALL SELECT 'named', classid::regclass::text, pg_describe_object(classid, objid, 0), '', '' FROM (
    SELECT 'pg_statistic_ext'::regclass AS classid, oid AS objid FROM pg_statistic_ext
    UNION ALL SELECT 'pg_publication'::regclass, oid FROM pg_publication
    UNION ALL SELECT 'pg_publication_rel'::regclass, oid FROM pg_publication_rel
    UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast WHERE oid >= 16384
    UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation WHERE oid >= 16384
    UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion WHERE oid >= 16384
    UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oid >= 16384
    UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass WHERE oid >= 16384
    UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict WHERE oid >= 16384
    ) named
UNION ALL SELECT 'large object', oid::text, md5(lo_get(oid)), lomacl::text, lomowner::regrole::text
    FROM pg_largeobject_metadata
"""

RELATIONS = f"""
SELECT format('%I.%I', nspname, relname), relkind FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relnamespace IN ({OWN}) AND relkind IN ('r', 'm', 'S') AND relispopulated ORDER BY 1
"""

Dump = dict[str, list[Any]]


def dump(connection: psycopg.Connection[Any]) -> Dump:
    """Return all that a database holds, as its administrator sees it."""
    connection.execute("SET DateStyle = 'ISO'; SET search_path = public")
    found: Dump = {"catalog": sorted(repr(row) for row in connection.execute(CATALOG, prepare=True))}
    relations = connection.execute(RELATIONS).fetchall()
    queries = [_query(name, kind) for name, kind in relations]
    for (name, _), rows in zip(relations, _all(connection, queries), strict=True):
        found[name] = sorted(rows)
    return found


def _query(name: str, kind: str) -> str:
    what = "last_value || ' ' || is_called" if kind == "S" else "(t.*)::text"
    return f"SELECT coalesce(array_agg({what}), '{{}}') FROM ONLY {name} t"


def _all(connection: psycopg.Connection[Any], queries: list[str]) -> list[list[str]]:
    if not queries:
        return []
    row = connection.execute("SELECT " + ", ".join(f"({query})" for query in queries)).fetchone()
    assert row is not None
    return [[str(value) for value in values] for values in row]
