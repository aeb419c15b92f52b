"""The matrix of loop scopes on asyncpg, whose connections know one loop only; SQLite's is in the folder above."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.on_postgresql.conftest import POSTGRESQL_APP
from tests.pytest_plugin.project import Project
from tests.pytest_plugin.test_loop_scopes import (
    CELL,
    LIFESPAN,
    assert_all_shut_down,
    test_every_combination_given_by_hand_in_strict_mode,
)

__all__ = ["test_every_combination_given_by_hand_in_strict_mode"]


@pytest.fixture
def shop(empty_project: Project) -> Project:
    """A shop on PostgreSQL whose lifespan holds a task group."""
    return empty_project.write(shop_py=POSTGRESQL_APP + LIFESPAN)


@pytest.mark.parametrize(
    ("fixture_scope", "test_scope"),
    [("function", "session"), ("session", "function"), ("session", "session"), ("module", "class")],
)
def test_the_ini_file_in_auto_mode(shop: Project, fixture_scope: str, test_scope: str) -> None:
    """The ini file's default scopes, plain fixtures and tests, in auto mode."""
    shop.write(
        pytest_ini=f"""
        [pytest]
        hermetic_app = shop:app
        pythonpath = .
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = {fixture_scope}
        asyncio_default_test_loop_scope = {test_scope}
        """,
        test_cell_py=CELL.format(fixture="@pytest.fixture", mark=""),
    )
    result = shop.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert_all_shut_down(shop.root, 2)


@pytest.mark.parametrize("scope", ["function", "session"])
@pytest.mark.parametrize("backend", ['"asyncio"', '("asyncio", {"use_uvloop": True})'])
def test_the_plugin_of_anyio(shop: Project, backend: str, scope: str) -> None:
    """anyio's own plugin, on asyncio's loop and on uvloop."""
    shop.write(
        pytest_ini="[pytest]\nhermetic_app = shop:app\npythonpath = .\n",
        conftest_py=f"""
        import pytest

        @pytest.fixture(scope="{scope}")
        def anyio_backend():
            return {backend}
        """,
        test_cell_py=CELL.format(fixture="@pytest.fixture", mark="@pytest.mark.anyio").replace(
            "import pytest_asyncio\n", ""
        ),
    )
    shop.plugins = ("hermetic", "anyio")
    result = shop.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
    assert_all_shut_down(shop.root, 2)
