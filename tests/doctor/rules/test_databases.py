"""Rules about engines and their tables."""

from __future__ import annotations

import pytest

from tests.doctor.examined import diagnosed, found, told
from tests.source.projects import Project

ENGINE = "from sqlalchemy.ext.asyncio import create_async_engine\n{text}\n"


@pytest.mark.parametrize(
    ("text", "version", "words"),
    [
        ("create_async_engine('sqlite:///./app.db')", "2.1.9", "sqlite:// names no async driver"),
        ("create_async_engine(url='postgresql+psycopg2://h/a')", "2.1.9", "psycopg2 is no async driver"),
        ("create_async_engine('mysql+pymysql://h/a')", "2.1.9", "pymysql is no async driver"),
        ("create_async_engine(URL.create('sqlite', database='a.db'))", "2.1.9", "sqlite:// names no async"),
        ("url = URL.create(drivername='mysql+pymysql')\ncreate_async_engine(url)", "2.1.9", "pymysql is no"),
        ("create_async_engine('postgresql://h/a')", "2.0.36", "not async in SQLAlchemy 2.0.36 (uv.lock)"),
        (
            "HOST = 'h'\nURL = f'postgresql+psycopg2://{HOST}/a'\ncreate_async_engine(URL)",
            "2.1.9",
            "psycopg2 is no",
        ),
        (
            "import os\ncreate_async_engine(os.getenv('DB', 'sqlite:///a.db'))",
            "2.1.9",
            "InvalidRequestError, unless DB is set; sqlite+aiosqlite:// is one",
        ),
    ],
)
def test_an_async_engine_needs_an_async_driver(project: Project, text: str, version: str, words: str) -> None:
    """Constants, parts put together, and defaults; what a bare name means depends on the version."""
    assert words in told(project, {"app.py": ENGINE.format(text=text)}, sqlalchemy=version)


@pytest.mark.parametrize(
    "text",
    [
        "create_async_engine('sqlite+aiosqlite:///./app.db')",
        "create_async_engine('postgresql+psycopg://h/a')",
        "create_async_engine('postgresql://h/a')",
        "create_async_engine('postgres://h/a')",
        "create_async_engine('cockroachdb://h/a')",
        "import os\ncreate_async_engine(os.environ['DB'])",
        "def make(url='sqlite:///a.db'):\n    return create_async_engine(url)",
        "url = 'sqlite:///a.db'\ncreate_async_engine(url.replace('sqlite:', 'sqlite+aiosqlite:'))",
        "IS_OLD = False\nURL = 'sqlite:///a.db'\nif IS_OLD:\n    create_async_engine(URL)",
        "create_async_engine(URL.create(choose()))",
        "create_async_engine(make('sqlite'))",
        "create_async_engine()",
        "try:\n    create_async_engine('sqlite:///a.db')\nexcept Exception: ...",
        "from sqlalchemy import create_engine\ncreate_engine('sqlite:///a.db')",
    ],
)
def test_urls_that_may_fit_are_left_alone(project: Project, text: str) -> None:
    """Async drivers, names that nobody here knows, and what cannot be told."""
    assert found(project, {"app.py": ENGINE.format(text=text)}) == []


def test_a_variable_that_the_tests_are_given_is_what_counts(project: Project) -> None:
    """pytest-env's, or a dotenv file's that the code loads."""
    files = {
        "app.py": ENGINE.format(text="import os\ncreate_async_engine(os.environ['DB'])"),
        "pytest.ini": "[pytest]\nenv = DB=sqlite:///a.db\n",
    }
    assert "by DB that the tests are given" in told(project, files)


@pytest.mark.parametrize("name", [".env.example", ".github/workflows/test.yml", "compose.yml", "pytest.ini"])
def test_a_variable_that_runs_are_given_goes_before_its_default(project: Project, name: str) -> None:
    """Then the default is for nobody."""
    texts = {
        "pytest.ini": "[pytest]\nhermetic_env = DB={url}\nenv = DB=x\n",
        ".env.example": "DB=postgresql+asyncpg://h/a\n",
        ".github/workflows/test.yml": "env:\n  DB: postgresql+asyncpg://h/a\n",
        "compose.yml": "    environment:\n      DB: postgresql+asyncpg://h/a\n",
    }
    app = ENGINE.format(text="import os\ncreate_async_engine(os.getenv('DB', 'sqlite:///a.db'))")
    assert found(project, {"app.py": app, name: texts[name]}) == []


MEMORY = """\
from sqlalchemy import NullPool, QueuePool, StaticPool, create_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.ext.asyncio import create_async_engine
from app import Base
URL = "sqlite+aiosqlite://"
engine = {text}

def tables():
    with engine.begin() as connection:
        connection.run_sync(Base.metadata.create_all)
"""


@pytest.mark.parametrize(
    ("text", "is_broken"),
    [
        ("create_async_engine('sqlite+aiosqlite:///:memory:', poolclass=NullPool)", True),
        ("create_async_engine(URL, poolclass=AsyncAdaptedQueuePool)", True),
        ("create_engine('sqlite://', poolclass=QueuePool)", True),
        ("create_engine('sqlite://', poolclass=StaticPool)", False),
        ("create_engine('sqlite://')", False),
        ("create_async_engine('sqlite+aiosqlite:///a.db', poolclass=NullPool)", False),
        ("create_async_engine(URL, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0)", False),
        (
            "create_async_engine('sqlite+aiosqlite:///file:m?mode=memory&cache=shared&uri=true', poolclass=NullPool)",
            False,
        ),
        ("create_async_engine('postgresql+asyncpg://', poolclass=NullPool)", False),
    ],
)
def test_a_pool_gives_each_connection_a_database_in_memory(
    project: Project, text: str, is_broken: bool
) -> None:
    """Unless it has one connection, or they share it by name."""
    files = {"tests/conftest.py": MEMORY.format(text=text)}
    assert [each.rpartition(" ")[2] for each in found(project, files)] == (["HM784"] if is_broken else [])


def test_one_connection_for_all_has_its_tables(project: Project) -> None:
    """And an engine on which no tables are made lacks none."""
    text = MEMORY.format(text="create_async_engine(URL, poolclass=NullPool)")
    assert found(project, {"tests/conftest.py": text.partition("def tables")[0]}) == []
    kept = text + "        yield connection\n"
    assert found(project, {"tests/conftest.py": kept}) == []


LOCAL = """\
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import create_async_engine
from app import Base

async def test_tables():
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    {text}
"""


@pytest.mark.parametrize(
    ("text", "is_broken"),
    [("await engine.dispose()", False), ("return async_sessionmaker(engine)", True), ("yield engine", True)],
)
def test_an_engine_that_only_makes_tables_lacks_none(project: Project, text: str, is_broken: bool) -> None:
    """A test of the models may do just that."""
    assert bool(found(project, {"tests/test_tables.py": LOCAL.format(text=text)})) is is_broken


def test_with_hermetic_an_engine_in_memory_has_one_database(project: Project) -> None:
    """So it is told only for a run without."""
    text = MEMORY.format(text="create_async_engine(URL, poolclass=NullPool)")
    files = {"app.py": text, "pytest.ini": "[pytest]\nhermetic_app = app:app\n"}
    assert diagnosed(project, files).findings == ()
    assert len(diagnosed(project, files, uses_hermetic=False).findings) == 1


TABLES = """\
import pytest
from sqlalchemy import MetaData, create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from app import Base
engine = create_async_engine("sqlite+aiosqlite://")
plain = create_engine("sqlite://")
tables = MetaData()

@pytest.fixture
def given():
    yield engine
{text}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def make():\n    Base.metadata.create_all(bind=engine)", "engine is an async engine"),
        ("tables.drop_all(engine)", "drop_all is synchronous"),
        (
            "async def make():\n    async with engine.begin() as c:\n        Base.metadata.create_all(c)",
            "an async conn",
        ),
        ("async def make():\n    Base.metadata.create_all(engine.sync_engine)", "MissingGreenlet"),
        ("@pytest.fixture\ndef made():\n    Base.metadata.create_all(engine.sync_engine)", "MissingGreenlet"),
        (
            "def make():\n    local = create_async_engine('sqlite+aiosqlite://')\n    Base.metadata.create_all(local)",
            "local is",
        ),
        (
            "def engine_of():\n    return engine\ndef make():\n    Base.metadata.create_all(engine_of())",
            "engine_of() is",
        ),
        (
            "@pytest.fixture\ndef made(given):\n    Base.metadata.create_all(given)",
            "given is an async engine",
        ),
    ],
)
def test_tables_are_made_by_something_async(project: Project, text: str, words: str) -> None:
    """An engine or a connection, under whatever name it gets there."""
    assert words in told(project, {"tests/conftest.py": TABLES.format(text=text)})


@pytest.mark.parametrize(
    "text",
    [
        "async def make():\n    async with engine.begin() as c:\n        await c.run_sync(Base.metadata.create_all)",
        "def make(connection):\n    Base.metadata.create_all(connection)",
        "def make(connection):\n    Base.metadata.create_all(engine.sync_engine)",
        "Base.metadata.create_all(plain)",
        "with pytest.raises(Exception):\n    Base.metadata.create_all(engine)",
        "factory.create_all(engine)",
        "create_all(engine)",
        "factories[0].create_all(engine)",
        "Base.metadata.create_all(nobody)",
        "Base.metadata.create_all(nobody.sync_engine)",
        "Base.metadata.create_all(nobody())",
        "Base.metadata.create_all(given)",
        "first, second = engine, engine\nBase.metadata.create_all(first)",
        "def make():\n    local, other = engine, engine\n    Base.metadata.create_all(local)",
        "def choose():\n    return engine if made else plain\ndef make():\n    Base.metadata.create_all(choose())",
        "def make():\n    with manager as c:\n        Base.metadata.create_all(c)",
        "def make():\n    with engine.other() as c:\n        Base.metadata.create_all(c)",
        "again = again\ndef make():\n    Base.metadata.create_all(again)",
    ],
)
def test_tables_that_are_made_well_are_left_alone(project: Project, text: str) -> None:
    """By a plain engine, by ``run_sync``, or by what cannot be told."""
    assert found(project, {"tests/conftest.py": TABLES.format(text=text)}) == []
