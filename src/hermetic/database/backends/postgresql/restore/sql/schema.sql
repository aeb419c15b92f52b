-- What hermetic keeps inside a worker database. PostgreSQL reserves names that begin with pg_, so that tools which list
-- schemas (Alembic's autogenerate, an application's own) pass this one over.
CREATE SCHEMA pg_hermetic;

-- Which tables were written since the last restore: appended to by triggers, so that nobody waits for anybody. It has
-- no constraint and no index. A transaction that rolls back takes its marks with it, as it takes its writes.
CREATE UNLOGGED TABLE pg_hermetic.marks (
    relid oid NOT NULL,
    entire boolean NOT NULL -- false where the keys of the rows touched are known
);

-- Tables that are known to differ from the baseline, beside those that are marked.
CREATE UNLOGGED TABLE pg_hermetic.dirty (relid oid NOT NULL, entire boolean NOT NULL);

-- Every table whose rows are put back, and the statements that do it. Rows of the baseline lie in pg_hermetic.s<relid>.
CREATE TABLE pg_hermetic.tables (
    relid oid PRIMARY KEY,
    name text NOT NULL, -- qualified and quoted
    rank integer NOT NULL, -- a table comes after those that its foreign keys refer to
    filled boolean NOT NULL, -- whether the baseline has rows
    by_row boolean NOT NULL, -- whether the keys of touched rows are noted, in pg_hermetic.k<relid>
    columns text NOT NULL, -- what an INSERT names; empty for a table without such columns
    reading text NOT NULL, -- the same, read from the baseline's rows
    storing text NOT NULL, -- the same, as the baseline keeps them
    keys text[] NOT NULL, -- the columns of the primary key; empty without one
    guard text, -- switches off what would act during a restore
    unguard text -- and on again
);

-- Tables whose policies of row-level security hold for hermetic too: for an owner, where they are forced.
CREATE TABLE pg_hermetic.policed (relid oid NOT NULL, name text NOT NULL);

-- A statement that names a parent marks the parent alone: its partitions and heirs were written all the same.
CREATE TABLE pg_hermetic.families (parent oid NOT NULL, member oid NOT NULL);

-- Where each sequence stands at the baseline, and where it stood before any wider fixture moved it.
CREATE TABLE pg_hermetic.sequences (
    seqid oid PRIMARY KEY,
    name text NOT NULL, -- qualified and quoted
    last_value bigint NOT NULL,
    is_called boolean NOT NULL,
    base_value bigint NOT NULL,
    base_called boolean NOT NULL,
    unlogged boolean NOT NULL
);
CREATE TABLE pg_hermetic.moves (
    change integer NOT NULL,
    seqid oid NOT NULL,
    last_value bigint NOT NULL,
    is_called boolean NOT NULL
);

-- What wider fixtures wrote: pg_hermetic.d<change>_<relid> has the rows that came (+) and went (-).
CREATE TABLE pg_hermetic.deltas (
    change integer NOT NULL,
    relid oid NOT NULL,
    fits boolean NOT NULL -- false where the table was changed since by a fixture that still lives
);

-- Tables whose baseline is not what the database was copied with.
CREATE TABLE pg_hermetic.drift (relid oid PRIMARY KEY);

-- What stood in the catalog when the baseline was marked: DDL on any of this cannot be undone by dropping something.
CREATE TABLE pg_hermetic.objects (
    classid oid NOT NULL,
    objid oid NOT NULL,
    acl text,
    PRIMARY KEY (classid, objid)
);

-- One thing that each role owns.
CREATE TABLE pg_hermetic.owned (classid oid NOT NULL, objid oid NOT NULL, owner oid NOT NULL);

-- Materialized views, and whether their rows are what their queries return at the baseline; NULL where nobody looked yet.
CREATE TABLE pg_hermetic.views (relid oid PRIMARY KEY, populated boolean NOT NULL, true_to_query boolean);

CREATE TABLE pg_hermetic.large_objects (
    loid oid PRIMARY KEY,
    data bytea NOT NULL,
    acl text,
    owner oid NOT NULL,
    comment text
);
CREATE TABLE pg_hermetic.large_objects_seen (digest text);

-- DDL since the last restore, as the event triggers saw it.
CREATE UNLOGGED TABLE pg_hermetic.ddl (
    noted timestamptz NOT NULL DEFAULT clock_timestamp(), -- a sequence would move the application's lastval()
    tag text NOT NULL,
    classid oid,
    objid oid,
    subid integer,
    dropped boolean NOT NULL
);
