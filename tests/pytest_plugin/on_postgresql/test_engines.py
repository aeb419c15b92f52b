"""However an engine was made, whatever its driver: it ends on the worker database, and its commits are undone."""

from __future__ import annotations

from tests.pytest_plugin.on_postgresql.conftest import ELSEWHERE
from tests.pytest_plugin.project import Project

TESTS = f'''
import asyncpg
import pytest
from sqlalchemy import NullPool, StaticPool, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from shop import User

URL = "{ELSEWHERE}"
INSERT = text("INSERT INTO users (name) VALUES ('x') RETURNING id")


async def nowhere(*args):
    return await asyncpg.connect("postgresql://shop:secret@db.example/shop")


def nowhere_sync():
    import psycopg2

    return psycopg2.connect("postgresql://shop:secret@db.example/shop")


ASYNC = {{
    "NullPool": create_async_engine(URL, poolclass=NullPool),
    "StaticPool": create_async_engine(URL, poolclass=StaticPool),
    "arguments": create_async_engine(URL, pool_size=1, max_overflow=0, pool_pre_ping=True, pool_recycle=60),
    "connect_args": create_async_engine(URL, connect_args={{"timeout": 5, "server_settings": {{"jit": "off"}}}}),
    "async_creator": create_async_engine(URL, async_creator=nowhere),
    "psycopg": create_async_engine(URL.replace("asyncpg", "psycopg")),
    "ssl": create_async_engine(URL + "?ssl=require"),
}}
SYNC = {{
    "psycopg2": create_engine(URL.replace("asyncpg", "psycopg2")),
    "psycopg": create_engine(URL.replace("asyncpg", "psycopg")),
    "creator": create_engine(URL.replace("asyncpg", "psycopg2"), creator=nowhere_sync),
    "sslmode": create_engine(URL.replace("+asyncpg", "+psycopg2") + "?sslmode=require&application_name=reports"),
}}


@pytest.mark.parametrize("name", ASYNC)
@pytest.mark.parametrize("again", range(2))
async def test_async(name, again, async_client):
    async with ASYNC[name].begin() as connection:
        assert (await connection.execute(INSERT)).scalar() == 1
    assert (await async_client.get("/users")).json() == ["x"]


@pytest.mark.parametrize("name", SYNC)
@pytest.mark.parametrize("again", range(2))
async def test_sync(name, again, async_client):
    with SYNC[name].begin() as connection:
        assert connection.execute(INSERT).scalar() == 1
    assert (await async_client.get("/users")).json() == ["x"]


def test_the_application_s_name_is_kept():
    with SYNC["sslmode"].connect() as connection:
        assert connection.scalar(text("SHOW application_name")) == "reports"


def test_it_is_no_superuser():
    with SYNC["psycopg"].connect() as connection:
        assert connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")) is False
        assert connection.scalar(text("SELECT current_user::text")) == "shop"
'''


def test_every_way_to_make_an_engine(project: Project) -> None:
    """Pools, arguments, creators and drivers: all on one target, restored, with no warning at the end."""
    project.write(conftest_py="", test_shop_py=TESTS)
    result = project.pytest()
    assert result.outcomes() == {"passed": 24}, result.output


def test_sqlmodel(empty_project: Project) -> None:
    """SQLModel's own session and metadata, sync and async."""
    empty_project.write(
        pytest_ini="""
        [pytest]
        hermetic_app = heroes:app
        pythonpath = .
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = session
        """,
        heroes_py="""
        from fastapi import FastAPI
        from sqlmodel import Field, Session, SQLModel, create_engine, select

        engine = create_engine("postgresql+psycopg2://hero:secret@db.example/heroes")
        app = FastAPI()


        class Hero(SQLModel, table=True):
            id: int | None = Field(default=None, primary_key=True)
            name: str


        @app.post("/heroes")
        def create(hero: Hero):
            with Session(engine) as session:
                session.add(hero)
                session.commit()
                session.refresh(hero)
                return hero


        @app.get("/heroes")
        def heroes() -> list[Hero]:
            with Session(engine) as session:
                return list(session.exec(select(Hero)))
        """,
        test_heroes_py="""
        import pytest
        from fastapi.testclient import TestClient
        from heroes import Hero, app, engine
        from sqlmodel import Session, select


        @pytest.mark.parametrize("again", range(2))
        async def test_async(async_client, async_test_db, again):
            assert (await async_client.post("/heroes", json={"name": "Ada"})).json() == {"id": 1, "name": "Ada"}
            assert (await async_test_db.scalars(select(Hero.name))).all() == ["Ada"]


        def test_sync():
            assert TestClient(app).get("/heroes").json() == []
            with Session(engine) as session:
                session.add(Hero(name="Ada"))
                session.commit()
            assert TestClient(app).get("/heroes").json() == [{"id": 1, "name": "Ada"}]
        """,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output
