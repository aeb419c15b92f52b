"""Applications of other frameworks: hermetic asks for ASGI and no more."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import INI, Project

MODELS = """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite:///./production.db")
SessionLocal = async_sessionmaker(engine)
events = []


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


async def add(name):
    async with SessionLocal() as session:
        session.add(User(name=name))
        await session.commit()


async def names():
    async with SessionLocal() as session:
        return [user.name for user in await session.scalars(select(User))]
"""

STARLETTE = """
from contextlib import asynccontextmanager

from models import add, events, names
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def create_user(request):
    await add((await request.json())["name"])
    return JSONResponse({}, 201)


async def list_users(request):
    return JSONResponse(await names())


@asynccontextmanager
async def lifespan(app):
    events.append("up")
    yield
    events.append("down")


routes = [Route("/users", create_user, methods=["POST"]), Route("/users", list_users)]
app = Starlette(routes=routes, lifespan=lifespan)
"""

LITESTAR = """
from contextlib import asynccontextmanager

from litestar import Litestar, Request, get, post
from models import add, events, names


@post("/users")
async def create_user(request: Request) -> None:
    await add((await request.json())["name"])


@get("/users")
async def list_users() -> list[str]:
    return await names()


@asynccontextmanager
async def lifespan(app):
    events.append("up")
    yield
    events.append("down")


app = Litestar([create_user, list_users], lifespan=[lifespan])
"""

QUART = """
from models import add, events, names
from quart import Quart, request

app = Quart(__name__)


@app.post("/users")
async def create_user():
    await add((await request.get_json())["name"])
    return {}, 201


@app.get("/users")
async def list_users():
    return await names()


@app.before_serving
async def start():
    events.append("up")


@app.after_serving
async def stop():
    events.append("down")
"""

TESTS = """
import pytest
from models import events


@pytest.mark.parametrize("time", range(2))
async def test_it(async_client, time):
    assert (await async_client.post("/users", json={"name": "Ada"})).status_code == 201
    assert (await async_client.get("/users")).json() == ["Ada"]
    assert events == ["up", "down"] * time + ["up"]
"""


@pytest.mark.parametrize("shop", [STARLETTE, LITESTAR, QUART], ids=["Starlette", "Litestar", "Quart"])
def test_an_application_of_another_framework(empty_project: Project, shop: str) -> None:
    """Its lifespan runs, it really commits, and each test starts at the baseline."""
    empty_project.write(models_py=MODELS, shop_py=shop, test_it_py=TESTS, pytest_ini=INI)
    result = empty_project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert not (empty_project.root / "production.db").exists()
