"""Several databases in one application, and several engines on one: each target has a worker database of its own."""

from __future__ import annotations

from tests.pytest_plugin.project import Project

APP = """
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

users = create_async_engine("postgresql+asyncpg://shop@db.example/users")
users_sync = create_engine("postgresql+psycopg2://other@DB.example:5432/users?sslmode=require")
audit = create_async_engine("postgresql+asyncpg://shop@db.example/audit")
files = create_async_engine("sqlite+aiosqlite:///files.db")
replica = create_async_engine("postgresql+psycopg://shop@replica.example/users")


class Base(DeclarativeBase):
    pass


class Entry(Base):
    __tablename__ = "entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


INSERT = text("INSERT INTO entries (name) VALUES (:name)")
app = FastAPI()


@app.post("/{name}", status_code=201)
async def everywhere(name: str):
    for engine in (users, audit, files):
        async with engine.begin() as connection:
            await connection.execute(INSERT, {"name": f"{name} {engine.url.database}"})


@app.get("/")
async def entries() -> dict[str, list[str]]:
    found = {}
    for key, engine in {"users": users, "audit": audit, "files": files, "replica": replica}.items():
        async with engine.connect() as connection:
            found[key] = list((await connection.execute(text("SELECT name FROM entries ORDER BY id"))).scalars())
    return found
"""


def test_each_target_has_its_own(empty_project: Project) -> None:
    """Two on PostgreSQL, one on SQLite, a sync engine beside an async one, and a replica that is one of them."""
    empty_project.write(
        shop_py=APP,
        pytest_ini="""
        [pytest]
        hermetic_app = shop:app
        hermetic_targets = postgresql://replica.example/users -> postgresql://db.example/users
        pythonpath = .
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = session
        """,
        test_shop_py="""
        import pytest
        from shop import INSERT, audit, users, users_sync
        from sqlalchemy import text

        @pytest.mark.parametrize("again", range(2))
        async def test_all(async_client, again):
            await async_client.post("/x")
            with users_sync.begin() as connection:
                connection.execute(INSERT, {"name": "sync"})
            assert (await async_client.get("/")).json() == {
                "users": ["x users", "sync"],
                "audit": ["x audit"],
                "files": ["x files.db"],
                "replica": ["x users", "sync"],
            }

        async def test_they_differ():
            names = []
            for engine in (users, audit):
                async with engine.connect() as connection:
                    names.append(await connection.scalar(text("SELECT current_database()")))
            assert len(set(names)) == 2
            with users_sync.connect() as connection:
                assert connection.scalar(text("SELECT current_database()")) == names[0]
        """,
    )
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output
