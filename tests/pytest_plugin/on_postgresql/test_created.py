"""Databases that code under test makes by ``CREATE DATABASE``: on hermetic's server, restored, and gone in the end."""

from __future__ import annotations

from tests.pytest_plugin.project import Project

CREATING = """
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

SERVER = "postgresql+psycopg2://me:secret@db.example"
maintenance = create_engine(f"{SERVER}/postgres", isolation_level="AUTOCOMMIT")
own = create_engine(f"{SERVER}/own")


def execute(engine, *statements):
    with engine.begin() as connection:
        return [connection.execute(text(statement)) for statement in statements][-1]


def values(engine, query):
    with engine.connect() as connection:
        return list(connection.execute(text(query)).scalars())


def names():
    return values(maintenance, "SELECT datname FROM pg_database WHERE datname IN ('own', 'Other one')")
"""


def test_one_of_a_session_fixture(project: Project) -> None:
    """An engine for it ends there; what tests write is undone, and the fixture itself may drop it."""
    project.write(
        conftest_py=CREATING
        + """
@pytest.fixture(scope="session", autouse=True)
def made():
    execute(maintenance, "CREATE DATABASE own")
    execute(own, "CREATE TABLE notes (id serial PRIMARY KEY, text text)", "INSERT INTO notes (text) VALUES ('first')")
    yield
    assert values(own, "SELECT text FROM notes") == ["first"]
    own.dispose()
    execute(maintenance, "DROP DATABASE own")
    assert names() == []
    print("dropped")
""",
        test_a_py="""
        import pytest
        from conftest import execute, own, values

        @pytest.mark.parametrize("again", range(2))
        def test_it(again, hermetic_url):
            assert values(own, "SELECT current_database()") == ["own"]
            assert "hermetic_w_" in hermetic_url
            execute(own, "INSERT INTO notes (text) VALUES ('mine')")
            assert values(own, "SELECT id FROM notes ORDER BY id") == [1, 2]
        """,
    )
    result = project.pytest("-s")
    assert result.outcomes() == {"passed": 2}, result.output
    assert "dropped" in result.output


def test_one_of_a_test(project: Project) -> None:
    """It is gone when the test ends, even though the test's engine is still connected to it."""
    project.write(
        test_a_py=CREATING
        + """
@pytest.mark.parametrize("again", range(2))
def test_it(again):
    assert names() == []
    execute(maintenance, 'CREATE DATABASE "Other one"', "CREATE DATABASE own")
    execute(own, "CREATE TABLE notes (id serial)", "INSERT INTO notes DEFAULT VALUES")
    assert values(own, "SELECT id FROM notes") == [1]
    assert names() == ["Other one", "own"]
"""
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output


def test_a_statement_that_fails(project: Project) -> None:
    """A database stays whose it was, and is restored, where it is made again or is not dropped after all."""
    project.write(
        conftest_py=CREATING
        + """
@pytest.fixture(scope="session", autouse=True)
def made():
    execute(maintenance, "CREATE DATABASE own")
    execute(own, "CREATE TABLE notes (id serial)")
""",
        test_a_py="""
        import pytest
        from conftest import SERVER, DBAPIError, create_engine, execute, maintenance, own, values

        in_transactions = create_engine(f"{SERVER}/postgres")

        @pytest.mark.parametrize("again", range(2))
        def test_it(again):
            execute(own, "INSERT INTO notes DEFAULT VALUES")
            with pytest.raises(DBAPIError, match="already exists"):
                execute(maintenance, "CREATE DATABASE own")
            with pytest.raises(DBAPIError, match="inside a transaction"):
                execute(in_transactions, "DROP DATABASE own")
            execute(own, "INSERT INTO notes DEFAULT VALUES")
            assert values(own, "SELECT id FROM notes") == [1, 2]
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
