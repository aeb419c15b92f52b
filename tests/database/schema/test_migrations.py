"""Migrations in every form that Alembic has: they run, and what becomes of them is noticed."""

from __future__ import annotations

import logging
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from hermetic.contents import Contents
from hermetic.database.backends.postgresql.server.factory import new_instance
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.worker_databases import PostgresqlServer
from hermetic.database.backends.sqlite.worker_databases import SqliteServer
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.urls import sync_url
from hermetic.errors import ConfigurationError
from hermetic.settings import Settings
from tests.database.schema.migrated import ENVS, FORMS, HELPER, Form, ini, revision, write


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresqlServer]:
    """A server of these tests' own."""
    instance = new_instance("embedded", project=tmp_path_factory.mktemp("project"))
    instance.start()
    server = PostgresqlServer(
        PostgresqlHost(instance, project="migrations"), worker="main", replace=lambda *_: None
    )
    yield server
    server.stop()
    instance.stop()


class Databases:
    """Makes databases to fill."""

    def __init__(self, server: SqliteServer | PostgresqlServer) -> None:
        self._server = server
        self._count = 0
        self.made: list[WorkerDatabase] = []

    def new(self) -> WorkerDatabase:
        self._count += 1
        database = self._server.create(f"hermetic_{id(self):x}_{self._count}")
        self.made.append(database)
        if hasattr(database, "ensure"):
            database.ensure()
        return database


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """Databases of either kind."""
    server = (
        SqliteServer(tmp_path / "server")
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql")
    )
    databases = Databases(server)
    yield databases
    for database in databases.made:
        server.drop(database)


def columns(database: WorkerDatabase) -> dict[str, list[str]]:
    """Return the tables that migrations made, each with its columns."""
    engine = create_engine(sync_url(database.url))
    try:
        found = inspect(engine)
        names = sorted(name for name in found.get_table_names() if name.startswith("table_"))
        return {name.removeprefix("table_"): [c["name"] for c in found.get_columns(name)] for name in names}
    finally:
        engine.dispose()


def contents(root: Path, spec: str = "alembic.ini") -> Contents:
    """Return what a setting names."""
    return Contents.find(Settings(schema=(spec,)), root, lambda: None)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", FORMS)
def test_what_becomes_of_a_migration_is_noticed(name: str, databases: Databases, package: Path) -> None:
    """In every place where Alembic looks for them: edited, another template is built, with the new columns."""
    form = FORMS[name]
    form.write(package)
    found, first, again = contents(package, form.spec), databases.new(), databases.new()
    told = found.fingerprint(first)
    found.build(first)
    assert set(columns(first)) >= {f"m{number}" for number in range(len(form.versions))}
    assert found.fingerprint(again) == told
    for number, place in enumerate(form.versions):
        edited = revision(f"m{number}", labels=f"branch{number}", column="another")
        write(package, f"{place}/m{number}.py", edited)
        told, before = found.fingerprint(again), told
        assert told != before
        write(package, f"{place}/added{number}.py", revision(f"added{number}", f"m{number}"))
        told, before = found.fingerprint(again), told
        assert told != before
    found.build(again)
    for number in range(len(form.versions)):
        assert columns(again)[f"m{number}"] == ["id", "another"]
        assert f"added{number}" in columns(again)


@pytest.mark.parametrize("name", ENVS)
def test_an_env_is_run_as_it_can_be(name: str, databases: Databases, package: Path) -> None:
    """Sync or async, with an engine of its own or with the connection that a program hands to it."""
    write(package, "helper.py", HELPER)
    FORMS["relative"].write(package, ENVS[name])
    database = databases.new()
    contents(package).build(database)
    assert columns(database) == {"m0": ["id", "first"]}


def test_several_heads_and_loggers_that_env_disables(databases: Databases, package: Path) -> None:
    """Every head is run, in the order of what depends on what; logging is as it was."""
    disable = "import logging.config\n\nlogging.config.dictConfig({'version': 1, 'disable_existing_loggers': True})\n"
    FORMS["relative"].write(package, disable + ENVS["async"])
    for name, down in (("b", "m0"), ("c", "m0"), ("another_base", None)):
        write(package, f"migrations/versions/{name}.py", revision(name, down))
    depends = revision("d").replace("upgrade", "depends(): ...\n\ndepends_on = 'another_base'\n\ndef upgrade")
    write(package, "migrations/versions/d.py", depends)
    logger, database = logging.getLogger("somebody.elses"), databases.new()
    contents(package).build(database)
    assert columns(database).keys() == {"m0", "b", "c", "another_base", "d"}
    assert not logger.disabled


def test_a_migration_that_fails_is_not_run_in_another_way(databases: Databases, package: Path) -> None:
    """Its own error is told although env.py would take a connection, and what it did is not done twice."""
    FORMS["relative"].write(package, ENVS["a connection or its own"])
    autocommit = "    op.get_context().autocommit_block().__enter__()\n"
    failing = (
        f"    import os\n    os.mkdir({str(package / 'once')!r})\n    raise RuntimeError('no rows today')\n"
    )
    write(package, "migrations/versions/m0.py", revision("m0") + autocommit + failing)
    with pytest.raises(ConfigurationError, match="RuntimeError: no rows today"):
        contents(package).build(databases.new())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ini(), "There is no script_location in [alembic], nor in [tool.alembic]"),
        (ini("script_location = a", section="b"), "hint: hermetic_schema = alembic.ini:b"),
        (
            ini("script_location = a", "version_locations = b", "path_separator = |"),
            "space, newline, os, :, ;",
        ),
        (ini("script_location = not_there:a"), "'not_there:a' is not found: No module named 'not_there'"),
        (ini("script_location = sys:a"), "'sys' is a package to import"),
        (ini("script_location = not there"), "Path doesn't exist"),
    ],
)
def test_what_cannot_be_found_is_said(text: str, said: str, worker: WorkerDatabase, package: Path) -> None:
    """With what to write in its place."""
    write(package, "alembic.ini", text)
    with pytest.raises(ConfigurationError) as caught:
        contents(package).build(worker)
    assert said in str(caught.value)


def test_migrations_of_another_database_are_told(databases: Databases, package: Path) -> None:
    """They made nothing in the one under test, and a template of that is for no other run."""
    elsewhere = (
        f"from sqlalchemy import create_engine\nengine = create_engine('sqlite:///{package}/elsewhere.db')\n"
    )
    with_it = "with engine.connect() as connection:\n    migrate(connection)\nengine.dispose()\n"
    FORMS["relative"].write(package, elsewhere + with_it)
    found = contents(package)
    why = found.outdated(found.build(databases.new()))
    assert why.startswith(
        "the migrations of alembic.ini made nothing in it: its env.py connects to another database"
    )


def test_migrations_without_their_sources(package: Path, worker: WorkerDatabase) -> None:
    """With Alembic's ``sourceless``: compiled ones count, those whose source is there do not."""
    sourceless = Form({"alembic.ini": ini("script_location = migrations", "sourceless = true")})
    sourceless.write(package)
    told = []
    for column in ("first", "another"):
        write(package, "migrations/versions/m0.py", revision("m0", column=column))
        source = package / "migrations/versions/m0.py"
        py_compile.compile(str(source), str(source.with_suffix(".pyc")), doraise=True)
        told.append(contents(package).fingerprint(worker))
        source.unlink()
        told.append(contents(package).fingerprint(worker))
    assert len(set(told)) == 4
    contents(package).build(worker)
    assert columns(worker) == {"m0": ["id", "another"]}


def test_an_env_that_cannot_be_read(worker: WorkerDatabase, package: Path) -> None:
    """Python says it, not what looks for async engines in it."""
    FORMS["relative"].write(package, "def ...")
    with pytest.raises(ConfigurationError, match="SyntaxError"):
        contents(package).build(worker)


def test_without_alembic_the_error_says_what_to_install(
    worker: WorkerDatabase, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alembic is not a dependency of hermetic; an old one reads no pyproject.toml."""
    FORMS["pyproject"].write(package)
    monkeypatch.setattr("alembic.config.Config", lambda file, **options: None)
    with pytest.raises(ConfigurationError, match=r"'alembic>=1\.16'"):
        contents(package, "pyproject.toml").build(worker)
    monkeypatch.setitem(sys.modules, "alembic.config", None)
    with pytest.raises(ConfigurationError, match="hint: pip install alembic"):
        contents(package, "pyproject.toml").build(worker)
