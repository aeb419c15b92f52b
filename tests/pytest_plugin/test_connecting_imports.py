"""Modules of the application's that connect while they are imported: to ask for a version, to see whether it works."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import INI, Project

SQLITE = "sqlite:///./production.db"
POSTGRESQL = "postgresql+psycopg2://somebody@db.example/production"

STOCK = """
from sqlalchemy import create_engine, text

engine = create_engine("{url}")
with engine.connect() as connection:
    answer = connection.scalar(text("SELECT 1"))
"""

TABLES = """
from fastapi import FastAPI
from sqlalchemy import Column, Integer, MetaData, Table
from stock import engine

metadata = MetaData()
Table("things", metadata, Column("id", Integer, primary_key=True))
app = FastAPI()
"""

START_UP = """
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text


@asynccontextmanager
async def lifespan(app):
    from stock import engine

    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY)"))
    yield


app = FastAPI(lifespan=lifespan)
"""

SUITE = """
import pytest
from sqlalchemy import text


@pytest.mark.parametrize("time", range(2))
def test_add(time):
    {imports}
    with stock.engine.begin() as connection:
        assert stock.answer == 1
        assert connection.scalar(text("SELECT count(*) FROM things")) == 0
        connection.execute(text("INSERT INTO things (id) VALUES (1)"))
"""


@pytest.mark.parametrize("url", [SQLITE, POSTGRESQL])
@pytest.mark.parametrize("first", ["import shop, stock", "import stock, shop"])
def test_tables_by_metadata(empty_project: Project, url: str, first: str) -> None:
    """The connection that the import gave back to the pool finds the tables as well, whoever imports what first."""
    empty_project.write(
        pytest_ini=INI, stock_py=STOCK.format(url=url), shop_py=TABLES, test_it_py=SUITE.format(imports=first)
    )
    result = empty_project.pytest("-o", "hermetic_schema=shop:metadata")
    assert result.outcomes() == {"passed": 2}, result.output


@pytest.mark.parametrize("url", [SQLITE, POSTGRESQL])
def test_tables_by_a_start_up_that_imports_it_too(empty_project: Project, url: str) -> None:
    """The start-up that makes the tables would wait for the import, which waits for the connection."""
    empty_project.write(
        pytest_ini=INI,
        stock_py=STOCK.format(url=url),
        shop_py=START_UP,
        test_it_py=SUITE.format(imports="import stock"),
    )
    result = empty_project.pytest("-o", "hermetic_schema=lifespan")
    assert result.outcomes() == {"passed": 2}, result.output
