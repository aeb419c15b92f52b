"""A connection of another event loop: its fixture, its lines, the loops' scopes, and a change that mends it."""

from __future__ import annotations

from tests.pytest_plugin.project import Project, Result
from tests.pytest_plugin.saying import WHY, all_pass

AUTO = """
[pytest]
hermetic_app = shop:app
pythonpath = .
asyncio_mode = auto
"""

CONFTEST = """
import pytest
from httpx2 import ASGITransport, AsyncClient
from shop import SessionLocal, app, engine, get_session

@pytest.fixture
async def session():
    async with SessionLocal() as session:
        await session.connection()
        yield session

@pytest.fixture
async def client(session):
    app.dependency_overrides[get_session] = lambda: session
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as client:
        yield client
    del app.dependency_overrides[get_session]
"""


def said(result: Result, *texts: str) -> None:
    """The run failed and said all this; what asyncio says of the test's task names hermetic's own line."""
    assert result.status == 1, result.output
    for text in texts:
        assert text in result.output, f"{text!r} is not in:\n{result.output}"


def test_fixtures_in_one_loop_and_tests_in_another(project: Project) -> None:
    """By the ini file, by a fixture's argument and by a fixture that runs a loop of its own."""
    project.write(
        pytest_ini=AUTO
        + "asyncio_default_fixture_loop_scope = session\nasyncio_default_test_loop_scope = function\n",
        conftest_py=CONFTEST,
        test_a_py="""
        import asyncio

        import asyncpg
        import pytest
        import pytest_asyncio
        from shop import engine
        from sqlalchemy import text

        @pytest_asyncio.fixture(loop_scope="module", scope="module")
        async def connected():
            async with engine.connect() as connection:
                yield connection

        @pytest.fixture(scope="module")
        def by_hand():
            loop = asyncio.new_event_loop()
            connection = loop.run_until_complete(engine.connect().start())
            yield connection
            loop.run_until_complete(connection.close())
            loop.close()

        async def test_request(client):
            assert (await client.get("/users")).json() == []

        async def test_itself(connected):
            await connected.execute(text("SELECT 1"))

        @pytest.fixture(scope="session")
        async def raw():
            connection = await asyncpg.connect("postgresql://shop:secret@db.example/shop")
            yield connection
            connection.terminate()

        async def test_raw(raw):
            await raw.fetchval("SELECT 1")

        async def test_by_hand(by_hand):
            await by_hand.execute(text("SELECT 1"))

        async def test_two_at_once_in_one_loop():
            async with engine.connect() as connection:
                both = connection.execute(text("SELECT pg_sleep(0.1)")), connection.execute(text("SELECT 1"))
                await asyncio.gather(*both)

        async def test_words_alone():
            raise RuntimeError("got a Future attached to a different loop")

        async def test_itself_again(connected):
            await connected.execute(text("SELECT 1"))
        """,
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        f"fixture 'session' (function scope, {root}/conftest.py:5) took a connection at {root}/conftest.py:8, of the "
        f"engine made at {root}/shop.py:10; GET /users of test_a.py::test_request used it at {root}/shop.py:57, in "
        "another event loop. [HM701]",
        f"The loop of session: asyncio_default_fixture_loop_scope = session ({root}/pytest.ini:5)",
        f"The loop of the test: asyncio_default_test_loop_scope = function ({root}/pytest.ini:6)",
        f"change: {root}/pytest.ini:6: asyncio_default_test_loop_scope = session",
        f"fixture 'connected' (module scope, {root}/test_a.py:9) took a connection at {root}/test_a.py:11",
        f"test_a.py::test_itself used it at {root}/test_a.py:26, in another",
        "cannot perform operation: another operation is in progress",
        f"test_a.py::test_itself_again used it at {root}/test_a.py:",
        f'The loop of connected: loop_scope="module" ({root}/test_a.py:9)',
        f"change: {root}/pytest.ini:6: asyncio_default_test_loop_scope = module",
        f"fixture 'by_hand' (module scope, {root}/test_a.py:14) took a connection at {root}/test_a.py:17",
        f"{root}/test_a.py:35 uses raw (asyncpg.connection.Connection), which belongs to another event loop. [HM704]",
        f"change: {root}/test_a.py:14: make it async def: it runs a loop of its own",
    )
    assert result.output.count(WHY) == 5, result.output
    project.change("pytest.ini", "test_loop_scope = function", "test_loop_scope = session")
    project.change("test_a.py", 'loop_scope="module", ', 'loop_scope="session", ')
    project.change("test_a.py", "def by_hand", "async def by_hand")
    project.change("test_a.py", "    loop = asyncio.new_event_loop()\n", "")
    project.change("test_a.py", "    loop.close()\n", "")
    project.change(
        "test_a.py", "loop.run_until_complete(engine.connect().start())", "await engine.connect().start()"
    )
    project.change("test_a.py", "loop.run_until_complete(connection.close())", "await connection.close()")
    result = project.pytest("-k", "request or itself or by_hand or raw")
    assert result.outcomes() == {"passed": 5}, result.output


def test_the_mark_of_a_test_names_its_loop(project: Project) -> None:
    """In strict mode, with the mark of a module, of a class and of a test."""
    project.write(
        pytest_ini=AUTO.replace("auto", "strict") + "asyncio_default_fixture_loop_scope = function\n",
        conftest_py=CONFTEST.replace("@pytest.fixture", "@pytest_asyncio.fixture").replace(
            "import pytest\n", "import pytest_asyncio\n"
        ),
        test_a_py="""
        import pytest

        pytestmark = pytest.mark.asyncio(loop_scope="session")

        async def test_module(client):
            assert (await client.get("/users")).json() == []
        """,
        test_b_py="""
        import pytest
        from sqlalchemy import text

        class TestUsers:
            pytestmark = [pytest.mark.asyncio(loop_scope="class")]

            async def test_class(self, client):
                assert (await client.get("/users")).json() == []

        @pytest.mark.asyncio(loop_scope="module")
        async def test_function(session):
            await session.execute(text("SELECT 1"))
        """,
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        f'The loop of the test: loop_scope="session" ({root}/test_a.py:3)',
        f'The loop of the test: loop_scope="class" ({root}/test_b.py:5)',
        f'The loop of the test: loop_scope="module" ({root}/test_b.py:10)',
        f"change: {root}/pytest.ini:5: asyncio_default_fixture_loop_scope = session",
        f"change: {root}/pytest.ini:5: asyncio_default_fixture_loop_scope = class",
    )
    project.change("pytest.ini", "= function", "= session")
    assert project.pytest("test_a.py").outcomes() == {"passed": 1}


def test_two_plugins_run_one_test(project: Project) -> None:
    """The mark is named where it stands: on the test, on its class, on its module; without it, all pass."""
    project.write(
        pytest_ini=AUTO
        + "asyncio_default_fixture_loop_scope = session\nasyncio_default_test_loop_scope = session\n",
        conftest_py=CONFTEST
        + """
@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
""",
        test_a_py="""
        import pytest

        @pytest.mark.anyio
        async def test_users(client):
            assert (await client.get("/users")).json() == []

        @pytest.mark.anyio
        class TestUsers:
            async def test_users(self, client):
                assert (await client.get("/users")).json() == []

        async def test_one_plugin(client):
            assert (await client.get("/users")).json() == []
        """,
        test_b_py="""
        import pytest
        from sqlalchemy import text

        pytestmark = pytest.mark.anyio

        async def test_users(session):
            await session.execute(text("SELECT 1"))
        """,
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        "Two plugins run test_a.py::test_users: pytest-asyncio the test, by asyncio_mode = auto "
        f"({root}/pytest.ini:4), and anyio its fixtures, by its mark pytest.mark.anyio ({root}/test_a.py:3). [HM702]",
        f"fixture 'session' (function scope, {root}/conftest.py:5) took a connection at {root}/conftest.py:8",
        f"change: {root}/test_a.py:3: remove pytest.mark.anyio",
        f"change: {root}/test_a.py:7: remove pytest.mark.anyio",
        f"change: {root}/test_b.py:4: remove pytest.mark.anyio",
    )
    assert result.output.count("[HM702]") == 3, result.output
    project.change("test_a.py", "@pytest.mark.anyio\n", "")
    project.change("test_b.py", "pytestmark = pytest.mark.anyio", "")
    all_pass(project, 4)


def test_a_test_client_in_an_async_test(project: Project) -> None:
    """It has a loop of its own; a client in the test's loop mends it, and without a shared session nothing is wrong."""
    project.write(
        pytest_ini=AUTO + "asyncio_default_fixture_loop_scope = function\n",
        conftest_py=CONFTEST,
        test_a_py="""
        from fastapi.testclient import TestClient
        from shop import User, app, get_session

        async def test_shared(session):
            app.dependency_overrides[get_session] = lambda: session
            session.add(User(name="Ann"))
            await session.flush()
            client = TestClient(app)
            assert client.get("/users").json() == ["Ann"]

        async def test_apart(session):
            assert TestClient(app).get("/users").json() == []
        """,
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        "TestClient runs the application in an event loop of its own, in a thread, where GET /users of "
        f"test_a.py::test_shared used a connection of another loop at {root}/shop.py:57. [HM703]",
        f"fixture 'session' (function scope, {root}/conftest.py:5) took a connection at {root}/conftest.py:8, of the",
        f"change: {root}/test_a.py:9: call it by an async client, which stays in the test's loop: await async_client.",
    )
    assert result.output.count(WHY) == 1, result.output
    project.change("test_a.py", "client = TestClient(app)", "")
    project.change("test_a.py", 'client.get("/users")', '(await async_client.get("/users"))')
    project.change("test_a.py", "test_shared(session)", "test_shared(session, async_client)")
    assert project.pytest("-k", "shared").outcomes() == {"passed": 1}


def test_a_session_that_outlives_the_loop_of_its_connection(project: Project) -> None:
    """A wider fixture's, and a global one: which test took the connection, and whose the session is."""
    project.write(
        pytest_ini=AUTO + "asyncio_default_fixture_loop_scope = session\n",
        conftest_py=CONFTEST.replace(
            "@pytest.fixture\nasync def session", "@pytest.fixture(scope='session')\nasync def session"
        ).replace("        await session.connection()\n", ""),
        test_a_py="""
        import pytest
        from shop import SessionLocal
        from sqlalchemy import text

        @pytest.mark.parametrize("number", [1, 2])
        async def test_session(client, number):
            assert (await client.get("/users")).json() == []
        """,
        test_b_py="""
        import pytest
        from shop import SessionLocal
        from sqlalchemy import text

        kept = SessionLocal()

        @pytest.mark.parametrize("number", [1, 2])
        async def test_kept(number):
            await kept.execute(text("SELECT 1"))
        """,
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        f"{root}/shop.py:57 uses a connection that ended with its event loop, the one of test_a.py::test_session[1], "
        f"which had taken it at {root}/shop.py:57. [HM705]",
        f"It is of fixture 'session' (session scope, {root}/conftest.py:5).",
        f"The session is kept: kept is a global of test_b ({root}/test_b.py:5).",
        f"change: {root}/pytest.ini: asyncio_default_test_loop_scope = session",
    )
    project.change("pytest.ini", "[pytest]", "[pytest]\nasyncio_default_test_loop_scope = session")
    assert project.pytest("test_a.py").outcomes() == {"passed": 2}


def test_one_loop_by_a_file_that_is_not_read(project: Project) -> None:
    """What would have given one loop to all stands in setup.cfg, beside a pytest.ini."""
    project.write(
        pytest_ini=AUTO + "asyncio_default_fixture_loop_scope = session\n",
        setup_cfg="[tool:pytest]\nasyncio_default_test_loop_scope = session\n",
        conftest_py=CONFTEST,
        test_a_py="""
        async def test_users(client):
            assert (await client.get("/users")).json() == []
        """,
    )
    said(
        project.pytest(),
        f"used it at {project.root}/shop.py:57, in another event loop. [HM717]",
        f"asyncio_default_test_loop_scope = session stands in {project.root}/setup.cfg:2, which pytest does not read: ",
        f"change: {project.root}/pytest.ini: asyncio_default_test_loop_scope = session",
    )
