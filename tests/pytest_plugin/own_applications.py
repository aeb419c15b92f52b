"""A suite that builds its applications itself: a new one in each test, by a factory, with two databases."""

from __future__ import annotations

from dataclasses import dataclass

from tests.pytest_plugin.project import Project

FACTORY = """
import os
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import Column, Integer, MetaData, String, Table, func, select
from sqlalchemy.ext.asyncio import create_async_engine

jobs_metadata = MetaData()
jobs = Table("entries", jobs_metadata, Column("id", Integer, primary_key=True), Column("job", String(20)))
auth_metadata = MetaData()
auth = Table("entries", auth_metadata, Column("id", Integer, primary_key=True), Column("token", String(20)))
calls = []


def build(urls) -> FastAPI:
    engines = {{name: create_async_engine(url) for name, url in urls.items()}}

    @asynccontextmanager
    async def lifespan(app):
        for name, metadata in (("jobs", jobs_metadata), ("auth", auth_metadata)):
            async with engines[name].begin() as connection:
                await connection.run_sync(metadata.create_all)
        yield
        for engine in engines.values():
            await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def add(engine, table, **values) -> int:
        async with engine.begin() as connection:
            await connection.execute(table.insert().values(**values))
            return (await connection.execute(select(func.count()).select_from(table))).scalar_one()

    @app.post("/jobs")
    async def add_job() -> int:
        return await add(engines["jobs"], jobs, job="x")

    @app.post("/tokens")
    async def add_token() -> int:
        return await add(engines["auth"], auth, token="x")

    return app


{factory}
"""

ARGUMENTS = """
def create_app(urls):
    calls.append("create_app")
    return build(urls)
"""

ENVIRONMENT = """
def create_app():
    calls.append("create_app")
    return build({name: os.environ[f"{name.upper()}_URL"] for name in ("jobs", "auth")})
"""

CONFTEST = """
import asyncio

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import create_async_engine

import shop

URLS = {{"jobs": "{jobs}", "auth": "{auth}"}}
made = []


def make():
    made.append("create_app")
    return shop.create_app({arguments})


@pytest.fixture(scope="session", autouse=True)
def called_by_the_suite_alone():
    yield
    assert len(shop.calls) == len(made)


@pytest.fixture(scope="module")
def urls():
    with pytest.MonkeyPatch.context() as patch:
        for name, url in URLS.items():
            patch.setenv(f"{{name.upper()}}_URL", url)
        yield


@pytest.fixture
def app(urls):
    return make()


@pytest.fixture(scope="module")
def row():
    async def write():
        engine = create_async_engine(URLS["jobs"])
        async with engine.begin() as connection:
            await connection.run_sync(shop.jobs_metadata.create_all)
            await connection.execute(shop.jobs.insert().values(job="of a fixture"))
        await engine.dispose()

    asyncio.run(write())


@pytest.fixture(scope="module")
def client(urls):
    with TestClient(make()) as client:
        client.post("/jobs")
        yield client
"""

TESTS = {
    "test_a_row.py": """
from fastapi.testclient import TestClient


def test_a_row_of_a_wide_fixture_with_an_engine_of_its_own(row, app):
    with TestClient(app) as client:
        assert client.post("/jobs").json() == 2


def test_again(row, app):
    test_a_row_of_a_wide_fixture_with_an_engine_of_its_own(row, app)
""",
    "test_b_each.py": """
import pytest
from fastapi.testclient import TestClient
from hermetic.client import AsyncTestClient


@pytest.mark.parametrize("time", range(2))
def test_sync(app, time):
    with TestClient(app) as client:
        assert [client.post("/jobs").json() for _ in range(2)] == [1, 2]
        assert client.post("/tokens").json() == 1


@pytest.mark.parametrize("time", range(2))
async def test_async(app, time):
    async with AsyncTestClient(app) as client:
        assert [(await client.post("/jobs")).json() for _ in range(2)] == [1, 2]
        assert (await client.post("/tokens")).json() == 1
""",
    "test_c_wide.py": """
import pytest


@pytest.mark.parametrize("time", range(2))
def test_an_application_of_the_module(client, time):
    assert client.post("/jobs").json() == 2
    assert client.post("/tokens").json() == 1
""",
    "test_d_each.py": """
from test_b_each import *  # what the module before has written is gone
""",
}
"""A module each, which any worker may run alone."""

OURS = """
import pytest
import shop
from conftest import made


@pytest.mark.parametrize("name", ["async_client", "live_server", "hermetic_app"])
def test_what_a_fixture_of_ours_says(request, name):
    before = len(shop.calls)
    with pytest.raises(pytest.fail.Exception, match={message!r}):
        request.getfixturevalue(name)
    made.extend(shop.calls[before:])
    assert len(shop.calls) - before <= 1
"""

INI = """
[pytest]
hermetic = on
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = {scope}
asyncio_default_test_loop_scope = {scope}
{lines}
"""


@dataclass(frozen=True)
class Kind:
    """Why hermetic cannot make the application.

    Attributes:
        factory: What the suite calls.
        arguments: With what.
        line: What ``pytest.ini`` says of the application.
        message: What a fixture of ours says.
    """

    factory: str
    arguments: str
    line: str
    message: str


KINDS = {
    "arguments": Kind(ARGUMENTS, "URLS", "hermetic_app = shop:create_app", "the factory takes urls"),
    "environment": Kind(ENVIRONMENT, "", "hermetic_app = shop:create_app", "KeyError: 'JOBS_URL'"),
    "import": Kind(ARGUMENTS, "URLS", "hermetic_app = broken:app", "importing broken raised ValueError"),
    "none": Kind(ARGUMENTS, "URLS", "", "No application is configured"),
}


def write_suite(project: Project, kind: Kind, url: str, scope: str, *lines: str) -> None:
    """Write the application and its suite.

    Args:
        project: Where.
        kind: How the suite makes its applications.
        url: Of a database, with a place for its name.
        scope: Of all event loops.
        lines: More for ``pytest.ini``.
    """
    databases = {"jobs": url.format("jobs"), "auth": url.format("auth")}
    files = {
        "pytest.ini": INI.format(scope=scope, lines="\n".join([kind.line, *lines])),
        "shop.py": FACTORY.format(factory=kind.factory),
        "broken.py": "raise ValueError('broken')",
        "conftest.py": CONFTEST.format(arguments=kind.arguments, **databases),
        "test_ours.py": OURS.format(message=kind.message),
        **TESTS,
    }
    if "memory" in url:  # an engine of a test's own is on another database there
        del files["test_a_row.py"]
    for name, text in files.items():
        project.write_path(name, text)


START_UPS = """
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import Column, MetaData, String, Table, inspect, select
from sqlalchemy.ext.asyncio import create_async_engine

found = []


def build(settings):
    metadata = MetaData()
    notes = Table("notes", metadata, Column("text", String(20)))
    engine = create_async_engine("{url}")

    @asynccontextmanager
    async def lifespan(app):
        async with engine.begin() as connection:
            found.append(await connection.run_sync(lambda sync: inspect(sync).has_table("notes")))
            await connection.run_sync(metadata.create_all)
            for text in settings:
                await connection.execute(notes.insert().values(text=text))
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/notes")
    async def read():
        async with engine.connect() as connection:
            return list((await connection.execute(select(notes.c.text))).scalars())

    @app.post("/notes")
    async def write():
        async with engine.begin() as connection:
            await connection.execute(notes.insert().values(text="written"))

    return app
"""

START_UP_TESTS = """
import pytest
from fastapi.testclient import TestClient

import shop


@pytest.mark.parametrize(
    ("settings", "is_made"),
    [(["Ada"], False), (["Grace"], False), ([], False), ([], True), (["Ada"], True), ([], True)],
)
def test_it(settings, is_made):
    with TestClient(shop.build(settings)) as client:
        client.post("/notes")
        assert client.get("/notes").json() == [*settings, "written"]
    assert shop.found[-1] == is_made
"""
"""The tables of the first start-up that writes no rows are there for the next."""


def write_start_ups(project: Project, url: str) -> None:
    """Write a suite whose applications make their tables, and sometimes rows, when they are started."""
    project.write_path(
        "pytest.ini",
        INI.format(scope="session", lines="hermetic_app = shop:build\nhermetic_schema = lifespan"),
    )
    project.write_path("shop.py", START_UPS.format(url=url))
    project.write_path("test_it.py", START_UP_TESTS)


OBJECT = """
app = build({{"jobs": "{jobs}", "auth": "{auth}"}})
"""

SEEDS = """
import shop


def job(session):
    session.execute(shop.jobs.insert().values(job="first"))


def token(session):
    session.execute(shop.auth.insert().values(token="first"))
"""

SEVERAL = """
import asyncio

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine

import shop


def test_an_engine_of_a_tests_own():
    async def count():
        engine = create_async_engine("{auth}")
        async with engine.connect() as connection:
            found = (await connection.execute(select(func.count()).select_from(shop.auth))).scalar_one()
        await engine.dispose()
        return found

    assert asyncio.run(count()) == 1


@pytest.mark.parametrize("time", range(2))
def test_without_a_start_up(time):
    client = TestClient(shop.app)
    assert [client.post(path).json() for path in ("/jobs", "/tokens", "/tokens")] == [2, 2, 3]
"""


def write_several(project: Project, url: str) -> None:
    """Write an application with two databases, whose tables and first rows the settings name."""
    databases = {"jobs": url.format("jobs"), "auth": url.format("auth")}
    schema = [f"    shop:{name}_metadata -> {url}" for name, url in databases.items()]
    seeds = [
        f"    seeds:{seed} -> {url}" for seed, url in zip(("job", "token"), databases.values(), strict=True)
    ]
    lines = "\n".join(["hermetic_app = shop:app", "hermetic_schema =", *schema, "hermetic_seed =", *seeds])
    project.write_path("pytest.ini", INI.format(scope="session", lines=lines))
    project.write_path("shop.py", FACTORY.format(factory=OBJECT.format(**databases)))
    project.write_path("seeds.py", SEEDS)
    project.write_path("test_several.py", SEVERAL.format(**databases))


FAILING = """
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("{url}")


async def make_tables():
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE notes (text VARCHAR(20))"))
        await connection.execute(text("INSERT INTO notes VALUES ('first')"))


@asynccontextmanager
async def lifespan(app):
    await make_tables()
    raise ConnectionError("no cache")
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/notes")
async def read():
    async with engine.connect() as connection:
        return list((await connection.execute(text("SELECT text FROM notes"))).scalars())
"""

FAILING_TESTS = """
import pytest
from fastapi.testclient import TestClient
from shop import app, make_tables


@pytest.fixture
async def tables():
    await make_tables()


@pytest.mark.parametrize("time", range(2))
def test_it_makes_them_itself(tables, time):
    assert TestClient(app).get("/notes").json() == ["first"]


def test_nobody_does():
    TestClient(app).get("/notes")
"""


def write_failing(project: Project, url: str) -> None:
    """Write an application whose start-up makes its tables and then fails, and a suite that never starts it."""
    lines = "hermetic_app = shop:app\nhermetic_schema = lifespan"
    project.write_path("pytest.ini", INI.format(scope="session", lines=lines))
    project.write_path("shop.py", FAILING.format(url=url))
    project.write_path("test_it.py", FAILING_TESTS)


MANAGER = """
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


class Manager:
    engine = None

    def open(self):
        self.engine = create_async_engine("{url}")
        self.session = async_sessionmaker(self.engine)

    async def close(self):
        await self.engine.dispose()
        self.engine = self.session = None


manager = Manager()


def create_app():
    manager.open()

    @asynccontextmanager
    async def lifespan(app):
        async with manager.engine.begin() as connection:
            await connection.execute(text("CREATE TABLE IF NOT EXISTS notes (text VARCHAR(20))"))
        yield
        await manager.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/notes")
    async def write() -> int:
        async with manager.session() as session:
            await session.execute(text("INSERT INTO notes VALUES ('written')"))
            await session.commit()
            return await session.scalar(text("SELECT count(*) FROM notes"))

    return app
"""

OVERRIDDEN = """
import urllib.request

import pytest
from fastapi.testclient import TestClient
from shop import create_app
from sqlalchemy import text


@pytest.fixture
def hermetic_app():
    return create_app()


@pytest.mark.parametrize("time", range(2))
async def test_session_first(async_db_session, async_client, time):
    assert (await async_client.post("/notes")).json() == 1
    assert await async_db_session.scalar(text("SELECT count(*) FROM notes")) == 1


@pytest.mark.parametrize("time", range(2))
async def test_client(async_client, time):
    assert [(await async_client.post("/notes")).json() for _ in range(2)] == [1, 2]


def test_server(live_server):
    request = urllib.request.Request(live_server.url + "/notes", method="POST")
    with urllib.request.urlopen(request) as response:
        assert response.read() == b"1"


@pytest.mark.parametrize("time", range(2))
def test_its_own(hermetic_app, time):
    with TestClient(hermetic_app) as client:
        assert client.post("/notes").json() == 1
"""


def write_overridden(project: Project, url: str, scope: str) -> None:
    """Write a suite whose ``hermetic_app`` makes applications that can be started once, one for each test.

    The factory opens what the shutdown closes: a second application beside one would close it.
    """
    lines = "hermetic_app = shop:create_app\nhermetic_schema = lifespan"
    project.write_path("pytest.ini", INI.format(scope=scope, lines=lines))
    project.write_path("shop.py", MANAGER.format(url=url))
    project.write_path("test_it.py", OVERRIDDEN)
