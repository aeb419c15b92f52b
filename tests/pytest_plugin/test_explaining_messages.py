"""Messages that say enough once the project's line stands beside them, and what is said to change mends it."""

from __future__ import annotations

from tests.pytest_plugin.project import APP, Project
from tests.pytest_plugin.saying import all_pass, ini, said
from tests.pytest_plugin.test_explaining_runner import STRICT

SYNC = APP.replace("sqlite+aiosqlite:///./production.db", "sqlite:///./production.db")
TEST = "async def test_it(async_client):\n    assert (await async_client.get('/users')).json() == []\n"


def test_a_synchronous_driver_in_a_conftest(project: Project) -> None:
    """pytest ends such a run with the error of the conftest alone: it is explained there."""
    project.write(shop_py=SYNC, conftest_py="import shop\n", test_a_py=TEST)
    result = project.pytest()
    said(
        result,
        "ImportError while loading conftest",
        f"{project.root}/shop.py:10 makes an async engine for sqlite:///./production.db, whose driver pysqlite is",
        "change: sqlite+aiosqlite://..., instead of sqlite://...",
        "[HM721]",
        status=4,
    )
    project.change("shop.py", "sqlite:///", "sqlite+aiosqlite:///")
    all_pass(project, 1)


def test_a_synchronous_driver_in_a_variable(project: Project) -> None:
    """The variable is named; the import of a test module, and of the application, are explained alike."""
    project.environment["SHOP_URL"] = "postgresql+psycopg2://shop:geheim@db.example/shop?password=geheim"
    project.write(
        shop_py="import os\n"
        + APP.replace('"sqlite+aiosqlite:///./production.db"', 'os.environ["SHOP_URL"]'),
        test_a_py="import shop\n",
        test_b_py=TEST,
    )
    for file in ("test_a.py", "test_b.py"):
        result = project.pytest(file)
        said(
            result,
            "makes an async engine for postgresql+psycopg2://shop:***@db.example/shop (the variable SHOP_URL), whose",
            "change: SHOP_URL=postgresql+asyncpg://..., instead of postgresql+psycopg2://...",
            status=2 if file == "test_a.py" else 1,
        )
        assert "geheim" not in result.output


def test_create_all_on_what_is_async(project: Project) -> None:
    """An AsyncEngine, an AsyncConnection and the engine inside: the call, its line, and what runs it."""
    project.write(
        test_a_py="""
        import pytest
        from shop import Base as Model, engine

        @pytest.fixture
        def tables():
            Model.metadata.create_all(bind=engine)

        @pytest.fixture
        async def connected():
            async with engine.begin() as connection:
                Model.metadata.drop_all(connection)

        def test_engine(tables):
            pass

        async def test_connection(connected):
            pass

        async def test_inside():
            Model.metadata.create_all(engine.sync_engine)
        """
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        f"{root}/test_a.py:6 calls create_all, which is synchronous, on an AsyncEngine. [HM722]",
        f"change: {root}/test_a.py:6: async with engine.begin() as connection: "
        "await connection.run_sync(Model.metadata.create_all)",
        f"{root}/test_a.py:11 calls drop_all, which is synchronous, on an AsyncConnection. [HM722]",
        f"{root}/test_a.py:20 calls create_all, which is synchronous, on the Engine of an async engine. [HM722]",
    )
    assert result.output.count("[HM722]") == 3
    awaited = "async with engine.begin() as connection: await connection.run_sync(Model.metadata.create_all)"
    project.change("test_a.py", "def tables", "async def tables")
    project.change("test_a.py", "Model.metadata.create_all(bind=engine)", awaited)
    project.change("test_a.py", "Model.metadata.create_all(engine.sync_engine)", awaited)
    project.change("test_a.py", "def test_engine", "async def test_engine")
    project.change("test_a.py", "        Model.metadata.drop_all(connection)", "        pass")
    all_pass(project, 3)


def test_a_loop_inside_a_loop(project: Project) -> None:
    """The line, what it starts there, and what to await, be it in the test or in a helper that is not async."""
    project.write(
        test_a_py="""
        import asyncio

        async def answer():
            return 42

        def helper():
            return asyncio.run(answer())

        async def test_itself():
            assert asyncio.run(answer()) == 42

        async def test_helper():
            assert helper() == 42

        async def test_loop():
            assert asyncio.get_event_loop().run_until_complete(answer()) == 42
        """
    )
    project.write(pytest_ini=ini("filterwarnings =", "    ignore:coroutine 'answer' was never awaited"))
    result = project.pytest()
    at = f"{project.root}/test_a.py"
    said(
        result,
        f"{at}:10 starts asyncio.run(...) while an event loop runs: test_itself is in one ({at}:10). [HM724]",
        f"change: {at}:10: await answer()\n",
        f"change: {at}:7: await answer(), in an async def helper, which its caller awaits",
        f"{at}:16 starts asyncio.get_event_loop().run_until_complete(...) while an event loop runs",
    )
    assert result.output.count("[HM724]") == 3
    project.change("test_a.py", "asyncio.get_event_loop().run_until_complete(answer())", "await answer()")
    project.change("test_a.py", "asyncio.run(answer())", "await answer()")
    project.change("test_a.py", "def helper", "async def helper")
    project.change("test_a.py", "assert helper()", "assert await helper()")
    project.change("test_a.py", "assert await answer()", "assert (await answer())")
    all_pass(project, 3)


def test_a_fixture_that_is_asked_for_in_a_loop(project: Project) -> None:
    """By the test or by a helper of the project's, with either plugin: the fixture, and where it is asked for."""
    project.write(
        test_a_py="""
        import pytest

        @pytest.fixture
        async def number():
            return 1

        @pytest.fixture
        def plain():
            return 2

        async def test_it(request):
            assert request.getfixturevalue("number") == 1

        async def test_near_miss(request):
            assert request.getfixturevalue("plain") == 2
        """,
        test_b_py="""
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        async def number():
            return 1

        @pytest.mark.anyio
        async def test_it(request):
            assert request.getfixturevalue("number") == 1
        """,
    )
    unawaited = ("-W", "ignore::pytest.PytestUnraisableExceptionWarning")
    result = project.pytest("test_a.py", *unawaited)
    said(
        result,
        f"{project.root}/test_a.py:12 calls getfixturevalue('number'), an async fixture, while test_a.py::test_it runs",
        f"change: {project.root}/test_a.py:12: number, as an argument of test_it",
    )
    assert result.outcomes() == {"failed": 1, "passed": 1}
    project.plugins = ("hermetic", "anyio")
    project.write(pytest_ini=STRICT)
    other = project.pytest("test_b.py", *unawaited)
    said(other, f"{project.root}/test_b.py:13 calls getfixturevalue('number')", "[HM725]")
    for name in ("test_a.py", "test_b.py"):
        project.change(name, "test_it(request)", "test_it(request, number)")
        project.change(name, 'request.getfixturevalue("number")', "number")
    assert project.pytest("test_b.py").outcomes() == {"passed": 1}


def test_a_synchronous_driver_that_is_not_installed(project: Project) -> None:
    """What lacks is a driver that would not do either; a lacking async one is what its message says."""
    project.write(
        test_a_py="""
        import sys

        import pytest
        from sqlalchemy.ext.asyncio import create_async_engine

        def test_synchronous(monkeypatch):
            monkeypatch.setitem(sys.modules, "psycopg2", None)
            create_async_engine("postgresql+psycopg2://shop:geheim@db.example/shop")

        def test_async(monkeypatch):
            monkeypatch.setitem(sys.modules, "asyncpg", None)
            create_async_engine("postgresql+asyncpg://shop:geheim@db.example/shop")

        def test_client():
            import httpx

            httpx.Client(app=object())

        async def test_base_url(hermetic_app):
            import httpx

            async with httpx.AsyncClient(transport=httpx.ASGITransport(hermetic_app)) as client:
                await client.get("/users")
        """
    )
    result = project.pytest()
    at = f"{project.root}/test_a.py"
    said(
        result,
        f"{at}:8 makes an async engine for postgresql+psycopg2://shop:***@db.example/shop, whose driver psycopg2 is "
        "synchronous, and not installed. [HM721]",
        "change: postgresql+asyncpg://..., instead of postgresql+psycopg2://...",
        f"{at}:17 makes Client(app=...), which httpx 0.28 and later do not have. [HM720]",
        "change: TestClient(app), of fastapi.testclient",
        f"{at}:23 sends a request to a path, by a client that has no base_url. [HM726]",
        'change: AsyncClient(..., base_url="http://test")',
    )
    assert result.output.count("why this failed") == 3, result.output
