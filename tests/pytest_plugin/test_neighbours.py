"""The plugins and libraries that real suites have beside hermetic: one test each, with the neighbour for real."""

from __future__ import annotations

import importlib.util

import pytest

from tests.pytest_plugin.project import Project, Result
from tests.pytest_plugin.saying import ini


def passes(project: Project, expected: int, *arguments: str) -> Result:
    """Run the project; all must pass."""
    result = project.pytest(*arguments)
    assert result.outcomes() == {"passed": expected}, result.output
    return result


FROZEN = """
import datetime
import pytest

{imports}

async def post(client):
    response = await client.post("/users", json={{"name": "frozen"}})
    assert response.status_code == 201, response.text
    assert (await client.get("/users")).json() == ["frozen"]

@{decorator}
async def test_decorator(async_client):
    assert datetime.date.today().year == 2020
    await post(async_client)

async def test_context_manager(async_client, async_test_db):
    with {decorator}:
        assert datetime.date.today().year == 2020
        await post(async_client)
        await async_test_db.connection()

@{decorator}
@pytest.mark.parametrize("again", [1, 2])
class TestAll:
    async def test_in_a_class(self, async_client, again):
        await post(async_client)
"""


def test_freezegun(project: Project) -> None:
    """The application is started before freezegun stops the clock, by decorator and by context manager."""
    frozen = FROZEN.format(
        imports="from freezegun import freeze_time", decorator='freeze_time("2020-02-02 02:02:02")'
    )
    project.write(test_shop_py=frozen.replace('@freeze_time("2020-02-02 02:02:02")\n@pytest', "@pytest"))
    passes(project, 4)


def test_a_clock_that_a_fixture_stops(project: Project) -> None:
    """The routes are built before a fixture stops the clock, which FastAPI could not do after it."""
    project.write_path(
        "dated.py",
        """
        from __future__ import annotations
        from datetime import datetime
        from fastapi import APIRouter
        from shop import app

        router = APIRouter()

        @router.get("/now")
        async def now(since: datetime | None = None) -> datetime:
            return datetime.now()

        app.include_router(router, prefix="/api")
        """,
    )
    project.write(
        test_shop_py="""
import pytest
from freezegun import freeze_time

@pytest.fixture
def frozen():
    with freeze_time("2020-02-02"):
        yield

async def test_it(frozen, async_client):
    assert (await async_client.get("/api/now")).json() == "2020-02-02T00:00:00"
"""
    )
    passes(project, 1, "-o", "hermetic_app=dated:app")


def test_freezegun_on_an_unanswered_lock(project: Project) -> None:
    """Our own timers do not stand still with the clock: a request that waits for its own test fails in time."""
    project.write(
        test_shop_py="""
from freezegun import freeze_time
from shop import User

@freeze_time("2020-02-02")
async def test_it_waits_for_itself(async_client, async_test_db):
    async_test_db.add(User(name="uncommitted"))
    await async_test_db.flush()
    await async_client.post("/users", json={"name": "waits"})
"""
    )
    result = project.pytest()
    assert result.outcomes()["failed"] == 1, result.output
    assert "holds uncommitted writes" in result.output


def test_time_machine(project: Project) -> None:
    """time-machine's clock that stands still stops neither the application nor us."""
    project.write(
        test_shop_py=FROZEN.format(
            imports="import time_machine", decorator='time_machine.travel("2020-02-02 02:02:02", tick=False)'
        ).replace('@time_machine.travel("2020-02-02 02:02:02", tick=False)\n@pytest', "@pytest")
    )
    project.plugins = (*project.plugins, "time_machine")
    passes(project, 4)


def test_respx(project: Project) -> None:
    """respx answers what the application asks another service by httpx; our client goes past it."""
    project.write_path(
        "outside.py",
        """
        import httpx
        from shop import app

        @app.get("/weather")
        async def weather():
            async with httpx.AsyncClient() as client:
                return (await client.get("https://weather.example/today")).json()
        """,
    )
    project.write(
        pytest_ini="""
        [pytest]
        hermetic_app = outside:app
        pythonpath = .
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = session
        """,
        test_shop_py="""
        import httpx
        import respx

        async def test_fixture(respx_mock, async_client):
            respx_mock.get("https://weather.example/today").mock(httpx.Response(200, json={"sun": True}))
            assert (await async_client.get("/weather")).json() == {"sun": True}
            assert (await async_client.post("/users", json={"name": "x"})).status_code == 201

        @respx.mock
        async def test_decorator(async_client):
            respx.get("https://weather.example/today").mock(httpx.Response(200, json={"sun": False}))
            assert (await async_client.get("/weather")).json() == {"sun": False}
            assert (await async_client.get("/users")).json() == []
        """,
    )
    project.plugins = (*project.plugins, "respx")
    passes(project, 2)


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_pytest_timeout_leaves_a_quick_test_alone(project: Project, method: str) -> None:
    """A timeout that is not reached changes nothing."""
    project.write(
        test_shop_py="""
        async def test_quick(async_client):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1

        async def test_next(async_client):
            assert (await async_client.get("/users")).json() == []
        """
    )
    project.plugins = (*project.plugins, "timeout")
    passes(project, 2, "--timeout", "30", "--timeout-method", method)


def test_pytest_timeout(project: Project) -> None:
    """A test that is stopped in the middle of a transaction fails alone; the next one finds the baseline."""
    project.write(
        test_shop_py="""
        import asyncio
        import pytest
        import signal
        from shop import User

        @pytest.mark.timeout(50)
        async def test_slow(async_client, async_test_db):
            await async_client.post("/users", json={"name": "committed"})
            async_test_db.add(User(name="uncommitted"))
            await async_test_db.flush()
            signal.setitimer(signal.ITIMER_REAL, 0.01)  # the time is up: now, however slow the machine is
            await asyncio.sleep(60)

        async def test_next(async_client):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
            assert (await async_client.get("/users")).json() == ["x"]
        """
    )
    project.plugins = (*project.plugins, "timeout")
    result = project.pytest("--timeout-method", "signal")
    assert result.outcomes()["failed"] == 1, result.output
    assert result.outcomes()["passed"] == 1, result.output
    assert "Timeout" in result.output


def test_rerunfailures(project: Project) -> None:
    """The baseline comes back before each rerun, the environment and the overrides too."""
    project.write(
        test_shop_py="""
        import os

        seen = []

        async def test_flaky(async_client):
            seen.append((await async_client.post("/users", json={"name": "x"})).status_code)
            assert "LEFT_BEHIND" not in os.environ
            os.environ["LEFT_BEHIND"] = "yes"
            assert (await async_client.get("/users")).json() == ["x"]
            assert len(seen) == 3

        async def test_after(async_client):
            assert seen == [201, 201, 201]
            assert (await async_client.get("/users")).json() == []
        """
    )
    project.plugins = (*project.plugins, "rerunfailures")
    result = project.pytest("--reruns", "2")
    assert result.outcomes() == {"passed": 2, "rerun": 2}, result.output


MANY = """
import os
import pytest
from sqlalchemy import text

@pytest.mark.parametrize("n", range(8))
async def test_many(async_client, async_test_db, hermetic_url, n):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
    await async_test_db.execute(text("SELECT 1"))
    with open(os.environ["SEEN"], "a") as file:
        file.write(f"{os.environ.get('PYTEST_XDIST_WORKER')} {hermetic_url}\\n")
"""


def test_xdist(project: Project) -> None:
    """Each worker has a database of its own, which its environment names."""
    project.write(
        pytest_ini=ini("hermetic_env = DATABASE_URL={url}"),
        test_shop_py=MANY + '    assert hermetic_url == os.environ["DATABASE_URL"]\n',
    )
    project.plugins = (*project.plugins, "xdist", "xdist.looponfail")
    project.environment["SEEN"] = str(project.root / "seen.txt")
    passes(project, 8, "-n", "2")
    seen = {tuple(line.split(maxsplit=1)) for line in (project.root / "seen.txt").read_text().splitlines()}
    assert len(seen) == len({worker for worker, _ in seen}) == len({url for _, url in seen}) == 2


def test_xdist_without_workers(project: Project) -> None:
    """``-n 0`` is a run like any other."""
    project.write(test_shop_py=MANY)
    project.plugins = (*project.plugins, "xdist")
    project.environment["SEEN"] = str(project.root / "seen.txt")
    passes(project, 8, "-n", "0")
    assert len(set((project.root / "seen.txt").read_text().splitlines())) == 1


def test_polyfactory(project: Project) -> None:
    """A factory that persists through the application's own session commits, and what it wrote is undone."""
    project.write(
        test_shop_py="""
        import pytest
        from polyfactory.factories.sqlalchemy_factory import SQLAlchemyFactory
        from shop import SessionLocal, User

        class UserFactory(SQLAlchemyFactory[User]):
            __async_session__ = SessionLocal
            __set_primary_key__ = False

        @pytest.fixture
        async def users():
            return await UserFactory.create_batch_async(3)

        @pytest.mark.parametrize("again", range(2))
        async def test_factory(users, async_client, again):
            assert [user.id for user in users] == [1, 2, 3]
            assert (await async_client.get("/users")).json() == [user.name for user in users]
        """
    )
    passes(project, 2)


def test_factory_boy(project: Project) -> None:
    """factory_boy, which is synchronous, commits through a session of its own on the application's database."""
    project.write(
        test_shop_py="""
        import factory
        import pytest
        from shop import User
        from sqlalchemy import create_engine
        from sqlalchemy.orm import scoped_session, sessionmaker

        Session = scoped_session(sessionmaker(create_engine("sqlite:///./production.db")))

        class UserFactory(factory.alchemy.SQLAlchemyModelFactory):
            class Meta:
                model = User
                sqlalchemy_session = Session
                sqlalchemy_session_persistence = "commit"

            name = factory.Sequence(lambda n: f"user {n}")

        @pytest.fixture(autouse=True)
        def end_the_session():
            yield
            Session.remove()
            UserFactory.reset_sequence()

        @pytest.mark.parametrize("again", range(2))
        async def test_factory(async_client, again):
            UserFactory.create_batch(2)
            assert (await async_client.get("/users")).json() == ["user 0", "user 1"]
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 3
        """
    )
    passes(project, 2)


def test_randomly(project: Project) -> None:
    """The order of the tests does not matter."""
    if importlib.util.find_spec("pytest_randomly") is None:
        pytest.skip("pytest-randomly is not part of the test environment")
    project.write(
        test_shop_py="""
        import pytest
        import random

        @pytest.mark.parametrize("n", range(6))
        async def test_any(async_client, n):
            await async_client.post("/users", json={"name": str(random.random())})
            assert len((await async_client.get("/users")).json()) == 1
        """
    )
    project.plugins = (*project.plugins, "randomly")
    passes(project, 6, "--randomly-seed", "2")


def test_unittest(project: Project) -> None:
    """``TestCase`` and ``IsolatedAsyncioTestCase`` get the baseline too; subtests are parts of one test."""
    project.write(
        test_shop_py="""
        import unittest
        from fastapi.testclient import TestClient
        from hermetic import AsyncTestClient
        from shop import app

        class TestSync(unittest.TestCase):
            def setUp(self):
                self.client = TestClient(app)
                self.client.post("/users", json={"name": "set up"})

            def test_1(self):
                assert self.client.post("/users", json={"name": "x"}).json()["id"] == 2

            def test_2(self):
                assert self.client.get("/users").json() == ["set up"]

        class TestAsync(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                self.client = await self.enterAsyncContext(AsyncTestClient(app))

            async def test_1(self):
                assert (await self.client.post("/users", json={"name": "x"})).json()["id"] == 1

            async def test_2(self):
                assert (await self.client.get("/users")).json() == []
        """
    )
    passes(project, 4)


def test_class_fixtures_of_unittest_are_wide(project: Project) -> None:
    """What ``setUpClass`` wrote stays for the tests of the class, and for no longer."""
    project.write(
        test_shop_py="""
        import unittest
        from fastapi.testclient import TestClient
        from shop import app

        class TestSync(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                TestClient(app).post("/users", json={"name": "class"})

            def test_1(self):
                assert TestClient(app).post("/users", json={"name": "x"}).json()["id"] == 2

            def test_2(self):
                assert TestClient(app).get("/users").json() == ["class"]

        def test_after():
            assert TestClient(app).get("/users").json() == []
        """
    )
    passes(project, 3)


def test_doctest(project: Project) -> None:
    """Doctests are tests: they find the baseline, and what they write is undone."""
    project.write_path(
        "documented.py",
        '''
        def first():
            """
            >>> from fastapi.testclient import TestClient
            >>> from shop import app
            >>> TestClient(app).post("/users", json={"name": "x"}).json()
            {'id': 1, 'name': 'x'}
            """

        def second():
            """
            >>> from fastapi.testclient import TestClient
            >>> from shop import app
            >>> TestClient(app).get("/users").json()
            []
            """
        ''',
    )
    passes(project, 2, "--doctest-modules", "documented.py")


def test_every_installed_plugin_at_once(project: Project) -> None:
    """With entry points loaded, as users have it, everything that is installed beside us is no hindrance."""
    project.write(
        test_shop_py="""
        async def test_1(async_client):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1

        async def test_2(async_client):
            assert (await async_client.get("/users")).json() == []
        """
    )
    project.every_plugin = True
    passes(project, 2)


def test_schemathesis(project: Project) -> None:
    """The baseline comes back before each of its cases: no name is taken twice, however often one is tried."""
    project.plugins = (*project.plugins, "schemathesis", "hypothesispytest")
    project.write(
        test_shop_py="""
        import schemathesis
        from hypothesis import Phase, settings
        from shop import app

        schema = schemathesis.openapi.from_asgi("/openapi.json", app).include(path="/users", method="POST")
        answers = []

        @schema.parametrize()
        @settings(max_examples=5, deadline=None, database=None, phases=[Phase.generate])
        def test_api(case):
            case.body = {"name": "always the same"}
            answers.append(case.call().status_code)

        def test_what_it_was_answered():
            assert answers.count(201) > 1
            assert 409 not in answers
        """
    )
    passes(project, 2, "-W", "default")
