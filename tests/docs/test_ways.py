"""The ways that ARCHITECTURE draws are those that are gone: its files are passed, in its order, and no others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from hermetic import AsyncTestClient
from hermetic.database.backends.postgresql.server import launch, new_instance
from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.owners import Owner
from hermetic.run import NEVER, Run
from hermetic.settings import GUARDS, Settings
from tests.docs.test_architecture import PAGE
from tests.docs.ways import HEARING, HELPERS, Entries, Entry, files_in, in_any_backend, named, noted, passed
from tests.importing import importable

TEST = Owner("a test", "test", "function")

APP = """
from fastapi import FastAPI
from sqlalchemy import MetaData, Table, Column, Integer, func, select
from sqlalchemy.ext.asyncio import create_async_engine

metadata = MetaData()
users = Table("users", metadata, Column("id", Integer, primary_key=True))
engine = create_async_engine("{url}")
app = FastAPI()


async def query():
    async with engine.connect() as connection:
        return await connection.scalar(select(func.count()).select_from(users))
"""

URLS = {
    "sqlite": "sqlite+aiosqlite:///users.db",
    "postgresql": "postgresql+asyncpg://someone@somewhere/users",
}

BOOT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from launcher.main import main
out = open({out!r}, "a", buffering=1)
def path(frame):
    name = frame.f_code.co_filename
    return name[name.index("database/"):] if name.startswith(sys.argv[1]) else ""
def note(frame, event, argument):
    if event == "call" and path(frame):
        above = frame.f_back
        caller = (path(above), above.f_code.co_firstlineno) if above and path(above) else ({launch!r}, 0)
        print(json.dumps([path(frame), frame.f_code.co_firstlineno, *caller]), file=out)
sys.setprofile(note)
main(sys.argv[2])
"""
"""Starts the launcher as ``launch.py`` does, and notes what runs there."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Instance]:
    """A server for one test."""
    made = new_instance("embedded", project=tmp_path)
    yield made
    made.stop()


def queries(folder: Path, name: str, settings: Mapping[str, Any]) -> dict[str, Entries]:
    """Return what runs for the first query of an application, in a test of a run, and for the third."""
    (folder / f"{name}.py").write_text(APP.format(url=URLS[settings["database"]]), encoding="utf-8")
    run = Run(
        Settings(mode="on", app=f"{name}:app", schema=(f"{name}:metadata",), **settings),
        root=folder,
        temporary=(),
    )
    run.start()
    found: dict[str, Entries] = {}

    async def both(query: Callable[[], Awaitable[int]]) -> None:
        with noted() as found["first"]:
            assert await query() == 0
        await query()
        with noted() as found["warm"]:
            await query()

    try:
        run.provider.application()
        run.begin_test(NEVER, TEST, dict.fromkeys(GUARDS, "off"))  # they look at a slow test now and then
        asyncio.run(both(import_module(name).query))
    finally:
        run.stop()
    return found


@pytest.mark.parametrize("database", URLS)
def test_a_query(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The first one of a run, and one later; the first time what each needs is imported."""
    settings = {"database": database}
    if database == "postgresql":
        instance: Instance = request.getfixturevalue("server")
        instance.start()
        settings["postgresql"] = instance.url("postgres", instance.administrator).render_as_string()
    with importable(tmp_path, monkeypatch):
        queries(tmp_path, f"{database}_imports", settings)
        found = queries(tmp_path, f"{database}_noted", settings)
    assert passed(found["first"]) == named("A first query")
    assert passed(found["warm"]) == named("A later one")


def test_a_request() -> None:
    """To an application that answers, and whose answer is read at once."""
    app = FastAPI()

    @app.get("/")
    async def index() -> str:
        return "hello"

    async def ask() -> Entries:
        client = AsyncTestClient(app)
        await client.get("/")
        with noted() as entries:
            response = await client.get("/")
        assert response.json() == "hello"
        return entries

    assert passed(asyncio.run(ask())) == named("A request")


def test_a_server_s_start(server: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the setting to the server's first word; in the process of the launcher, too."""
    server.start()  # what is needed is imported
    out = tmp_path / "passed.jsonl"
    file = "database/backends/postgresql/server/launch.py"
    monkeypatch.setattr(launch, "BOOT", BOOT.format(out=str(out), launch=file))
    with noted() as entries:
        made = new_instance("embedded", project=tmp_path)
        made.start()
    made.stop()
    in_launcher = [Entry(*json.loads(line)) for line in out.read_text(encoding="utf-8").splitlines()]
    assert passed([*entries, *in_launcher], inside_a_backend=True) == named("A server's start")


def test_what_is_left_out_is_said() -> None:
    """A reader is told which files are not counted."""
    (paragraph,) = [each for each in PAGE.split("\n\n") if "*ground*" in each]
    assert set(files_in(paragraph)) == {in_any_backend(file) for file in (*HELPERS, *HEARING)}
