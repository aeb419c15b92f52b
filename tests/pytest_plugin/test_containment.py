"""Each row of the containment table, through a whole run: an engine lands on a database of ours, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytest_plugin.project import INI, Project

WHERE = """
from pathlib import Path
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

async def path_of(url, **options):
    engine = create_async_engine(url, **options)
    async with engine.connect() as connection:
        row = (await connection.execute(text("PRAGMA database_list"))).first()
    await engine.dispose()
    return row[2]

async def tables_of(url):
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))).scalars().all()
    await engine.dispose()
    return rows
"""


def passes(project: Project, body: str, *arguments: str, expected: int = 1) -> None:
    """Run a test module that can ask where an engine ended; all must pass, and no file may have been made."""
    project.write_path("tests/where.py", WHERE)
    project.write(test_a_py="from tests.where import *\nimport shop\n" + body)
    before = sorted(project.root.rglob("*.db"))
    result = project.pytest(*arguments)
    assert result.outcomes() == {"passed": expected}, result.output
    assert sorted(project.root.rglob("*.db")) == before


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:///./production.db",
        "sqlite+aiosqlite:///production.db?timeout=3",
        "sqlite+aiosqlite:///../a project/production.db",
    ],
)
def test_the_applications_own_url(project: Project, url: str) -> None:
    """However it is written, it is the application's worker database."""
    passes(
        project,
        f"""
async def test_it(hermetic_database):
    assert await path_of({url!r}) == hermetic_database.sync_url.removeprefix("sqlite:///")
    assert await tables_of({url!r}) == ["users"]
""",
    )


def test_a_synchronous_engine_on_the_same_url(project: Project) -> None:
    """Compared without the driver."""
    passes(
        project,
        """
def test_it(hermetic_database):
    with create_engine("sqlite:///production.db").connect() as connection:
        row = connection.execute(text("PRAGMA database_list")).first()
    assert row[2] == hermetic_database.sync_url.removeprefix("sqlite:///")
""",
    )


def test_an_alias(project: Project) -> None:
    """``hermetic_targets``: a replica is the database it stands for."""
    passes(
        project,
        """
async def test_it(hermetic_database):
    assert await tables_of("sqlite+aiosqlite:///replica.db") == ["users"]
""",
        "-o",
        "hermetic_targets=sqlite:///replica.db -> sqlite:///production.db",
    )


def test_a_database_that_is_only_read_may_be_a_replica(project: Project) -> None:
    """It is a database of its own as long as no setting says more; the closing lines name that setting."""
    project.write(
        replica_py="""
        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import create_async_engine
        from shop import SessionLocal, User

        engine = create_async_engine("sqlite+aiosqlite:///./replica.db")

        async def names():
            async with engine.connect() as connection:
                return list(await connection.scalars(text("SELECT name FROM users")))
        """,
        test_it_py="""
        from replica import names

        async def test_it(async_client):
            await async_client.post("/users", json={"name": "Ada"})
            print("read:", await names())
        """,
    )
    result = project.pytest("-s")
    main, replica = (f"sqlite:///{project.root}/{name}.db" for name in ("production", "replica"))
    assert "read: []" in result.output
    assert f"only read: {replica} is a database of its own" in result.output
    setting = f"hermetic_targets = {replica} -> {main}"
    assert setting in result.output
    result = project.pytest("-s", "-o", setting.replace(" = ", "="))
    assert "read: ['Ada']" in result.output
    assert "only read" not in result.output


def test_another_file_is_fresh_empty_and_restored(project: Project) -> None:
    """A test's own URL gets a database of its own, restored like any other."""
    passes(
        project,
        """
import pytest

@pytest.mark.parametrize("again", range(2))
async def test_it(again):
    assert await tables_of("sqlite+aiosqlite:///other.db") == []
    engine = create_async_engine("sqlite+aiosqlite:///other.db")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE mine (id INTEGER)"))
    await engine.dispose()
    assert await tables_of("sqlite+aiosqlite:///other.db") == ["mine"]
""",
        expected=2,
    )


def test_other_memory_and_temporary_files_are_left_alone(project: Project) -> None:
    """An in-memory database that is not the application's, and files under ``tmp_path``, are the test's own."""
    passes(
        project,
        """
async def test_it(tmp_path):
    assert await path_of("sqlite+aiosqlite:///:memory:") == ""
    assert await path_of(f"sqlite+aiosqlite:///{tmp_path}/own.db") == str(tmp_path / "own.db")
    assert (tmp_path / "own.db").exists()
""",
    )


def test_memory_that_is_the_applications_is_the_worker_database(project: Project) -> None:
    """An application on ``:memory:`` and a test's engine of that URL share the worker database."""
    shop = (project.root / "shop.py").read_text()
    project.write(shop_py=shop.replace("/./production.db", "/:memory:"))
    passes(
        project,
        """
async def test_it(async_client):
    await async_client.post("/users", json={"name": "posted"})
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT name FROM users"))).scalars().all() == ["posted"]
    await engine.dispose()
""",
    )


def test_an_allowed_url_is_itself(project: Project, tmp_path: Path) -> None:
    """``hermetic_allow`` lets an engine really open what its URL says."""
    project.write_path("tests/where.py", WHERE)
    project.write(
        test_a_py="""
from tests.where import *

async def test_it():
    assert (await path_of("sqlite+aiosqlite:///allowed.db")).endswith("allowed.db")
""",
    )
    result = project.pytest("-o", "hermetic_allow=sqlite:///allowed.db")
    assert result.outcomes() == {"passed": 1}, result.output
    assert (project.root / "allowed.db").exists()


def test_a_server_that_hermetic_has_not_is_refused(project: Project) -> None:
    """The error has the masked URL, the test, where the engine was made, and the setting that would allow it."""
    url = "mysql+pymysql://me:secret@db.example/shop"
    project.write(
        test_a_py=f"""
from sqlalchemy import create_engine


async def test_it():
    engine = create_engine({url!r})
    with engine.connect():
        pass
"""
    )
    result = project.pytest()
    assert result.outcomes() == {"failed": 1}, result.output
    masked = url.replace("secret", "***")
    assert f"test_a.py::test_it asked for a connection to {masked}" in result.output
    assert "test_a.py:5" in result.output
    assert f"hermetic_allow = {masked}" in result.output
    assert "ContainmentError" in result.output


def test_a_creator_of_its_own_is_never_called(project: Project) -> None:
    """Where the URL does not tell what would be opened, the engine gets a fresh database."""
    passes(
        project,
        """
import sqlite3

def test_it():
    def creator():
        raise AssertionError("opened")
    with create_engine("sqlite:///own.db", creator=creator).connect() as connection:
        assert connection.execute(text("PRAGMA database_list")).first()[2] != ""
""",
    )


def test_creators_that_open_one_database_in_memory(project: Project) -> None:
    """A suite's engines share what their creators open past each seam, and it is said that it is the suite's own."""
    project.write(
        conftest_py="""
import sqlite3

import pytest
from sqlalchemy import create_engine
from shop import Base


def opened():
    return sqlite3.Connection("file:of_the_suite?mode=memory&cache=shared", uri=True)


@pytest.fixture(scope="session")
def tables():
    keeper = opened()
    Base.metadata.create_all(create_engine("sqlite://", creator=opened))
    yield
    keeper.close()


@pytest.fixture
def engine(tables):
    engine = create_engine("sqlite://", creator=opened)
    yield engine
    engine.dispose()
"""
    )
    project.write(
        test_a_py="""
from sqlalchemy import text


def test_it(engine):
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM users")).scalar() == 0
"""
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output
    assert "what a creator or a pool of its own opens in memory is the test's own" in result.output


def test_tables_made_while_modules_are_imported_are_for_all_tests(project: Project) -> None:
    """The usual tutorial's conftest makes its own engine's tables at import; they are in the baseline."""
    project.write(
        conftest_py="""
from sqlalchemy import create_engine
from shop import Base

engine = create_engine("sqlite:///./test.db")
Base.metadata.create_all(engine)
"""
    )
    passes(
        project,
        """
import pytest

@pytest.mark.parametrize("again", range(2))
async def test_it(again):
    assert await tables_of("sqlite+aiosqlite:///./test.db") == ["users"]
""",
        expected=2,
    )


def test_an_application_that_makes_its_tables_at_import(project: Project) -> None:
    """``create_all`` while the application's own module is still being imported reaches the worker database."""
    shop = (project.root / "shop.py").read_text()
    made = "\nfrom sqlalchemy import create_engine\nBase.metadata.create_all(create_engine('sqlite:///./production.db'))\n"
    project.write(shop_py=shop + made)
    passes(
        project,
        """
async def test_it(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).status_code == 201
""",
    )


def test_an_application_that_connects_while_it_is_imported(project: Project) -> None:
    """A test's own engine, used first, has the application imported; a thread that this waits for gets through."""
    project.write_path("pytest.ini", INI.replace("shop:app", "late:app"))
    project.write_path(
        "late.py",
        """
        from concurrent.futures import ThreadPoolExecutor
        from sqlalchemy import create_engine
        from shop import app

        engine = create_engine("sqlite:///./production.db")
        with ThreadPoolExecutor(1) as threads:
            threads.submit(lambda: engine.connect().close()).result()
        engine.dispose()
        """,
    )
    project.write_path("tests/where.py", WHERE)
    project.write(
        test_a_py="""
        from tests.where import *

        async def test_it(request):
            tables = await tables_of("sqlite+aiosqlite:///./production.db")
            assert tables == ["users"]
            assert request.getfixturevalue("hermetic_app").title == "FastAPI"
        """
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output
