"""Why ``hermetic migrate`` leaves what a suite does by hand to its database: all of one recipe, never half of it."""

from __future__ import annotations

from hermetic.causes import Cause

CONNECTION_IN_USE = Cause(
    "HM860",
    "A connection of the tests' own that is used for more than a session",
    """
    The suite opens one connection, puts a session on it, and rolls back what was written there. Something else uses
    that connection, or its transaction, too: a test, a helper, a client. So the connection, and all that is on it,
    stays. Have that use the session, or a connection of `hermetic_engine` of its own; what it is to see must be
    committed then.
    """,
)

NOT_UNDERSTOOD = Cause(
    "HM861",
    "Tables are made by an engine, or from metadata, that cannot be followed",
    """
    A `create_all` or a `drop_all` is given an engine, or belongs to metadata, that comes from somewhere else than a
    name, a fixture or a helper. It may be of another database than the application's, so the function in which it
    stands stays as it is. Where it is the application's, delete it: hermetic makes the tables once.
    """,
)

OWN_TABLES = Cause(
    "HM862",
    "Tables that the tests define themselves",
    """
    hermetic fills the application's database with the application's tables. Tables that a test module or a conftest
    defines are not among them, so the tests go on making them, on the engine that they have.
    """,
)

NO_ENGINE = Cause(
    "HM863",
    "Nothing of the application's can stand where the tests' engine is used",
    """
    Fixtures can ask for `hermetic_engine`; code at the top of a module, a helper and a test that calls a sessionmaker
    by its name cannot. There the application's own engine would be imported, and the application makes none of that
    kind at the top of a module. Make the session in a fixture, and have the tests ask for that.
    """,
)

LISTENER = Cause(
    "HM864",
    "A listener on the tests' own engine that does something",
    """
    The engine of the tests would go, and with it what the listener does to each connection: a PRAGMA, a function, a
    search path. If the application needs it, put the listener on the application's engine, where production has it,
    too; else delete it. The listeners that make SAVEPOINT work, as SQLAlchemy's manual has them, go by themselves.
    """,
)

SOME_MIGRATIONS = Cause(
    "HM865",
    "Migrations up or down to one that is named",
    """
    A fixture migrates to a revision that is not the head, or not back to the base: its tests are about migrations, and
    need a database on which nothing has run. `hermetic_empty_database` is one: give its URL to Alembic.
    """,
)

SEVERAL_ENGINES = Cause(
    "HM866",
    "The application has several engines, and the tests one",
    """
    It cannot be told which of the application's engines stands for that of the tests. Import the one that is meant
    where the tests make theirs.
    """,
)

ELSEWHERE_FOR_A_PROCESS = Cause(
    "HM758",
    "A process looks for a database where it is not",
    """
    `CREATE DATABASE` of the tests runs on hermetic's server, whoever sends it. A process that the tests start
    (`subprocess.run`, a command of the application) is led there by the URL of such a database among its arguments
    and variables. This one was told in another way (parts, a file), and looks on the server that this names, where
    nobody made the database. Give it hermetic's server and the database's name:
    `make_url(hermetic_database.sync_url).set(database=name)`, from a fixture that asks for `hermetic_database`. Or do
    in the tests' own process what it does: there every engine and driver finds the database.
    """,
)

TWO_HEADS = Cause(
    "HM757",
    "The migrations have two heads",
    """
    Each migration names the one before it. Two that name the same one, as two branches of a repository make them, are
    two ends: `alembic upgrade head` refuses, "Multiple head revisions are present". Join them: `alembic merge heads`
    writes a migration that has both before it; or have the younger one name the other one as its `down_revision`.
    """,
)

PROCESS_NOT_CONTAINED = Cause(
    "HM816",
    "A process that looks for the application's database by itself",
    """
    Hermetic leads the engines and drivers of the test process to its own databases. A process that a test starts, a
    command line tool of the project's above all, has engines of its own, which go where their URL says. It inherits
    variables: with `hermetic_env = DATABASE_URL={url}` it reads hermetic's URL where the application reads its own.
    """,
)

EXTENSION_NOT_MADE = Cause(
    "HM817",
    "An extension that the database of the tests has not",
    """
    `uuid_generate_v4()`, `citext`, `gin_trgm_ops` and many more are of extensions, which a database has once somebody
    has made them there: by a migration, by hand, or by the image that a container starts from. A database that is made
    from the tables alone has none. `hermetic_extensions` names those that are made before the tables.
    """,
)
