"""A request that ends without a commit, in a session that was handed to it, fails its test; a healthy one does not."""

from __future__ import annotations

import re

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini

ORDERS = """
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy import create_engine

engine = create_async_engine("sqlite+aiosqlite:///orders.db")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)
sync_engine = create_engine("sqlite:///orders.db")
SyncSession = sessionmaker(sync_engine)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


async def get_db():
    async with SessionLocal() as session:
        yield session


def get_sync_db():
    with SyncSession() as session:
        yield session


class UnitOfWork:
    async def __aenter__(self):
        self.session = SessionLocal()
        return self.session

    async def __aexit__(self, kind, *_):
        if kind is None:
            await self.session.commit()
        await self.session.close()


async def get_committing():
    async with UnitOfWork() as session:
        yield session


app = FastAPI()
Db = Annotated[AsyncSession, Depends(get_db)]


async def save(db, name):
    db.add(Order(name=name))
    await db.flush()


@app.post("/flushed")
async def flushed(db: Db):
    await save(db, "a")


router = APIRouter(prefix="/routed")


@router.post("/flushed")
async def routed(db: Db):
    await save(db, "a")


outer = APIRouter()
outer.include_router(router)
app.include_router(outer)
api = FastAPI()
api.mount("/api", app)


@app.post("/added")
async def added(db: Db):
    db.add(Order(name="a"))


@app.post("/inserted")
async def inserted(db: Db):
    await db.execute(insert(Order).values(name="a"))


@app.post("/by-text")
async def by_text(db: Db):
    await db.execute(text("insert into orders (name) values ('a')"))


@app.post("/nested")
async def nested(db: Db):
    async with db.begin_nested():
        db.add(Order(name="a"))


@app.post("/renamed/{name}")
async def renamed(name: str, db: Db):
    await db.execute(update(Order).where(Order.name == name).values(name="b"))


@app.post("/deleted")
async def deleted(db: Db):
    await db.delete((await db.scalars(select(Order))).first())


@app.post("/sync")
def sync(db: Annotated[Session, Depends(get_sync_db)]):
    db.add(Order(name="a"))
    db.flush()


@app.post("/committing")
async def committing(db: Annotated[AsyncSession, Depends(get_committing)]):
    await save(db, "a")


@app.post("/committed")
async def committed(db: Db):
    async with db.begin_nested():
        await save(db, "a")
    await db.commit()


@app.post("/refused")
async def refused(db: Db):
    await save(db, "a")
    raise HTTPException(409)


@app.post("/later")
async def later(db: Db, tasks: BackgroundTasks):
    await save(db, "a")
    tasks.add_task(db.commit)


@app.get("/orders")
async def orders(db: Db):
    return (await db.scalars(select(Order.name))).all()


@app.get("/masked")
async def masked(db: Db):
    order = (await db.scalars(select(Order))).one()
    order.name = "***"
    return order.name
"""

CONFTEST = """
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from orders import Order, SessionLocal, SyncSession, app, engine, get_committing, get_db, get_sync_db


@pytest.fixture
async def session():
    async with SessionLocal() as session:
        yield session


@pytest.fixture
async def nested():
    async with engine.connect() as connection:
        await connection.begin()
        async with AsyncSession(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            yield session


@pytest.fixture
def sync_session():
    with SyncSession() as session:
        yield session


@pytest.fixture
def hand():
    yield app.dependency_overrides.__setitem__
    app.dependency_overrides.clear()


@pytest.fixture
async def client(session, hand):
    hand(get_db, lambda: session)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orders") as client:
        yield client
"""

FAULTY = """
import httpx
import pytest
from orders import Order, api, app, get_db, get_sync_db
from starlette.testclient import TestClient


@pytest.mark.parametrize("path", ["flushed", "added", "inserted", "by-text", "nested", "routed/flushed"])
async def test_lost(client, path):
    assert (await client.post(f"/{path}")).status_code == 200
    assert (await client.get("/orders")).json() == ["a"]


@pytest.mark.parametrize("path", ["renamed/a", "deleted"])
async def test_change(client, session, path):
    session.add(Order(name="a"))
    await session.commit()
    assert (await client.post(f"/{path}")).status_code == 200
    assert (await client.get("/orders")).json() in ([], ["b"])


async def test_savepoint(client, nested, hand):
    async def handed():
        yield nested

    hand(get_db, handed)
    await client.post("/flushed")


async def test_held_by_an_object(client, session, hand):
    class Handing:
        def __call__(self):
            return kept.pop()

    kept = [session]
    hand(get_db, Handing())
    await client.post("/flushed")


async def test_mounted(client):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://api") as client:
        await client.post("/api/flushed")


def test_sync(sync_session, hand):
    def handed():
        yield sync_session

    hand(get_sync_db, handed)
    TestClient(app).post("/sync")


async def test_own_client(async_client, async_db_session):
    with async_client.override(get_db, lambda: async_db_session):
        await async_client.post("/flushed")
"""

HEALTHY = """
import pytest
from orders import Order, app, get_committing, get_db


@pytest.mark.parametrize("path", ["committed", "later", "renamed/a", "refused"])
async def test_healthy(client, path):
    await client.post(f"/{path}")


async def test_dependency_that_commits(client, session, hand):
    hand(get_committing, lambda: session)
    await client.post("/committing")


async def test_override_that_commits(client, session, hand):
    async def handed():
        yield session
        await session.commit()

    hand(get_db, handed)
    await client.post("/flushed")


async def test_own_rows(client, session):
    session.add(Order(name="added"))
    assert (await client.get("/orders")).json() == ["added"]
    session.add(Order(name="flushed"))
    await session.flush()
    assert (await client.get("/orders")).json() == ["added", "flushed"]


async def test_commit_that_is_a_flush(client, session, monkeypatch):
    monkeypatch.setattr(session, "commit", session.flush)
    await client.post("/committed")


async def test_commit_of_the_class_that_is_a_flush(client, session, monkeypatch):
    async def flush(self):
        await self.flush()

    monkeypatch.setattr(type(session), "commit", flush)
    await client.post("/committed")


async def test_changed_for_the_answer(client, session):
    await client.post("/committed")
    assert (await client.get("/masked")).json() == "***"


async def test_own_session_for_each_request(async_client):
    await async_client.post("/flushed")
    assert (await async_client.get("/orders")).json() == []


@pytest.mark.hermetic(uncommitted="off")
async def test_marked(client):
    await client.post("/flushed")
"""


def line_of(text: str) -> int:
    """Return the line of the application that has a text."""
    return ORDERS.lstrip().partition(text)[0].count("\n") + 1


def written(project: Project, **files: str) -> Project:
    """Write the project with some tests."""
    project.write_path("orders.py", ORDERS)
    settings = ini().replace("shop:app", "orders:app")
    return project.write(conftest_py=CONFTEST, pytest_ini=settings, **files)


def test_what_is_not_committed_fails_its_test(project: Project) -> None:
    """However it is written, and however the session is handed over; the endpoint and its line are named."""
    result = written(project, test_faulty_py=FAULTY).pytest()
    assert result.outcomes() == {"passed": 13, "errors": 13}, result.output
    told = re.findall(
        r"^request (?:GET|POST) (\S+) of .* ended without a commit\. \[HM733\]$", result.output, re.M
    )
    assert [each.strip("/").partition("/")[0] for each in told] == [
        *("flushed", "added", "inserted", "by-text", "nested", "routed", "renamed", "deleted"),
        *("flushed", "flushed", "api", "sync", "flushed"),
    ]
    at, endpoint = line_of("await db.flush()"), line_of('@app.post("/flushed")')
    assert f"orders.py:{at} wrote (INSERT orders) in a session of fixture 'session'" in result.output
    assert re.search(
        r"the override of orders.get_db \(.*conftest.py:\d+\) hands to each request", result.output
    )
    assert "changed objects that nobody has flushed (Order)" in result.output
    assert re.search(rf"await session.commit\(\) in flushed\(\) \(.*orders.py:{endpoint}\)", result.output)


def test_a_healthy_suite_sees_nothing(project: Project) -> None:
    """Nor one whose mark or setting says that it is meant."""
    result = written(project, test_healthy_py=HEALTHY).pytest()
    assert result.outcomes() == {"passed": 12}, result.output
    result = written(project, test_faulty_py=FAULTY).pytest("test_faulty.py", "--hermetic-uncommitted=off")
    assert result.outcomes() == {"passed": 13}, result.output


HOOKED = """
from sqlalchemy import Connection
from sqlalchemy.event import registry
from sqlalchemy.orm import Session

ENDS = {(id(Session), "after_commit"), (id(Session), "after_soft_rollback")}
ITS_OWN = {name for name, method in vars(Connection).items() if isinstance(method, classmethod)}


def hooks():
    registered = {name for target, name, _ in registry._key_to_collection if (target, name) in ENDS}
    wrapped = {name for name, method in vars(Connection).items() if hasattr(method, "__wrapped__")}
    return {*registered, *wrapped} - ITS_OWN


async def test_before(async_client):
    await async_client.post("/committed")
    print("BEFORE", hooks() or "NONE")


async def test_handed_over(client):
    print("BEGUN", hooks() or "NONE")
    await client.post("/committed")
    print("HANDED OVER", sorted(hooks()))


async def test_again(client):
    await client.post("/committed")
    print("AGAIN", sorted(hooks()))


async def test_after(async_client):
    await async_client.post("/committed")
    print("AFTER", sorted(hooks()))


def test_later():
    print("LATER", hooks() or "NONE")
"""


def test_sqlalchemy_is_hooked_only_for_requests_that_are_handed_a_session(project: Project) -> None:
    """Without the recorder nothing of SQLAlchemy is replaced or listened to before, nor once no test needs it."""
    hooked = "['_commit_impl', '_exec_insertmany_context', '_exec_single_context', '_rollback_impl', "
    hooked += "'after_commit', 'after_soft_rollback']"
    result = written(project, test_hooked_py=HOOKED).pytest("-s", "--hermetic-failures=off")
    assert result.outcomes() == {"passed": 5}, result.output
    told = dict(re.findall(r"(BEFORE|BEGUN|HANDED OVER|AGAIN|AFTER|LATER) (.*)$", result.output, re.M))
    assert told == {
        "BEFORE": "NONE",
        "BEGUN": "NONE",
        "HANDED OVER": hooked,
        "AGAIN": hooked,
        "AFTER": hooked,
        "LATER": "NONE",
    }
    result = written(project, test_hooked_py=HOOKED).pytest("-s")
    assert result.outcomes() == {"passed": 5} and "NONE" not in result.output
