"""Of what an application's start-up sets it is said which start-up that is, why it did not run, and what to change."""

from __future__ import annotations

import contextlib
import types
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient

from hermetic.client import AsyncTestClient
from hermetic.code import Location
from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from tests.explain.failing import TEST, in_a_loop, said

pool: Any = None


class Manager:
    """What many a project has: an object that its lifespan sets up."""

    def __init__(self) -> None:
        self.engine: object = None

    def connect(self) -> object:
        """Use it."""
        if self.engine is None:
            raise RuntimeError("not initialised")
        return self.engine


manager = Manager()


def prepare(app: FastAPI) -> None:
    """Set what a lifespan leaves to somebody else."""
    app.state.engine = "an engine"


class Cache:
    """What a library has that is set up as a class."""

    backend: object = None

    @classmethod
    def init(cls, backend: object) -> None:
        """Set it up."""
        cls.backend = backend

    @classmethod
    def get(cls) -> object:
        """Use it."""
        assert cls.backend, "You must call init first!"
        return cls.backend


class Settings:
    """What a lifespan only reads."""

    debug = False

    def secret(self) -> str:
        """Fail, whatever the lifespan does."""
        raise LookupError("no secret")


settings = Settings()


class Registry:
    """What a lifespan gives an attribute."""

    names: list[str] | None = None


registry = Registry()
models: dict[str, int] = {}


@asynccontextmanager
async def filling(app: FastAPI) -> AsyncIterator[None]:
    """Fill what the module has."""
    registry.names = ["a"]
    models["answer"] = 42
    models.update(other=7)
    yield


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    """Set everything that can be missing."""
    global pool
    prepare(app)
    pool = "a pool"
    manager.engine = "an engine"
    Cache.init(settings.debug)
    yield {"cache": "a cache"}
    pool = manager.engine = None


def application(**arguments: Any) -> FastAPI:
    """Make an application that needs what its lifespan sets."""
    app = FastAPI(**{"lifespan": lifespan, **arguments})

    @app.get("/engine")
    async def engine(request: Request) -> object:
        return request.app.state.engine

    @app.get("/cache")
    async def cache(request: Request) -> object:
        return request.state.cache

    @app.get("/pool")
    def pooled() -> object:
        return pool.connect()

    @app.get("/manager")
    async def managed() -> object:
        return manager.connect()

    @app.get("/cached")
    async def cached() -> object:
        return Cache.get()

    @app.get("/secret")
    async def secret() -> object:
        return settings.secret()

    @app.get("/other")
    async def other(request: Request) -> object:
        return request.app.state.other

    return app


def around(app: Any) -> AsyncClient:
    """Return a client that runs no lifespan."""
    return AsyncClient(transport=ASGITransport(app=app), base_url="http://test")


async def raised(send: Callable[[], Awaitable[object]]) -> Exception:
    """Return what a request raises."""
    with pytest.raises(Exception) as caught:
        await send()
    return caught.value


def line(function: Callable[..., object], more: int) -> str:
    """Return a line of a function, counted from its definition."""
    code = getattr(function, "__wrapped__", function).__code__
    return f"{code.co_filename}:{code.co_firstlineno + more}"


@in_a_loop
async def test_it_did_not_run(history: History) -> None:
    """Each that is missing: who needs it, the line that would set it, and the client that does not start it."""
    async with around(application()) as client:
        for path, what, sets in (
            ("/engine", "app.state.engine", line(prepare, 2)),
            ("/pool", "pool", line(lifespan, 5)),
            ("/manager", "the Manager", line(lifespan, 6)),
            ("/cached", "Cache", line(lifespan, 7)),
        ):
            text = said(await raised(lambda path=path: client.get(path)), history)  # type: ignore[misc]
            assert f"needs {what}, which lifespan() sets ({sets}); it did not run in this test." in text
            assert "AsyncClient(transport=ASGITransport(app)), which does not run it" in text
            assert "change: async with app.router.lifespan_context(app): ... around the client" in text
            assert "[HM745]" in text


@in_a_loop
async def test_the_client_s_fixture(history: History) -> None:
    """It is named where it is one."""
    fixture = UsedFixture("client", "function", Location("conftest.py", 7, "client"), True)

    async def test(client: AsyncClient) -> None:
        await client.get("/engine")

    async with around(application()) as made:
        error = await raised(lambda: test(made))
    text = "".join(explanations(Failure(TEST, "call", error, fixtures=(fixture,)), history))
    assert "the fixture 'client' (conftest.py:7), which does not run it" in text


def test_other_clients(history: History) -> None:
    """Each has its own way to run it."""
    with pytest.raises(AttributeError) as caught:
        TestClient(application()).get("/engine")
    text = said(caught.value, history)
    assert "The request came from TestClient(app), which does not run it" in text
    assert "change: with TestClient(app) as client: ..." in text


@in_a_loop
async def test_our_own_client(history: History) -> None:
    """It runs no lifespan unless it is entered."""
    text = said(await raised(lambda: AsyncTestClient(application()).get("/engine")), history)
    assert "change: async with AsyncTestClient(app) as client: ..." in text
    async with AsyncTestClient(application()) as client:
        assert (await client.get("/engine")).json() == "an engine"
        assert (await client.get("/cache")).json() == "a cache"


@in_a_loop
async def test_its_state_was_not_passed(history: History) -> None:
    """Whether it runs is told apart."""
    app = application()
    async with around(app) as client:
        text = said(await raised(lambda: client.get("/cache")), history)
        assert f"needs request.state.cache, which lifespan() sets ({line(lifespan, 8)})." in text
        assert "Its state did not reach this request" in text
        async with app.router.lifespan_context(app):
            text = said(await raised(lambda: client.get("/cache")), history)
            assert "It runs, but its state did not reach this request" in text
            assert (
                "change: async with LifespanManager(app) as manager: ... ASGITransport(app=manager.app)"
                in text
            )
            assert "[HM746]" in text
            assert (await client.get("/engine")).json() == "an engine"


@in_a_loop
async def test_a_mounted_application(history: History) -> None:
    """Nobody starts it, be the outer one up or not."""
    mounted, outer = application(), FastAPI()
    outer.mount("/api", mounted)
    async with AsyncTestClient(outer) as client:
        text = said(await raised(lambda: client.get("/api/engine")), history)
    assert "the start-up of a mounted application" in text
    assert "async with mounted.router.lifespan_context(mounted)" in text
    assert "[HM747]" in text

    @asynccontextmanager
    async def entering(app: FastAPI) -> AsyncIterator[None]:
        async with mounted.router.lifespan_context(mounted):
            yield

    whole = FastAPI(lifespan=entering)
    whole.mount("/api", mounted)
    async with AsyncTestClient(whole) as client:
        assert (await client.get("/api/engine")).json() == "an engine"


def handlers(app: FastAPI) -> None:
    """Give an application a handler in place of a lifespan."""

    async def start() -> None:
        app.state.engine = "an engine"

    app.router.on_startup.append(start)


def included(app: FastAPI) -> None:
    """Give it a router that has one."""
    app.include_router(APIRouter(lifespan=lifespan))


@pytest.mark.parametrize("starting", [handlers, included])
def test_other_start_ups(history: History, starting: Callable[[FastAPI], None]) -> None:
    """A handler, or the lifespan of an included router."""
    app = application(lifespan=None)
    starting(app)
    with pytest.raises(AttributeError) as caught:
        TestClient(app).get("/engine")
    assert "needs app.state.engine" in said(caught.value, history)


@pytest.mark.parametrize("is_merged", [False, True])
def test_a_handler_beside_a_lifespan(history: History, is_merged: bool) -> None:
    """It never runs, whoever starts the application; an included router changes nothing about that."""

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[None]:
        yield

    app = application(lifespan=own)
    handlers(app)
    if is_merged:
        app.include_router(APIRouter())
    with TestClient(app) as client, pytest.raises(AttributeError) as caught:
        client.get("/engine")
    text = said(caught.value, history)
    assert "needs app.state.engine, which start() sets" in text
    assert "a handler of the start-up, which never runs, for the application has a lifespan (" in text
    assert "change: do what start() does in the lifespan, before its yield" in text
    assert "[HM809]" in text


class _Library(contextlib.AsyncExitStack):
    """A lifespan that is no function."""

    def __init__(self, app: object) -> None:
        super().__init__()

    async def __aenter__(self) -> Any:
        return None


def test_a_handler_beside_the_lifespan_of_a_library(history: History) -> None:
    """Where that is defined is not told."""

    app = application(lifespan=None)
    handlers(app)
    app.router.lifespan_context = _Library
    with TestClient(app) as client, pytest.raises(AttributeError) as caught:
        client.get("/engine")
    assert "the application has a lifespan, and that runs in place of all handlers" in said(
        caught.value, history
    )


@in_a_loop
async def test_what_no_start_up_sets(history: History) -> None:
    """Nothing is said of an attribute that the lifespan does not set, nor where it runs, nor without one."""
    app = application()
    async with around(app) as client:
        assert said(await raised(lambda: client.get("/other")), history) == ""
        assert said(await raised(lambda: client.get("/secret")), history) == ""
        async with app.router.lifespan_context(app):
            manager.engine = None
            assert said(await raised(lambda: client.get("/manager")), history) == ""
    async with around(application(lifespan=None)) as client:
        assert said(await raised(lambda: client.get("/engine")), history) == ""
        assert said(await raised(lambda: client.get("/pool")), history) == ""
    assert said(AttributeError("'State' object has no attribute 'engine'"), history) == ""


def test_a_module_s_global(history: History) -> None:
    """It is found where another module reads it, too."""
    app = FastAPI(lifespan=lifespan)
    reader = types.ModuleType("reader")
    reader.__dict__["holder"] = __import__("sys").modules[__name__]
    exec(compile("def read():\n    return holder.pool.connect()\n", "reader.py", "exec"), reader.__dict__)
    app.get("/read")(reader.__dict__["read"])
    with pytest.raises(AttributeError) as caught:
        TestClient(app).get("/read")
    assert f"reader.py:2 needs pool, which lifespan() sets ({line(lifespan, 5)})" in said(
        caught.value, history
    )


def test_what_a_module_s_objects_lack(history: History) -> None:
    """An attribute that is None, and the key of a dictionary; not a key that no start-up has."""
    app = FastAPI(lifespan=filling)

    @app.get("/names")
    def names() -> list[str]:
        return sorted(registry.names)  # type: ignore[arg-type]

    @app.get("/models/{name}")
    def model(name: str) -> int:
        return models[name]

    found = {}
    for path in ("/names", "/models/answer", "/models/none"):
        with pytest.raises((TypeError, KeyError)) as raised:
            TestClient(app).get(path)
        found[path] = said(raised.value, history)
    assert "needs registry.names, which filling() sets" in found["/names"]
    assert "needs models['answer'], which filling() sets" in found["/models/answer"]
    assert "change: with TestClient(app) as client: ..." in found["/models/answer"]
    assert "HM745" not in found["/models/none"]
