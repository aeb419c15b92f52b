"""What a test's own fixtures opened is still open for the test, if that runs in their loop."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import INI, Project

TESTS = """
import pytest
from shop import User, events


@pytest.fixture
async def user(async_db_session):
    user = User(name="old")
    async_db_session.add(user)
    await async_db_session.commit()
    await async_db_session.refresh(user)
    return user


@pytest.fixture
async def logged_in(async_client):
    events.clear()
    async_client.headers["x-user"] = "1"
    assert (await async_client.get("/users")).status_code == 200
    return async_client


async def test_an_object_stays_attached(user, async_db_session, async_client):
    user.name = "new"
    await async_db_session.commit()
    assert (await async_client.get("/users")).json() == ["new"]


async def test_the_application_stays_up(logged_in):
    assert (await logged_in.get("/users")).json() == []
    assert events == ["startup"]


async def test_it_was_stopped(async_client):
    assert events == ["startup", "shutdown"]
"""

FLUSHES = """
import pytest
from shop import User
from sqlalchemy import select


@pytest.fixture
async def user(async_db_session):
    async_db_session.add(User(name="Ada"))
    await async_db_session.flush()
"""


def ini(fixtures: str, tests: str) -> str:
    """Write a configuration with these loop scopes."""
    scopes = f"asyncio_default_fixture_loop_scope = {fixtures}\nasyncio_default_test_loop_scope = {tests}\n"
    return INI.replace("asyncio_default_fixture_loop_scope = session\n", scopes)


@pytest.mark.parametrize("scope", ["session", "function"])
def test_in_one_loop(project: Project, scope: str) -> None:
    """A session keeps its objects and its transaction, the application its state."""
    project.write(pytest_ini=ini(scope, scope), test_a_py=TESTS)
    result = project.pytest("-p", "no:randomly")
    assert result.outcomes() == {"passed": 3}, result.output


def test_under_anyio(project: Project) -> None:
    """The same with anyio's plugin, whose fixtures and tests share a loop."""
    backend = '\n\n@pytest.fixture\ndef anyio_backend():\n    return "asyncio"\n'
    marked = "pytestmark = pytest.mark.anyio\n"
    text = TESTS.replace(
        "from shop import User, events\n", f"from shop import User, events\n\n{marked}{backend}"
    )
    project.plugins = ("hermetic", "anyio")
    project.write(
        pytest_ini="[pytest]\nhermetic_app = shop:app\npythonpath = .\n",
        test_a_py=text.replace("async def logged_in(async", "async def logged_in(anyio_backend, async"),
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


def test_in_different_loops(project: Project) -> None:
    """Nothing can be handed from a loop that stands still to another: it is closed before, and opens again there."""
    project.write(
        pytest_ini=ini("session", "function"),
        test_a_py=TESTS.replace('events == ["startup"]', 'events == ["startup", "shutdown", "startup"]')
        .replace('assert events == ["startup", "shutdown"]', "assert events[-1] == 'shutdown'")
        .replace("user.name = ", "async_db_session.add(user)\n    user.name = "),
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


def test_a_sync_test_finds_it_closed(project: Project) -> None:
    """No loop runs while it does."""
    project.write(
        test_a_py=TESTS.partition("async def test_an")[0]
        + """
def test_sync(logged_in, user, async_db_session):
    assert events == ["startup", "shutdown"]
    assert not async_db_session.in_transaction()
    assert user.name == "old"
"""
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output


def test_what_a_fixture_did_not_commit(project: Project) -> None:
    """It is there for the test's session, and a request that needs its lock is told whose it is."""
    project.write(
        pytest_ini=ini("session", "session"),
        test_a_py=FLUSHES
        + """

async def test_sees_it(user, async_db_session):
    assert list(await async_db_session.scalars(select(User.name))) == ["Ada"]


async def test_waits_for_it(user, async_client):
    await async_client.post("/users", json={"name": "Bob"})
""",
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1, "failed": 1}, result.output
    assert "holds uncommitted writes" in result.output
    assert "test_a.py:9" in result.output


def test_what_would_be_lost_is_an_error(project: Project) -> None:
    """In another loop what a fixture did not commit would be gone without a word; what it rolled back is no loss."""
    project.write(
        pytest_ini=ini("session", "function"),
        test_a_py=FLUSHES
        + """

@pytest.fixture
async def undone(user, async_db_session):
    await async_db_session.rollback()


async def test_user(user):
    pass


def test_sync(user):
    pass


async def test_undone(undone, async_client):
    assert (await async_client.get("/users")).json() == []
""",
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1, "failed": 2}, result.output
    assert (
        "left uncommitted writes in async_db_session, in an event loop that is not the test's. [HM500]"
        in result.output
    )
    assert "hint: await async_db_session.commit() in the fixture" in result.output


def test_a_set_up_that_fails_leaves_nothing_open(project: Project) -> None:
    """The application that a fixture started is stopped before the next test."""
    project.write(
        test_a_py="""
        import pytest
        from shop import events


        @pytest.fixture
        async def broken(async_client):
            await async_client.get("/users")
            raise ValueError("broken")


        async def test_broken(broken):
            pass


        async def test_next():
            assert events == ["startup", "shutdown"]
        """
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1, "errors": 1}, result.output
