"""Recipes, and what is left of their files; those that run are in ``test_running.py``."""

from __future__ import annotations

import pytest

from hermetic.migrate.migration import migrated, read
from hermetic.migrate.steps.database import CONFIGURE, DATABASE
from tests.migrate.steps.database.applications import ASYNC, SYNC, after, application, step
from tests.source.projects import Project

HANDED_OUT = "@pytest.fixture\ndef session(async_db_session):\n    return async_db_session\n"
HEAD = """\
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.db import get_db
from app.main import app
from app.models import Base
"""
ASYNC_HEAD = """\
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.db import engine as app_engine, get_db
from app.main import app
from app.models import Base
"""
MADE = "create_async_engine('sqlite+aiosqlite://')"
TABLES = "    async with engine.begin() as c:\n        await c.run_sync(Base.metadata.create_all)\n"


@pytest.mark.parametrize(
    "body",
    [
        f"    engine = {MADE}\n{TABLES}"
        "    async with async_sessionmaker(engine, expire_on_commit=False)() as s:\n        yield s\n"
        "    await engine.dispose()\n",
        f"    engine = {MADE}\n    try:\n        async with engine.begin() as c:\n"
        "            await c.run_sync(lambda sync: Base.metadata.create_all(sync))\n"
        "        s = AsyncSession(bind=engine, expire_on_commit=False)\n        try:\n            yield s\n"
        "        finally:\n            await s.close()\n    finally:\n        await engine.dispose()\n",
        "    async with app_engine.connect() as c, c.begin() as t:\n"
        "        async with AsyncSession(c, expire_on_commit=False, join_transaction_mode='create_savepoint') as s:\n"
        "            yield s\n        await t.rollback()\n",
        "    c = await app_engine.connect()\n    t = await c.begin()\n    n = await c.begin_nested()\n"
        "    s = AsyncSession(bind=c, expire_on_commit=False)\n\n"
        "    @event.listens_for(s.sync_session, 'after_transaction_end')\n    def restart(session, transaction):\n"
        "        nonlocal n\n        if not n.is_active:\n            n = c.sync_connection.begin_nested()\n\n"
        "    yield s\n\n    await s.close()\n    if t.is_active:\n        await t.rollback()\n    await c.close()\n",
    ],
)
def test_a_session_of_a_test_is_hermetic_s(project: Project, body: str) -> None:
    """Whatever engine, connection, transaction, savepoint or table is made for it."""
    conftest = f"{ASYNC_HEAD}\n\n@pytest.fixture\nasync def session():\n{body}"
    test = "async def test_one(session):\n    pass\n"
    migration = step(project, {"tests/conftest.py": conftest, "tests/test_a.py": test}, ASYNC)
    assert (after(migration).endswith(f"\n\n\n{HANDED_OUT}"), migration.left) == (True, ())
    assert ("create_async_engine" in after(migration)) == ("create_async_engine" not in body)
    assert CONFIGURE in [review.text for review in migration.review]


def test_a_chain_of_fixtures_goes(project: Project) -> None:
    """Engine, connection and transaction, and the override that handed the session to the application."""
    conftest = """\
import pytest_asyncio
from collections.abc import AsyncGenerator
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from app.db import get_db
from app.main import app
from app.models import Base


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine() -> AsyncGenerator[AsyncEngine, None]:
    engine = create_async_engine("postgresql+asyncpg://localhost/test")
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.drop_all)
        await conn.run_sync(Base.metadata.create_all)
    yield engine
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.drop_all)
    await engine.dispose()


@pytest_asyncio.fixture
async def connection(engine: AsyncEngine):
    async with engine.connect() as conn:
        yield conn


@pytest_asyncio.fixture
async def transaction(connection: AsyncConnection):
    async with connection.begin() as transaction:
        yield transaction
        await transaction.rollback()


@pytest_asyncio.fixture
async def session(connection: AsyncConnection, transaction) -> AsyncGenerator[AsyncSession, None]:
    async with AsyncSession(
        bind=connection,
        join_transaction_mode="create_savepoint",
        expire_on_commit=False,
    ) as session:
        yield session


@pytest_asyncio.fixture
async def client(session: AsyncSession):
    async def override():
        yield session

    app.dependency_overrides[get_db] = override
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://t") as client:
        yield client
    app.dependency_overrides.clear()
"""
    test = """\
from sqlalchemy import select

from app.models import User


async def test_one(client, session):
    session.add(User(name="Ada"))
    await session.flush()
    await client.get("/users")
    user = await session.scalar(select(User))
    assert await session.scalar(select(User.name)) == user.name
"""
    migration = step(project, {"tests/conftest.py": conftest, "tests/test_a.py": test}, ASYNC)
    assert (
        after(migration)
        == """\
import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from app.main import app


@pytest.fixture
def session(async_db_session: AsyncSession) -> AsyncSession:
    return async_db_session


@pytest_asyncio.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://t") as client:
        yield client
"""
    )
    changed = test.replace("flush", "commit")
    changed = changed.replace("select(User))\n", "select(User).execution_options(populate_existing=True))\n")
    assert after(migration, "test_a.py") == changed


def test_the_manual_s_suite_goes_to_its_client(project: Project) -> None:
    """An engine, tables, sessions and an override at the top of a test module."""
    test = HEAD + (
        "from fastapi.testclient import TestClient\n\nURL = 'sqlite://'\n\nengine = create_engine(\n    URL,\n"
        "    connect_args={'check_same_thread': False},\n)\nTesting = sessionmaker(autoflush=False, bind=engine)\n\n"
        "Base.metadata.create_all(bind=engine)\n\n\ndef override_get_db():\n    try:\n        db = Testing()\n"
        "        yield db\n    finally:\n        db.close()\n\n\napp.dependency_overrides[get_db] = override_get_db\n\n"
        "client = TestClient(app)\n\n\ndef test_one():\n    client.get('/users')\n"
    )
    migration = step(project, {"tests/test_a.py": test})
    assert after(migration, "test_a.py") == (
        "import pytest\n\nfrom app.main import app\nfrom fastapi.testclient import TestClient\n\n\n"
        "client = TestClient(app)\n\n\ndef test_one():\n    client.get('/users')\n"
    )


def test_sessions_that_tests_make_are_on_the_application_s_engine(project: Project) -> None:
    """What a module of its own has is imported under the old names."""
    files = {
        "tests/__init__.py": "",
        "tests/database.py": "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
        "test_engine = create_engine('sqlite:///./test.db')\nTesting = sessionmaker(bind=test_engine)\n\n\n"
        "def override():\n    with Testing() as db:\n        yield db\n",
        "tests/conftest.py": "import os\n\nimport pytest\n\nfrom app.db import get_db\nfrom app.main import app\n"
        "from app.models import Base\nfrom tests.database import override, test_engine\n\n\n"
        "@pytest.fixture(autouse=True)\ndef tables():\n    Base.metadata.create_all(test_engine)\n"
        "    app.dependency_overrides[get_db] = override\n    yield\n    Base.metadata.drop_all(test_engine)\n"
        "    app.dependency_overrides.pop(get_db, None)\n    if os.path.exists('./test.db'):\n"
        "        os.remove('./test.db')\n",
        "tests/test_a.py": "import pytest\n\nfrom tests.database import Testing\n\n\n"
        "@pytest.mark.usefixtures('tables', 'tmp_path')\n"
        "def test_one(tables):\n    with Testing() as db:\n        db.commit()\n",
    }
    migration = step(project, files)
    assert after(migration, "database.py") == (
        "from sqlalchemy.orm import sessionmaker\nfrom app.db import engine as test_engine\n\n"
        "Testing = sessionmaker(bind=test_engine)\n"
    )
    assert after(migration) == ""
    assert "nothing is left in this file: delete it" in [review.text for review in migration.review]
    assert "usefixtures('tmp_path')\ndef test_one():\n" in after(migration, "test_a.py")


@pytest.mark.parametrize(
    "body",
    [
        "    if database_exists(URL):\n        drop_database(URL)\n    create_database(URL)\n"
        "    yield\n    drop_database(URL)\n",
        "    config = Config('alembic.ini')\n    config.set_main_option('sqlalchemy.url', URL)\n"
        "    command.upgrade(config, 'head')\n    yield\n    command.downgrade(config, 'base')\n",
        "    subprocess.run(['alembic', 'upgrade', 'head'], check=True)\n    yield\n",
        "    with engine.connect().execution_options(isolation_level='AUTOCOMMIT') as connection:\n"
        "        connection.execute(text(f'DROP DATABASE IF EXISTS {NAME}'))\n"
        "        connection.execute(text(f'CREATE DATABASE {NAME}'))\n    yield\n",
        "    yield\n    with engine.begin() as connection:\n"
        "        for table in reversed(Base.metadata.sorted_tables):\n"
        "            connection.execute(table.delete())\n",
        "    yield\n    with SessionLocal() as session:\n        session.execute(text('TRUNCATE users CASCADE'))\n"
        "        session.execute(delete(User).where(User.id > 1))\n"
        "        session.query(User).filter_by(id=1).delete()\n"
        "        session.commit()\n",
        "    make_tables()\n    yield\n    Base.metadata.drop_all(bind=engine)\n",
    ],
)
def test_what_is_done_for_every_test_goes_with_its_fixture(project: Project, body: str) -> None:
    """Databases, migrations, cleared tables: nothing is left of the conftest but what does something else."""
    conftest = (
        "import subprocess\n\nimport pytest\nfrom alembic import command\nfrom alembic.config import Config\n"
        "from sqlalchemy import delete, text\n"
        "from sqlalchemy_utils import create_database, database_exists, drop_database\n\n"
        "from app.db import SessionLocal, engine\nfrom app.models import Base, User\n\n"
        "URL = 'postgresql://localhost/test'\n"
        "NAME = 'test'\n\n\ndef make_tables():\n    Base.metadata.create_all(engine)\n\n\n"
        f'@pytest.fixture(scope="session", autouse=True)\ndef database():\n    """The database."""\n{body}\n\n'
        "@pytest.fixture\ndef number():\n    return 1\n"
    )
    test = "import pytest\n\n\n@pytest.mark.usefixtures('database')\ndef test_one(number):\n    pass\n"
    migration = step(project, {"tests/conftest.py": conftest, "tests/test_a.py": test})
    found = after(migration)
    assert "database()" not in found
    assert found.endswith("\n\n\n@pytest.fixture\ndef number():\n    return 1\n")


def test_what_does_something_else_stays(project: Project) -> None:
    """Rows, other overrides, other variables, comments and what a fixture hands to a factory."""
    conftest = HEAD + (
        "from app.db import engine as app_engine\nfrom factories import Factory\n\n\n"
        "@pytest.fixture\ndef db():\n    # one connection for all\n    connection = app_engine.connect()\n"
        "    transaction = connection.begin()\n    session = sessionmaker(bind=connection)()\n\n"
        "    # the factories write by it\n    Factory.session = session\n\n    yield session\n\n"
        "    Factory.session = None\n    session.close()\n    transaction.rollback()\n    connection.close()\n\n\n"
        "@pytest.fixture\ndef client(db):\n    app.dependency_overrides[get_db] = lambda: db\n"
        "    app.dependency_overrides[get_user] = lambda: 1\n    yield 1\n    app.dependency_overrides.clear()\n"
    )
    test = "def test_one(client, db):\n    pass\n"
    migration = step(project, {"tests/conftest.py": conftest, "tests/test_a.py": test})
    assert after(migration).partition("@pytest.fixture\n")[2] == (
        "def db():\n    session = sessionmaker(bind=app_engine)()\n\n"
        "    # the factories write by it\n    Factory.session = session\n\n    yield session\n\n"
        "    Factory.session = None\n    session.close()\n\n\n"
        "@pytest.fixture\ndef client():\n"
        "    app.dependency_overrides[get_user] = lambda: 1\n    yield 1\n    app.dependency_overrides.clear()\n"
    )


def test_what_the_application_makes_of_an_address_of_the_tests_is_the_tests_engine(project: Project) -> None:
    """Also where a fixture fills it, on a connection that it closes."""
    db = ASYNC + "\n\ndef make_engine(url):\n    return create_async_engine(url)\n"
    conftest = ASYNC_HEAD + (
        "from app.db import make_engine\n\n\n@pytest.fixture(scope='session')\nasync def engine():\n"
        "    engine = make_engine('sqlite+aiosqlite://')\n    yield engine\n    await engine.dispose()\n\n\n"
        "@pytest.fixture(scope='session')\nasync def rows(engine):\n    async with engine.begin() as connection:\n"
        "        await connection.run_sync(Base.metadata.create_all)\n"
        "        async with AsyncSession(bind=connection) as session:\n            session.add(1)\n"
        "            await session.commit()\n    return 1\n"
    )
    migration = step(
        project,
        {"tests/conftest.py": conftest, "tests/test_a.py": "async def test_one(rows):\n    pass\n"},
        db,
    )
    assert after(migration).endswith(
        "\n\n\n@pytest.fixture(scope='session')\nasync def rows(hermetic_engine):\n"
        "    async with hermetic_engine.begin() as connection:\n"
        "        async with AsyncSession(bind=connection) as session:\n            session.add(1)\n"
        "            await session.commit()\n    return 1\n"
    )


def test_an_application_that_is_given_objects_of_the_session_goes_on_using_it(project: Project) -> None:
    """Another override loads a user by it: only tables and engine go."""
    conftest = HEAD + (
        "\n\n@pytest.fixture\ndef db():\n    engine = create_engine('sqlite://')\n"
        "    Base.metadata.create_all(engine)\n"
        "    with sessionmaker(engine)() as session:\n        yield session\n\n\n"
        "@pytest.fixture\ndef client(db):\n    def user():\n        return db.get(User, 1)\n\n"
        "    app.dependency_overrides[get_db] = lambda: db\n"
        "    app.dependency_overrides[get_user] = user\n    yield 1\n"
    )
    migration = step(
        project, {"tests/conftest.py": conftest, "tests/test_a.py": "def test_one(client):\n    pass\n"}
    )
    assert "lambda: db" in after(migration)
    assert "create_engine" not in after(migration)
    assert any("user hands it objects" in review.text for review in migration.review)


def test_sync_sessions_without_an_engine_of_the_application_get_the_database_s_url(project: Project) -> None:
    """The fixture keeps its engine, on another database."""
    conftest = HEAD + (
        "\n\n@pytest.fixture\ndef db():\n    engine = create_engine('sqlite://', echo=True)\n"
        "    Base.metadata.create_all(engine)\n    with sessionmaker(engine)() as session:\n        yield session\n"
        "    engine.dispose()\n"
    )
    test = {"tests/conftest.py": conftest, "tests/test_a.py": "def test_one(db):\n    pass\n"}
    migration = step(project, test, ASYNC)
    assert after(migration).endswith(
        "def db(hermetic_database):\n    engine = create_engine(hermetic_database.sync_url)\n"
        "    with sessionmaker(engine)() as session:\n        yield session\n    engine.dispose()\n"
    )


def test_a_sync_engine_at_the_top_of_a_conftest_becomes_a_fixture(project: Project) -> None:
    """Where the application's own is asynchronous, and only fixtures use it."""
    conftest = HEAD + (
        "\nengine = create_engine(URL)\n\n\n@pytest.fixture(autouse=True)\ndef clear():\n    yield\n"
        "    with engine.begin() as connection:\n        for table in Base.metadata.sorted_tables:\n"
        "            connection.execute(table.delete())\n\n\n"
        "@pytest.fixture\ndef db():\n    with sessionmaker(engine)() as session:\n        yield session\n"
    )
    test = {"tests/conftest.py": conftest, "tests/test_a.py": "def test_one(db):\n    pass\n"}
    migration = step(project, test, ASYNC)
    assert after(migration).partition("import app\n")[2] == (
        '\n\n@pytest.fixture(scope="session")\ndef engine(hermetic_database):\n'
        "    engine = create_engine(hermetic_database.sync_url)\n    yield engine\n    engine.dispose()\n\n\n"
        "@pytest.fixture\ndef db(engine):\n    with sessionmaker(engine)() as session:\n        yield session\n"
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_odd_layout_is_kept(project: Project, newline: str) -> None:
    """Lines that several statements share, texts of many lines in a block that moves, line ends; and twice is once."""
    conftest = ASYNC_HEAD + (
        f"\n\n@pytest.fixture\nasync def session():\n    engine = {MADE}; é = 'é'\n"
        "    async with engine.begin() as c: await c.run_sync(Base.metadata.create_all)\n"
        "    async with engine.connect() as connection:\n        async with AsyncSession(bind=connection) as s:\n"
        '            text = """\n    a\n"""\n            yield s, é, \\\n                text\n'
    )
    project.write(application(ASYNC)).write(
        {
            "tests/conftest.py": conftest.replace("\n", newline),
            "tests/test_a.py": "async def test_one(session):\n    pass\n",
        }
    )
    migration = migrated(read(project.root), [DATABASE])
    assert after(migration).endswith(
        (
            "async def session(hermetic_engine):\n    é = 'é'\n"
            "    async with AsyncSession(bind=hermetic_engine) as s:\n"
            '        text = """\n    a\n"""\n        yield s, é, \\\n            text\n'
        ).replace("\n", newline)
    )
    for change in migration.changes:
        change.file.write_bytes(change.after)
    assert migrated(read(project.root), [DATABASE]).changes == ()


def test_the_application_of_the_harness_is_the_one_that_is_read() -> None:
    """Both kinds of it are Python."""
    for db in (SYNC, ASYNC):
        for name, text in application(db).items():
            compile(text, name, "exec")
