"""What stays as it is, to the byte, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hermetic.migrate.migration import migrated, read
from hermetic.migrate.step import TestName
from hermetic.migrate.steps.database import DATABASE
from tests.migrate.steps.database.applications import ASYNC, SYNC, application, step
from tests.source.projects import Project

TEST = "def test_one(db):\n    pass\n"
HEAD = """\
import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from app.db import engine as app_engine, get_db
from app.main import app
from app.models import Base


"""
FIXTURE = "@pytest.fixture\ndef db():\n"
NO_ENGINE = (
    "from sqlalchemy.orm import sessionmaker\n\nSessionLocal = sessionmaker()\n\n\ndef get_db():\n    yield\n"
)


@pytest.mark.parametrize(
    "conftest",
    [
        "import pytest\n\nfrom app.db import SessionLocal\n\n\n"
        "@pytest.fixture\ndef db():\n    with SessionLocal() as session:\n        yield session\n",
        HEAD + "@pytest.fixture\ndef db():\n    return Session(app_engine)\n",
        HEAD + "@pytest.fixture\ndef db():\n    app.dependency_overrides[get_db] = lambda: None\n    yield\n"
        "    app.dependency_overrides.clear()\n",
        HEAD + "@pytest.fixture\ndef db():\n    with app_engine.begin() as connection:\n"
        "        connection.execute(Base.metadata.tables['users'].insert())\n",
        HEAD + "@pytest.fixture\ndef db():\n    with app_engine.connect() as connection:\n"
        "        transaction = connection.begin()\n        with Session(connection) as session:\n"
        "            session.add(User())\n        transaction.commit()\n        connection.commit()\n    yield\n",
        HEAD + "from app.db import SessionLocal\n\n\n@pytest.fixture\ndef db():\n"
        "    SessionLocal.configure(bind=app_engine.execution_options(schema_translate_map={}))\n    yield\n",
    ],
)
def test_what_is_no_recipe_stays(project: Project, conftest: str) -> None:
    """The application's sessions, overrides by something else, and rows that a fixture makes."""
    migration = step(project, {"tests/conftest.py": conftest, "tests/test_a.py": TEST})
    assert (migration.changes, migration.left) == ((), ())


def test_what_a_test_does_itself_is_what_it_tests(project: Project) -> None:
    """An engine, tables and a transaction in a test's own body stay."""
    text = (
        HEAD
        + "def test_one():\n    engine = create_engine('sqlite://')\n    Base.metadata.create_all(engine)\n"
    )
    migration = step(project, {"tests/test_a.py": text})
    assert (migration.changes, migration.left) == ((), ())


@pytest.mark.parametrize(
    ("code", "text", "conftest", "test"),
    [
        (
            "HM860",
            "connection is used for more",
            "@pytest.fixture\ndef connection():\n    with app_engine.connect() as connection:\n"
            "        transaction = connection.begin()\n        yield connection\n        transaction.rollback()\n\n\n"
            "@pytest.fixture\ndef db(connection):\n    with Session(connection) as session:\n        yield session\n",
            "def test_one(db, connection):\n    connection.execute('x')\n",
        ),
        (
            "HM860",
            "transaction is used for more",
            FIXTURE + "    connection = app_engine.connect()\n    transaction = connection.begin()\n"
            "    session = Session(connection)\n    session.info['outer'] = transaction\n    yield session\n"
            "    transaction.rollback()\n",
            TEST,
        ),
        (
            "HM861",
            "whose tables are not known",
            FIXTURE + "    engine = create_engine('sqlite://')\n    tables_of('app').create_all(engine)\n"
            "    with Session(engine) as session:\n        yield session\n",
            TEST,
        ),
        (
            "HM861",
            "it is not known what it is",
            FIXTURE + "    Base.metadata.create_all(find_engine())\n    yield\n",
            TEST,
        ),
        (
            "HM862",
            "the tests define these tables themselves",
            "class Own(DeclarativeBase):\n    pass\n\n\n"
            + FIXTURE
            + "    engine = create_engine('sqlite://')\n    Own.metadata.create_all(engine)\n"
            "    with Session(engine) as session:\n        yield session\n",
            TEST,
        ),
        (
            "HM864",
            "a listener for 'connect'",
            FIXTURE + "    engine = create_engine('sqlite://')\n\n    @event.listens_for(engine, 'connect')\n"
            "    def connect(connection, record):\n        connection.execute('PRAGMA foreign_keys=ON')\n\n"
            "    Base.metadata.create_all(engine)\n    with Session(engine) as session:\n        yield session\n",
            TEST,
        ),
        (
            "HM865",
            "not all migrations",
            "from alembic import command\nfrom alembic.config import Config\n\n\n"
            + FIXTURE
            + "    config = Config('alembic.ini')\n    command.upgrade(config, 'abc123')\n    yield\n"
            "    command.downgrade(config, 'base')\n",
            TEST,
        ),
    ],
)
def test_half_a_recipe_never_goes(project: Project, code: str, text: str, conftest: str, test: str) -> None:
    """All that hangs on what is not understood stays, and the tests with it are told where that is."""
    migration = step(project, {"tests/conftest.py": HEAD + conftest, "tests/test_a.py": test})
    assert migration.changes == ()
    (left,) = migration.left
    assert (left.code, left.test.path, text in left.text) == (code, "test_one", True)
    lines = (HEAD + conftest + "\n" + test).splitlines()
    assert left.line <= len(lines)


def test_an_engine_at_the_top_of_a_module_needs_one_of_the_application(project: Project) -> None:
    """Where the application makes none, or several, nothing can be imported in its place."""
    conftest = HEAD.replace("engine as app_engine, ", "") + (
        "engine = create_engine('sqlite://')\nTesting = sessionmaker(engine)\nBase.metadata.create_all(engine)\n\n\n"
        "@pytest.fixture\ndef db():\n    with Testing() as session:\n        yield session\n"
    )
    files = {"tests/conftest.py": conftest, "tests/test_a.py": TEST}
    migration = step(project, files, NO_ENGINE)
    assert (migration.changes, [left.code for left in migration.left]) == ((), ["HM863"])
    two = f"{SYNC}other = create_engine('sqlite:///./other.db')\nOther = sessionmaker(other)\n"
    migration = step(project, files, two)
    assert (migration.changes, [left.code for left in migration.left]) == ((), ["HM866"])


def test_a_test_that_fared_worse_keeps_its_recipe(project: Project) -> None:
    """And so do those with the same fixtures; what others do by hand goes."""
    clearing = (
        "from app.db import engine\nfrom app.models import Base\nimport pytest\n\n\n@pytest.fixture(autouse=True)\n"
        "def clear():\n    yield\n    with engine.begin() as connection:\n"
        "        for table in Base.metadata.sorted_tables:\n            connection.execute(table.delete())\n"
    )
    recipe = (
        HEAD
        + FIXTURE
        + (
            "    engine = create_engine('sqlite://')\n    Base.metadata.create_all(engine)\n"
            "    with Session(engine) as session:\n        yield session\n"
        )
    )
    project.write(application(SYNC)).write(
        {
            "tests/one/conftest.py": recipe,
            "tests/one/test_one.py": TEST,
            "tests/two/conftest.py": clearing,
            "tests/two/test_two.py": "def test_two():\n    pass\n",
        }
    )
    found = read(project.root)
    name = TestName(found.symbols.sources.root / "tests/one/test_one.py", "test_one")
    migration = migrated(replace(found, keep={name: ("HM899", "it failed")}), [DATABASE])
    assert [change.file.parent.name for change in migration.changes] == ["two"]
    assert [(left.code, left.text) for left in migration.left] == [("HM899", "it failed")]


def test_a_file_that_cannot_be_changed_keeps_what_others_get_from_it(project: Project) -> None:
    """An engine that a read-only module makes stays, and so does what a conftest does with it."""
    files = {
        "tests/__init__.py": "",
        "tests/database.py": "from sqlalchemy.ext.asyncio import create_async_engine\n\n"
        "engine = create_async_engine('sqlite+aiosqlite://')\n",
        "tests/conftest.py": "import pytest\nfrom sqlalchemy.ext.asyncio import AsyncSession\n\n"
        "from app.models import Base\nfrom tests.database import engine\n\n\n@pytest.fixture\nasync def db():\n"
        "    async with engine.begin() as connection:\n"
        "        await connection.run_sync(Base.metadata.create_all)\n"
        "    async with AsyncSession(engine) as session:\n        yield session\n",
        "tests/test_a.py": "async def test_one(db):\n    pass\n",
    }
    project.write(application(ASYNC)).write(files)
    (project.root / "tests/database.py").chmod(0o444)
    assert migrated(read(project.root), [DATABASE]).changes == ()
