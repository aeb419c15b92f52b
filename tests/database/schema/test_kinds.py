"""Every kind of thing that ``hermetic_schema`` can name, and what is found where it names none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import OperationalError

from hermetic.database.protocols import WorkerDatabase
from hermetic.database.schema import SchemaNotNamed, schemas
from hermetic.errors import ConfigurationError

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


def tables(worker: WorkerDatabase) -> list[str]:
    """Return the names of the tables that the worker database has."""
    engine = create_engine(worker.url)
    try:
        return sorted(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def build(
    worker: WorkerDatabase, root: Path, *specs: str, run_lifespan: Callable[[], None] = lambda: None
) -> list[str]:
    """Build what the lines of ``hermetic_schema`` name; return their descriptions."""
    found = schemas(specs, root=root, package=None, run_lifespan=run_lifespan)
    for schema in found:
        schema.build(worker)
    return [schema.description for schema in found]


@pytest.mark.parametrize("name", ["Base.metadata", "Base"])
def test_a_metadata(worker: WorkerDatabase, package: Path, name: str) -> None:
    """A ``MetaData``, or the declarative base that holds it."""
    (package / "models_a.py").write_text(MODELS)
    assert build(worker, package, f"models_a:{name}") == [f"models_a:{name}"]
    assert tables(worker) == ["things"]


TRANSLATED = MODELS.replace("id: ", '__table_args__ = {"schema": "shop"}\n    id: ')
ENGINE = """
from sqlalchemy import create_engine
engine = create_engine("sqlite://", execution_options={"schema_translate_map": {"shop": None}})
"""


def test_the_schemas_that_the_engines_translate(worker: WorkerDatabase, package: Path) -> None:
    """Tables lie where the application's engines look for them: the names of schemas mean nothing on their own."""
    (package / "models_q.py").write_text(TRANSLATED + ENGINE)
    build(worker, package, "models_q:Base")
    assert tables(worker) == ["things"]


def test_engines_that_translate_differently(worker: WorkerDatabase, package: Path) -> None:
    """Which of them is the application's is not known: the tables' own names count."""
    (package / "models_r.py").write_text(TRANSLATED + ENGINE + "plain = create_engine('sqlite://')\n")
    with pytest.raises(OperationalError, match="unknown database shop"):
        build(worker, package, "models_r:Base")


def test_a_metadata_without_tables(worker: WorkerDatabase, package: Path) -> None:
    """A table is known once its model's module was imported; the error says so."""
    (package / "models_b.py").write_text("from sqlalchemy import MetaData\nmetadata = MetaData()\n")
    with pytest.raises(ConfigurationError, match="has no tables") as caught:
        build(worker, package, "models_b:metadata")
    assert "imported" in str(caught.value)


def test_two_tables_of_one_name(worker: WorkerDatabase, package: Path) -> None:
    """Two ``MetaData`` that have one with other columns are of two databases; with the same, they may be of one."""
    (package / "models_i.py").write_text(
        "from sqlalchemy import Column, Integer, MetaData, Table\n"
        "one, same, other = MetaData(), MetaData(), MetaData()\n"
        "for metadata, column in ((one, 'id'), (same, 'id'), (other, 'key')):\n"
        "    Table('things', metadata, Column(column, Integer, primary_key=True))\n"
        "Table('others', same, Column('id', Integer, primary_key=True))\n"
        "def make(): ...\n"
    )
    build(worker, package, "models_i:one", "models_i:same", "models_i:make")
    assert tables(worker) == ["others", "things"]
    with pytest.raises(
        SchemaNotNamed, match="models_i:one and models_i:other have a table 'things' each"
    ) as caught:
        build(worker, package, "models_i:one", "models_i:other")
    assert caught.value.hints == ("say it, for each: models_i:other -> URL",)


def test_an_sql_file(worker: WorkerDatabase, package: Path) -> None:
    """Its statements are run, Windows line ends and a byte order mark included."""
    (package / "schema.sql").write_bytes(b"\xef\xbb\xbfCREATE TABLE one (id);\r\nCREATE TABLE two (id);\r\n")
    build(worker, package, "schema.sql")
    assert tables(worker) == ["one", "two"]


def test_an_sql_file_that_includes_others(worker: WorkerDatabase, package: Path) -> None:
    """Each counts, wherever psql or sqlite3 would find it; what dumps say to psql alone is left out."""
    (package / "db/below").mkdir(parents=True)
    silent = "\\restrict x\n\\set ON_ERROR_STOP on\n\\echo 'tables'\n"
    (package / "schema.sql").write_text(
        f"{silent}\\i db/one.sql\n\\ir 'db/below/two.sql'\n.read three.sql\nCREATE TABLE five (id\n,x DEFAULT\n.5);"
    )
    (package / "db/one.sql").write_text("CREATE TABLE one (id);\n\\include_relative below/four.sql\n")
    for name in ("db/below/two.sql", "three.sql", "db/below/four.sql"):
        (package / name).write_text(f"CREATE TABLE {Path(name).stem} (id);")
    build(worker, package, "schema.sql")
    assert tables(worker) == ["five", "four", "one", "three", "two"]
    (schema,) = schemas(["schema.sql"], root=package, package=None, run_lifespan=lambda: None)
    names = ["schema.sql", "db/one.sql", "db/below/four.sql", "db/below/two.sql", "three.sql"]
    assert list(schema.places()) == [package / name for name in names]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n\\i none.sql", "schema.sql:2 includes 'none.sql', which is not there"),
        ("\\ir schema.sql", "schema.sql:1 includes 'schema.sql', which includes it"),
        ("\\copy a from 'b'", "schema.sql:1: \\copy a from 'b' is a command of psql's"),
    ],
)
def test_an_sql_file_that_includes_nothing_or_itself(
    worker: WorkerDatabase, package: Path, text: str, said: str
) -> None:
    """The error names the line."""
    (package / "schema.sql").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        build(worker, package, "schema.sql")
    assert said in str(caught.value)


def test_an_sql_file_that_is_wrong(worker: WorkerDatabase, package: Path) -> None:
    """The database's own words, and the file's name."""
    (package / "schema.sql").write_text("CREATE TABEL one (id);")
    with pytest.raises(ConfigurationError, match=r'schema\.sql: near "TABEL": syntax error'):
        build(worker, package, "schema.sql")


def test_a_file_that_is_not_there(worker: WorkerDatabase, package: Path) -> None:
    """The error shows where it was looked for."""
    with pytest.raises(ConfigurationError, match="there is no such file") as caught:
        build(worker, package, "missing.sql")
    assert str(package / "missing.sql") in str(caught.value)


CALLABLES = (
    MODELS
    + """
from sqlalchemy import Connection, Engine, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

SQL = text("CREATE TABLE made (id INTEGER)")
calls = []

def nothing(): calls.append("nothing")
def connection(c: Connection): c.execute(SQL)
def session(s: Session): s.execute(SQL)
def unannotated(s): s.execute(SQL)
def engine(e: Engine):
    with e.begin() as c: c.execute(SQL)
async def async_nothing(): calls.append("async nothing")
async def async_connection(c: AsyncConnection): await c.execute(SQL)
async def async_session(s: AsyncSession): await s.execute(SQL)
async def async_unannotated(s): await s.execute(SQL)
async def async_engine(e: AsyncEngine):
    async with e.begin() as c: await c.execute(SQL)
def wrong(a: int): ...
def two(a, b): ...
def raising(): raise RuntimeError("no rows today")
answer = 42
"""
)


@pytest.mark.parametrize(
    "name",
    [
        *("connection", "session", "unannotated", "engine"),
        *("async_connection", "async_session", "async_unannotated", "async_engine"),
    ],
)
def test_a_callable_gets_what_it_asks_for(worker: WorkerDatabase, package: Path, name: str) -> None:
    """By annotation; what it wrote is committed."""
    (package / "made_a.py").write_text(CALLABLES)
    build(worker, package, f"made_a:{name}")
    assert tables(worker) == ["made"]


@pytest.mark.parametrize(("name", "called"), [("nothing", "nothing"), ("async_nothing", "async nothing")])
def test_a_callable_without_parameters_is_called(
    worker: WorkerDatabase, package: Path, name: str, called: str
) -> None:
    """It uses the application's own engines."""
    import importlib

    (package / "made_b.py").write_text(CALLABLES)
    build(worker, package, f"made_b:{name}")
    assert importlib.import_module("made_b").calls == [called]


@pytest.mark.parametrize("name", ["wrong", "two"])
def test_a_callable_that_asks_for_something_else(worker: WorkerDatabase, package: Path, name: str) -> None:
    """The error shows the signature and what may stand there."""
    (package / "made_c.py").write_text(CALLABLES)
    with pytest.raises(ConfigurationError, match=f"made_c:{name}.* cannot be called") as caught:
        build(worker, package, f"made_c:{name}")
    assert "Session, Connection, Engine" in str(caught.value)


def test_a_callable_that_raises(worker: WorkerDatabase, package: Path) -> None:
    """Its own error arrives as it was raised."""
    (package / "made_d.py").write_text(CALLABLES)
    with pytest.raises(RuntimeError, match="no rows today"):
        build(worker, package, "made_d:raising")


def test_something_that_can_make_nothing(worker: WorkerDatabase, package: Path) -> None:
    """A name that holds neither a MetaData nor a callable."""
    (package / "made_e.py").write_text(CALLABLES)
    with pytest.raises(ConfigurationError, match="is 'int', which can make no tables"):
        build(worker, package, "made_e:answer")


def test_a_word_that_names_nothing(worker: WorkerDatabase, package: Path) -> None:
    """The hint lists the kinds."""
    with pytest.raises(ConfigurationError) as caught:
        build(worker, package, "models")
    assert "module:MetaData, alembic.ini, a .sql file, module:callable, lifespan" in str(caught.value)


def test_lifespan(worker: WorkerDatabase, package: Path) -> None:
    """The application's own start-up is run."""
    runs: list[int] = []
    assert build(worker, package, "lifespan", run_lifespan=lambda: runs.append(1)) == ["lifespan"]
    assert runs == [1]
