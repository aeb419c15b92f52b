"""Wider fixtures and lifespans that change the schema, and tests that change it too."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project

ALTERED = """
import pytest
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg://me@db.example/shop")

def run(statement):
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)

@pytest.fixture(scope="session")
def rows():
    run("INSERT INTO users (name) VALUES ('session')")

@pytest.fixture(scope="module")
def altered(rows):
    run("ALTER TABLE users ADD COLUMN extra integer")

def test_before(rows, altered):
    run("UPDATE users SET extra = 1")

def test_changes_another_table(altered):
    run("CREATE TABLE later (n integer); DROP TABLE notes")

def test_after(altered):
    run("INSERT INTO notes VALUES (1)")
"""


@pytest.mark.parametrize("loops", ["session", "function"])
def test_a_table_that_a_wider_fixture_wrote_is_altered(project: Project, loops: str) -> None:
    """A test's own DDL is undone meanwhile, and when the module is over."""
    project.write(
        schema_sql="CREATE TABLE users (id serial PRIMARY KEY, name text); CREATE TABLE notes (n integer);",
        test_a_py=ALTERED,
        test_b_py="""
        from test_a import run, rows

        def test_one(rows):
            run("ALTER TABLE users ADD COLUMN extra integer")

        def test_two():
            run("INSERT INTO notes VALUES (1)")
        """,
    )
    result = project.pytest(
        *("-o", "hermetic_schema=schema.sql", "-o", f"asyncio_default_test_loop_scope={loops}")
    )
    assert result.outcomes() == {"passed": 5}, result.output
