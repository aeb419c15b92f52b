"""Which engine gets which database, and when databases are made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from hermetic.code import Location
from hermetic.database.backends.sqlite.worker_databases import SqliteServer
from hermetic.database.engines import Creation, Destination, EngineRequest, Itself, LeftAlone, install
from hermetic.database.engines.destinations import Refusal
from hermetic.database.inventory import Servers
from hermetic.database.lazy import LazyDatabase
from hermetic.database.memory import MemoryTarget
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.redirect import Redirect
from hermetic.database.registry import Databases
from hermetic.owners import PROCESS


class Project:
    """A project's databases, and what happened to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built: list[str] = []
        self.created: list[str] = []
        self.unused: list[EngineRequest] = []
        self.databases = Databases(
            Servers({"sqlite": lambda: SqliteServer(folder / "server")}),
            Redirect.parse(allow=["sqlite:////srv/allowed.db"], root=folder),
            self.build,
            created=lambda database: self.created.append(database.name),
            unused=lambda: self.unused,
        )

    def build(self, database: WorkerDatabase) -> None:
        """Make a table."""
        self.built.append(database.name)
        engine = create_engine(database.url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE users (name TEXT)"))
        engine.dispose()

    def resolve(self, url: str, *, by: str | None = "app.py", own: bool = False) -> Destination:
        """Resolve an engine that the given file of the project makes (None: nobody knows which)."""
        location = Location(str(self.folder / (by or "")), 1, "f")
        created = Creation(PROCESS, location, str(self.folder)) if by else None
        return self.databases.resolve(EngineRequest(make_url(url), created, own))

    def lazy(self, url: str, *, by: str | None = "app.py", own: bool = False) -> LazyDatabase:
        """Resolve an engine that gets a database."""
        found = self.resolve(url, by=by, own=own)
        assert isinstance(found, LazyDatabase)
        return found


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project without any database yet."""
    project = Project(tmp_path)
    yield project
    project.databases.inventory.stop()


def test_resolving_makes_nothing(project: Project) -> None:
    """An import that makes an engine creates no database."""
    project.lazy("sqlite:///app.db")
    assert project.databases.inventory.all() == []


def test_the_first_application_engine_goes_to_the_primary(project: Project) -> None:
    """The primary database is the one that the application's first engine goes to, built once."""
    lazy = project.lazy("sqlite+aiosqlite:///app.db")
    primary = project.databases.primary()
    assert lazy.ready() is primary
    assert (project.created, project.built) == (["hermetic"], ["hermetic"])


def test_the_primary_can_be_made_before_any_engine(project: Project) -> None:
    """A primary that was asked for first is the one that the first engine gets."""
    primary = project.databases.primary()
    assert project.lazy("sqlite:///app.db").ready() is primary


def test_the_primary_url_builds_nothing(project: Project) -> None:
    """The URL can be known before the application can be imported."""
    url = project.databases.primary_url
    assert project.built == []
    assert url == project.databases.primary().url


def test_engines_of_one_url_share_a_database(project: Project) -> None:
    """A sync and an async engine, a test's and the application's, of one URL go to one database."""
    lazies = [
        project.lazy("sqlite+aiosqlite:///app.db"),
        project.lazy(f"sqlite:///{project.folder}/./app.db", by=None),
        project.lazy("sqlite:///app.db", by="tests/test_x.py"),
    ]
    assert len(set(lazies)) == 1


def test_a_further_application_url_gets_a_database_of_its_own(project: Project) -> None:
    """It is built like the first."""
    first, second = project.lazy("sqlite:///app.db"), project.lazy("sqlite:///audit.db")
    assert first is not second
    second.ready()
    assert project.built == ["hermetic_2"]
    assert [each.name for each in project.databases.inventory.all()] == ["hermetic_2"]


def test_a_tests_own_file_gets_an_empty_database(project: Project) -> None:
    """It is not built, and is the same for each engine of its URL."""
    one = project.lazy("sqlite:///other.db", by="conftest.py")
    assert project.lazy("sqlite+aiosqlite:///other.db", by="conftest.py") is one
    one.ready()
    assert project.built == []
    assert str(one) == "an empty database 'hermetic'"


def test_own_creators_of_the_application_share_nothing(project: Project) -> None:
    """Its engines that open by a creator of their own have an empty database each."""
    one, two = (project.resolve("sqlite://", own=True) for _ in range(2))
    assert isinstance(one, MemoryTarget)
    assert one is not two


def test_a_tests_database_becomes_the_applications(project: Project) -> None:
    """A conftest's engine made before the application is imported shares the primary with it."""
    lazy = project.lazy("sqlite:///app.db", by="conftest.py")
    lazy.ready()
    assert project.lazy("sqlite:///app.db") is lazy
    assert project.databases.primary() is lazy.worker
    assert project.built == ["hermetic"]
    assert str(lazy) == "the application's database 'hermetic'"


def test_a_tests_database_becomes_a_further_one_of_the_applications(project: Project) -> None:
    """So does that of a second URL."""
    project.lazy("sqlite:///app.db")
    lazy = project.lazy("sqlite:///audit.db", by="conftest.py")
    assert project.lazy("sqlite:///audit.db") is lazy
    assert lazy.ready().name in project.built


def test_a_primary_that_exists_wins_over_a_tests_database(project: Project) -> None:
    """Where the primary was made before, the application's first engine gets that."""
    other = project.lazy("sqlite:///app.db", by="conftest.py")
    primary = project.databases.primary()
    assert project.lazy("sqlite:///app.db").worker is primary
    assert other.worker is None


def test_a_declared_url(project: Project) -> None:
    """A test's engine with a URL that a setting gives the application goes to the primary, before it is imported."""
    project.databases.declare(make_url("sqlite://"))
    lazy = project.lazy("sqlite+aiosqlite:///:memory:", by="conftest.py")
    assert lazy.ready() is project.databases.primary()


def test_a_declared_relative_url(project: Project) -> None:
    """A relative path in a setting starts in the given folder."""
    project.databases.declare(make_url("sqlite:///app.db"), str(project.folder))
    lazy = project.lazy(f"sqlite:///{project.folder}/app.db", by="conftest.py")
    assert lazy.ready() is project.databases.primary()


def test_a_worker_databases_own_url(project: Project) -> None:
    """An engine with a worker database's URL goes there, and its connections are known."""
    lazy = project.lazy("sqlite:///app.db")
    url = lazy.ready().url.set(drivername="sqlite+aiosqlite")
    assert project.lazy(str(url), by="conftest.py") is lazy


def test_the_others(project: Project) -> None:
    """Allowed, left alone, refused."""
    assert isinstance(project.resolve("sqlite:////srv/allowed.db"), Itself)
    assert isinstance(project.resolve("sqlite://", by="conftest.py"), LeftAlone)
    assert isinstance(project.resolve("mysql://db/app"), Refusal)


def test_settling(project: Project) -> None:
    """What imports wrote belongs to the baseline, also in a database that was not built yet."""
    lazy = project.lazy("sqlite:///app.db")
    project.lazy("sqlite:///unused.db")
    worker = lazy.made()
    engine = create_engine(worker.url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE by_import (id INTEGER)"))
    project.databases.inventory.mark_baselines()
    assert project.built == ["hermetic"]
    assert not worker.dirty()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM sqlite_master")) == 2
    engine.dispose()


def test_as_a_resolver(project: Project) -> None:
    """``install`` takes it as it is, and building through redirected engines works."""
    installed = install(project.databases.resolve)
    engine = create_engine(f"sqlite:///{project.folder}/other.db")
    with engine.connect() as connection:
        file = connection.scalar(text("SELECT file FROM pragma_database_list"))
        assert connection.scalar(text("SELECT count(*) FROM sqlite_master")) == 0
    assert file == project.databases.inventory.all()[0].url.database
    assert "users" in create_engine_and_list(str(project.databases.primary().url))
    installed.uninstall()


def create_engine_and_list(url: str) -> list[str]:
    """Return the tables of a database."""
    engine = create_engine(url)
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT name FROM sqlite_master")))


def test_stopping_removes_everything(project: Project) -> None:
    """No database and no file is left."""
    worker = project.databases.primary()
    project.databases.inventory.stop()
    assert project.databases.inventory.all() == []
    assert not Path(str(worker.url.database)).exists()


def test_the_applications_engines_count_before_they_are_used(project: Project) -> None:
    """A test's engine may be used before the application's own, for the same URL."""
    url = make_url("sqlite:///app.db")
    location = Location(str(project.folder / "app.py"), 1, "f")
    project.unused.append(EngineRequest(url, Creation(PROCESS, location, str(project.folder))))
    assert project.lazy("sqlite:///app.db", by="test_app.py").ready() is project.databases.primary()
    assert project.lazy("sqlite:///other.db", by="test_app.py").ready() is not project.databases.primary()
