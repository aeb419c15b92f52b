"""Which engines in memory share a database, and how long each database lives."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, QueuePool, StaticPool, create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hermetic.database.backend import get_backend
from hermetic.database.backends.sqlite.worker_databases import SqliteServer
from hermetic.database.engines import Destination, EngineRequest, SeenEngines, install
from hermetic.database.inventory import Servers
from hermetic.database.memory import MemoryTarget
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.redirect import Redirect
from hermetic.database.registry import Databases
from hermetic.database.templates import Unfilled
from hermetic.guards.checkpoints import Checkpoints
from hermetic.owners import Owner, owned_by

pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
"""Engines here go without dispose(), as factories leave them; Python tells of their connections since 3.13."""

MEMORY = "sqlite+aiosqlite:///:memory:"
SHARED = "sqlite:///file:{}?mode=memory&cache=shared&uri=true"


class Suite:
    """A project whose engines are contained, and its tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built: list[str] = []
        self.backend = "sqlite"
        self.checkpoints = Checkpoints(lambda: self.databases.inventory.all(), list)
        seen = SeenEngines()
        self.databases = Databases(
            Servers({"sqlite": lambda: SqliteServer(folder / "server")}),
            Redirect.parse(root=folder),
            self.build,
            created=self.checkpoints.note_created,
            dropped=self.checkpoints.note_dropped,
            replace=lambda connections: self.installation.replace(connections),
            unused=seen.unused,
        )
        self.went: list[str] = []
        self.installation = install(self.resolve, seen=seen)

    def resolve(self, request: EngineRequest) -> Destination:
        """Note where each engine goes; a destination that is kept would keep its database."""
        destination = self.databases.resolve(request)
        self.went.append(str(destination))
        return destination

    def build(self, worker: WorkerDatabase) -> None:
        """Make the application's table."""
        self.built.append(worker.name)
        engine = create_engine(worker.url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE users (name TEXT)"))
        engine.dispose()

    def make(self, url: str = "sqlite://", by: str = "app.py", **options: Any) -> Engine:
        """Make an engine in a file of the project: test code by its name."""
        names: dict[str, Any] = {"create_engine": create_engine, "url": url, "options": options}
        exec(compile("made = create_engine(url, **options)", str(self.folder / by), "exec"), names)
        made: Engine = names["made"]
        return made

    def make_async(self, url: str = MEMORY, by: str = "app.py", **options: Any) -> AsyncEngine:
        """Make an async one."""
        names: dict[str, Any] = {"create": create_async_engine, "url": url, "options": options}
        exec(compile("made = create(url, **options)", str(self.folder / by), "exec"), names)
        made: AsyncEngine = names["made"]
        return made

    def share(self, name: str, by: str = "app.py") -> Engine:
        """Make an engine for a database in memory that its name is enough to reach."""
        return self.make(SHARED.format(name), by, poolclass=QueuePool)

    @contextmanager
    def test(self, name: str = "test_it") -> Iterator[Owner]:
        """Run a test: what was committed is undone after it, and what it made goes before the next."""
        self.restore()
        owner = Owner(name, "test", "function")
        with owned_by(owner):
            yield owner
        self.restore()
        owner.alive = False

    def restore(self) -> None:
        """Bring every baseline back, as a run does."""
        self.databases.release()
        for database in self.databases.inventory.all():
            database.restore()

    def files(self) -> int:
        """Count the databases that lie on the disk."""
        return len(list((self.folder / "server").rglob("*.db")))


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """What is left goes here, and not in somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    """A project without any engine yet."""
    suite = Suite(tmp_path)
    yield suite
    suite.installation.uninstall()
    suite.databases.inventory.stop()


def tables(engine: Engine) -> list[str]:
    """Return the tables that an engine sees."""
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT name FROM sqlite_master ORDER BY name")))


def path(engine: Engine) -> str:
    """Return the file where an engine's database lies; empty where none does."""
    with engine.connect() as connection:
        return str(connection.scalar(text("SELECT file FROM pragma_database_list")))


def path_async(engine: AsyncEngine) -> str:
    """Return the same of an async engine."""

    async def ask() -> str:
        async with engine.connect() as connection:
            return str(await connection.scalar(text("SELECT file FROM pragma_database_list")))

    return asyncio.run(ask())


def write(engine: Engine) -> None:
    """Commit a row in a table of the engine's own."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS own (id INTEGER)"))
        connection.execute(text("INSERT INTO own VALUES (1)"))


@pytest.mark.parametrize("pool", [None, StaticPool, NullPool])
def test_engines_of_the_application_share_nothing(suite: Suite, pool: type | None) -> None:
    """The first has the application's schema, and is its primary database; another is empty and its own."""
    options: dict[str, Any] = {"poolclass": pool} if pool else {}
    first, second = suite.make(**options), suite.make(**options)
    write(second)
    assert tables(first) == ["users"]
    assert tables(second) == ["own"]
    assert path(first) == suite.databases.primary().url.database
    assert suite.built == ["hermetic"]


def test_a_sync_and_an_async_engine_are_two(suite: Suite) -> None:
    """Nobody declared that they are one, and elsewhere they are not."""
    one, two = suite.make(), suite.make_async()
    assert path(one) != path_async(two)


def test_the_first_that_was_made_is_the_primary(suite: Suite) -> None:
    """Whichever is used first."""
    main, cache = suite.make(), suite.make()
    assert tables(cache) == []
    assert tables(main) == ["users"]


def test_a_tests_own_beside_what_a_fixture_had_made(suite: Suite) -> None:
    """A helper of the project's, called by a fixture, is not the application."""
    with owned_by(Owner("fixture 'engine'", "fixture", "session")):
        helped = suite.make(poolclass=StaticPool)
    write(helped)
    assert tables(suite.make(by="test_a.py")) == []


def test_a_tests_own_beside_the_applications(suite: Suite) -> None:
    """By the URL that the application has, too, a test sees what the application wrote."""
    main = suite.make()
    write(main)
    assert tables(suite.make(by="test_a.py")) == tables(main)


def test_a_declared_url_is_one_database(suite: Suite) -> None:
    """However many engines are made of it, by whom, with which driver."""
    suite.databases.declare(make_url(MEMORY))
    engines = [suite.make(), suite.make(by="test_a.py"), suite.make("sqlite:///:memory:")]
    asynchronous = [suite.make_async(), suite.make_async(by="conftest.py")]
    found = {*map(path, engines), *map(path_async, asynchronous)}
    assert found == {suite.databases.primary().url.database}


def test_a_name_beside_a_declared_url(suite: Suite) -> None:
    """What nobody declared is another database, though the application made it first."""
    suite.databases.declare(make_url(MEMORY))
    cache, main = suite.share("cache"), suite.make()
    assert tables(cache) == []
    assert tables(main) == ["users"]


def test_what_the_environment_gives_is_declared(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guide's ``setup_test_env``: what counts is the moment in which an engine is made."""
    undeclared = suite.make()
    with monkeypatch.context() as patch:
        patch.setenv("DATABASE_URL", MEMORY)
        engines = [suite.make(), suite.make(by="test_a.py"), suite.make()]
    found = {path(engine) for engine in engines}
    assert found == {suite.databases.primary().url.database}
    further = suite.make()
    assert path(further) not in found
    assert path(undeclared) in found, (
        "the application's first is its primary database, whatever declares that"
    )


def test_a_declared_name(suite: Suite) -> None:
    """A shared name that a setting gives is the application's, and so is what a test calls ``:memory:``."""
    suite.databases.declare(make_url(SHARED.format("app")))
    application = suite.share("app")
    assert tables(application) == ["users"]
    assert path(suite.make(by="test_a.py")) == suite.databases.primary().url.database


def test_a_shared_name_is_one_database(suite: Suite) -> None:
    """Engines of one name share, whoever makes them and with which driver; two names are two databases."""
    asynchronous = make_url(SHARED.format("one")).set(drivername="sqlite+aiosqlite")
    ones, two = [suite.share("one"), suite.share("one", by="test_a.py")], suite.share("two")
    another = suite.make_async(str(asynchronous), poolclass=StaticPool)
    found = {*map(path, ones), path_async(another)}
    assert len(found) == 1
    assert path(two) not in found


def test_a_shared_name_that_a_test_uses_first(suite: Suite) -> None:
    """It is one database, too; and is restored."""
    of_conftest = suite.share("one", by="conftest.py")
    with suite.test():
        write(of_conftest)
        assert tables(suite.share("one")) == ["own"]
    with suite.test():
        assert tables(of_conftest) == []


def test_names_are_told_apart_before_they_are_used(suite: Suite) -> None:
    """Two engines of one name that were not used yet are one database, beside the primary one."""
    main = suite.make()
    names = [suite.share("cache") for _ in range(2)]
    assert path(main) == suite.databases.primary().url.database
    assert len(suite.databases._memory.of_application()) == 2
    path(names[0])
    assert len(suite.databases._memory.of_application()) == 2
    assert path(names[0]) == path(names[1])


def test_a_hundred_calls_of_a_factory(suite: Suite) -> None:
    """After each a restore has as many databases to look at as after the first, though nobody lets the engines go."""
    kept: list[list[Engine]] = []
    counts = []
    for _ in range(100):
        with suite.test():
            engines = [suite.make(), suite.share(f"name{len(kept)}")]
            kept.append(engines)
            for engine in engines:
                write(engine)
        counts.append((len(suite.databases.inventory.all()), suite.files()))
    assert set(counts) == {(2, 2)}
    assert suite.built == ["hermetic"], "the primary database is restored, not made anew"


def test_it_goes_with_its_engine(suite: Suite) -> None:
    """An engine that is made for the process, or in a long test, takes its database along."""
    main = suite.make()
    for _ in range(20):
        write(suite.make())
        gc.collect()
    assert len(suite.databases.inventory.all()) <= 2, "making one looks for those that nobody reaches"
    suite.databases.release()
    assert len(suite.databases.inventory.all()) == suite.files() <= 1
    assert path(main) == suite.databases.primary().url.database


def test_an_open_connection_keeps_it(suite: Suite) -> None:
    """A connection may be all that somebody kept of an engine."""
    main = suite.make()
    connection = suite.make().raw_connection()
    gc.collect()
    suite.restore()
    assert tables(main) == ["users"]
    connection.cursor().execute("CREATE TABLE own (id INTEGER)")
    connection.close()


def test_an_engine_that_is_used_again_after_its_test(suite: Suite) -> None:
    """A cached one, which nobody knew then to be for the process: from then on its database stays, and is restored."""
    with suite.test():
        engine = suite.make()
        assert tables(engine) == ["users"]
        write(engine)
    with suite.test():
        assert tables(engine) == ["users"]
        write(engine)
    with suite.test():
        other = suite.make()
        assert tables(other) == []
        assert tables(engine) == ["users"]
    assert suite.built == ["hermetic"]


def test_a_cached_engine_beside_a_test_of_its_own(suite: Suite) -> None:
    """While its database is another's it gets one of its own."""
    with suite.test():
        cached = suite.make()
        path(cached)
    with suite.test():
        other = suite.make()
        assert tables(other) == ["users"]
        assert tables(cached) == []


def test_a_database_that_outlives_its_maker_in_somebodys_hands(suite: Suite) -> None:
    """What a wider owner has checked out does not go under its feet."""
    lifespan = Owner("the lifespan", "lifespan", "session")
    with suite.test():
        main, engine = suite.make(), suite.make()
        with owned_by(lifespan):
            connection = engine.connect()
        where = path(engine)
    connection.rollback()
    suite.restore()
    assert path(engine) == where
    connection.close()
    suite.restore()
    assert not Path(where).exists()
    assert main.url.database is None, "kept until now"


def test_an_engine_that_nobody_used_claims_nothing_later(suite: Suite) -> None:
    """The primary database is free for the next test's engine, though one of an earlier test is first in line."""
    with suite.test():
        unused = suite.make()
    with suite.test():
        assert tables(suite.make()) == ["users"]
    assert unused.url.database is None, "kept until now"


def test_a_test_on_the_applications_only_one(suite: Suite) -> None:
    """A test's own ``:memory:`` stands for it."""
    main = suite.make()
    assert path(suite.make(by="test_a.py")) == path(main)


def test_a_test_beside_two_of_the_applications(suite: Suite) -> None:
    """Which one is meant cannot be known: it is left alone, which says so."""
    engines = [suite.make(), suite.make(), suite.make(by="test_a.py")]
    assert path(engines[2]) == ""
    assert suite.went[-1].endswith("the test's own: the application has 2 of them")


def test_a_test_beside_a_primary_in_a_file(suite: Suite) -> None:
    """It does not stand for a cache in memory."""
    main, cache = suite.make("sqlite:///app.db"), suite.make()
    own = suite.make(by="test_a.py")
    assert path(own) == ""
    assert tables(main) == ["users"]
    assert tables(cache) == []


def test_a_fixture_that_wrote_what_is_gone(suite: Suite) -> None:
    """Its layer goes with the database, whether the fixture is still in its set-up or lives on."""
    main = suite.make()
    inner, outer = (Owner(name, "fixture", "session") for name in ("inner", "outer"))
    with suite.test():
        engine = suite.make()
        path(engine)
        outer_frame, inner_frame = suite.checkpoints.begin(outer), suite.checkpoints.begin(inner)
        write(engine)
        suite.checkpoints.end(inner_frame)
    del engine
    gc.collect()
    suite.restore()
    suite.checkpoints.end(outer_frame)
    suite.checkpoints.finish(inner)
    suite.checkpoints.finish(outer)
    assert tables(main) == ["users"]


def test_what_a_build_makes_of_others_is_for_all_tests(suite: Suite) -> None:
    """An application whose start-up makes the tables of all its databases is built once."""
    main, cache = suite.make(), suite.make()
    suite.databases._build = lambda worker: write(cache)
    with suite.test():
        path(main)
    with suite.test():
        assert tables(cache) == ["own"]


def test_a_build_that_cannot_be_made_yet(suite: Suite) -> None:
    """It is asked again: what it did until then is no baseline."""
    main, cache = suite.make(), suite.make()
    answers = iter([Unfilled.LATER, None])

    def build(worker: WorkerDatabase) -> Unfilled | None:
        write(cache)
        return next(answers)

    suite.databases._build = build
    path(main)
    assert all(each.dirty() for each in suite.databases._memory.own())
    path(main)


def test_the_primarys_url_in_the_applications_hands(suite: Suite) -> None:
    """An application that got ``{url}`` has its primary database: what it opens in memory is another one."""
    url = str(suite.databases.primary_url)
    cache, main = suite.make(), suite.make(url)
    assert tables(cache) == []
    assert tables(main) == ["users"]


def test_the_primarys_url_in_a_librarys_hands(suite: Suite) -> None:
    """A library's engine on it says nothing of the application's."""
    url = str(suite.databases.primary_url)
    others = [suite.make(url, by="site-packages/library.py"), suite.make(url, by="conftest.py")]
    main = suite.make()
    assert tables(main) == ["users"]
    assert len(others) == 2, "kept until now"


def test_where_another_backend_is_expected(tmp_path: Path) -> None:
    """A cache in memory is no primary database of an application that is for PostgreSQL."""
    built: list[str] = []
    databases = Databases(
        Servers({"sqlite": lambda: SqliteServer(tmp_path)}),
        Redirect.parse(root=tmp_path),
        lambda worker: built.append(worker.name),
        backend="postgresql",
    )
    installation = install(databases.resolve)
    names: dict[str, Any] = {"create_engine": create_engine}
    exec(compile("engine = create_engine('sqlite://')", str(tmp_path / "app.py"), "exec"), names)
    assert tables(names["engine"]) == []
    assert built == []
    installation.uninstall()
    databases.inventory.stop()


def test_an_engine_from_before(suite: Suite) -> None:
    """One that is older than the run is the application's."""
    suite.installation.uninstall()
    older = create_engine("sqlite://")
    suite.installation = install(suite.resolve)
    assert tables(older) == ["users"]
    assert [each.in_memory for each in suite.databases.opened] == [True]


def test_what_is_said_of_it(suite: Suite) -> None:
    """A target has a name before and after it has a database."""
    main = suite.make()
    path(main)
    assert suite.went[0] == "the application's database 'hermetic'"
    found = suite.databases.resolve(EngineRequest(main.url, engine=main))
    assert isinstance(found, MemoryTarget)
    assert (found.name, found.reach(None)) == ("hermetic", suite.databases.primary().url)
    found.note_raw(object())
    target = MemoryTarget(
        lambda target: pytest.fail("not asked"), Owner("x", "test", "function"), None, "sqlite", True
    )
    assert (target.name, str(target)) == ("in memory", "an empty database of its own, in memory")
    assert target.worker is None


def test_a_connection_that_comes_back_late(suite: Suite) -> None:
    """One that an ended test never gave back is closed with its database; giving it back then harms nothing."""
    with suite.test() as owner:
        main, engine = suite.make(), suite.make()
        connection = engine.connect()
        (in_use,) = suite.installation.checked_out()
    assert in_use.owner is owner
    suite.restore()
    connection.invalidate()
    connection.close()
    assert tables(engine) == ["users"], "a later test's, and the primary database is free"
    assert main.url.database is None, "kept until now"


def test_one_that_was_given_back_since(suite: Suite) -> None:
    """A target that has no database any more takes note of a connection all the same."""
    target = MemoryTarget(
        lambda target: pytest.fail("not asked"), Owner("x", "test", "function"), None, "sqlite", True
    )
    connection: Any = object()
    target.note_checkout(connection, None)
    target.note_closed(connection)
    get_backend("sqlite").close(connection)


def test_what_is_no_engine_shares_nothing(suite: Suite) -> None:
    """Each request without an engine is one of its own."""
    request = EngineRequest(make_url("sqlite://"))
    assert suite.databases.resolve(request) is not suite.databases.resolve(request)


def test_one_that_could_not_be_made(suite: Suite) -> None:
    """There is nothing to drop where the file system was full."""
    main = suite.make()
    target = suite.databases.resolve(EngineRequest(make_url("sqlite://"), engine=suite.make()))
    assert isinstance(target, MemoryTarget)
    target._find(target)
    del target
    gc.collect()
    suite.databases.release()
    assert tables(main) == ["users"]
