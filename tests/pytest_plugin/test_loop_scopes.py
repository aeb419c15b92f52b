"""Every runner and every combination of loop scopes: fixtures, tests and teardowns use the client and the database.

In each cell a user's async fixture writes through ``async_test_db``, two tests post through ``async_client`` and read
back, the fixture's teardown uses both again, and whatever was started ran the code after the lifespan's ``yield``, with
a task group in that lifespan.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from tests.pytest_plugin.project import APP, Project

SCOPES = ("function", "class", "module", "package", "session")

LIFESPAN = """
import asyncio
import pathlib


@asynccontextmanager
async def lifespan(app):
    log = pathlib.Path(__file__).with_name("lifespan.log")

    async def poll():
        while True:
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as group:
        poller = group.create_task(poll())
        with log.open("a") as file:
            file.write("startup\\n")
        yield
        poller.cancel()
        with log.open("a") as file:
            file.write("shutdown\\n")


app.router.lifespan_context = lifespan
"""

CELL = """
import pytest
import pytest_asyncio
from sqlalchemy import text

from shop import User


class TestCell:
    {fixture}
    async def user(self, async_test_db, async_client):
        async_test_db.add(User(name="from the fixture"))
        await async_test_db.commit()
        yield
        assert (await async_client.get("/users")).status_code == 200
        assert len((await async_test_db.execute(text("SELECT id FROM users"))).all()) == 2

    {mark}
    async def test_one(self, user, async_client, async_test_db):
        response = await async_client.post("/users", json={{"name": "posted"}})
        assert response.json() == {{"id": 2, "name": "posted"}}
        rows = await async_test_db.execute(text("SELECT name FROM users ORDER BY id"))
        assert rows.scalars().all() == ["from the fixture", "posted"]

    test_two = test_one
"""


def assert_all_shut_down(root: Path, starts: int) -> None:
    """Every start-up had its shutdown, and there were at least as many as expected."""
    log = (root / "lifespan.log").read_text().splitlines()
    assert log.count("startup") == log.count("shutdown") >= starts, log


@pytest.fixture
def shop(empty_project: Project) -> Project:
    """A shop whose lifespan holds a task group."""
    return empty_project.write(shop_py=APP + LIFESPAN)


def test_every_combination_given_by_hand_in_strict_mode(shop: Project) -> None:
    """Fixtures and tests that name their loop scopes: 25 combinations in one run of strict mode."""
    shop.write(
        pytest_ini="""
        [pytest]
        hermetic_app = shop:app
        pythonpath = .
        asyncio_mode = strict
        asyncio_default_fixture_loop_scope = function
        """
    )
    for fixture_scope, test_scope in itertools.product(SCOPES, SCOPES):
        cell = CELL.format(
            fixture=f'@pytest_asyncio.fixture(loop_scope="{fixture_scope}")',
            mark=f'@pytest.mark.asyncio(loop_scope="{test_scope}")',
        )
        shop.write_path(f"tests/{fixture_scope}_{test_scope}/__init__.py", "")
        shop.write_path(f"tests/{fixture_scope}_{test_scope}/test_cell.py", cell)
    shop.write_path("tests/__init__.py", "")
    result = shop.pytest()
    assert result.outcomes() == {"passed": 50}, result.output
    assert_all_shut_down(shop.root, 50)


@pytest.mark.parametrize("fixture_scope", SCOPES)
@pytest.mark.parametrize("test_scope", SCOPES)
def test_every_combination_of_the_ini_file_in_auto_mode(
    shop: Project, fixture_scope: str, test_scope: str
) -> None:
    """The ini file's default scopes, plain fixtures and tests, in auto mode."""
    shop.write(
        pytest_ini=f"""
        [pytest]
        hermetic_app = shop:app
        pythonpath = .
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = {fixture_scope}
        asyncio_default_test_loop_scope = {test_scope}
        """
    )
    shop.write_path("tests/__init__.py", "")
    shop.write_path("tests/test_cell.py", CELL.format(fixture="@pytest.fixture", mark=""))
    result = shop.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert_all_shut_down(shop.root, 2)


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run on Windows")
@pytest.mark.parametrize("scope", ["function", "session"])
def test_uvloop_under_pytest_asyncio(shop: Project, scope: str) -> None:
    """The same on uvloop."""
    shop.write(
        pytest_ini=f"""
        [pytest]
        hermetic_app = shop:app
        pythonpath = .
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = {scope}
        asyncio_default_test_loop_scope = {scope}
        """
    )
    shop.write_path(
        "tests/conftest.py",
        """
        import pytest
        import uvloop

        @pytest.fixture(scope="session")
        def event_loop_policy():
            return uvloop.EventLoopPolicy()
        """,
    )
    cell = CELL.format(fixture="@pytest.fixture", mark="") + (
        "\n    async def test_it_is_uvloop(self):\n"
        "        import asyncio, uvloop\n"
        "        assert isinstance(asyncio.get_running_loop(), uvloop.Loop)\n"
    )
    shop.write_path("tests/test_cell.py", cell)
    result = shop.pytest("-W", "ignore::DeprecationWarning")
    assert result.outcomes() == {"passed": 3}, result.output
    assert_all_shut_down(shop.root, 2)


@pytest.mark.parametrize("backend", ['"asyncio"', '("asyncio", {"use_uvloop": True})'])
@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_the_plugin_of_anyio(shop: Project, backend: str, scope: str) -> None:
    """anyio's own plugin, whose loop lives as long as the async fixtures that use it."""
    shop.write(pytest_ini="[pytest]\nhermetic_app = shop:app\npythonpath = .\n")
    shop.write_path(
        "tests/conftest.py",
        f"""
        import pytest

        @pytest.fixture(scope="{scope}")
        def anyio_backend():
            return {backend}
        """,
    )
    cell = CELL.format(fixture="@pytest.fixture", mark="@pytest.mark.anyio").replace(
        "import pytest_asyncio\n", ""
    )
    shop.write_path("tests/test_cell.py", cell)
    shop.plugins = ("hermetic", "anyio")
    result = shop.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert_all_shut_down(shop.root, 2)
