"""What a run on PostgreSQL says above and below its tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytest_plugin.postgresql import on_postgresql
from tests.pytest_plugin.project import Project


@pytest.fixture
def shop(project: Project, tmp_path: Path) -> Project:
    """The example on PostgreSQL."""
    return on_postgresql(project, tmp_path / "cache")


def test_a_run_without_database_tests_starts_nothing(shop: Project, tmp_path: Path) -> None:
    """The header says which server it would be, and no server's data directory was ever made."""
    shop.write(test_nothing_py="def test_nothing():\n    pass\n", compose_yaml="image: postgres:9\n")
    output = shop.pytest().output
    assert "hermetic: postgresql: embedded 1" in output
    assert "hermetic: warning: the tests run on PostgreSQL 1" in output
    assert "= hermetic =" not in output
    assert not (tmp_path / "cache").exists()


def test_the_template_is_built_once(shop: Project) -> None:
    """The next run says when; under xdist the controller says what its workers found, once."""
    shop.write(
        test_users_py="""
        import pytest

        @pytest.mark.parametrize("number", [1, 2])
        async def test_users(async_client, number):
            assert (await async_client.get("/users")).json() == []
        """
    )
    first = shop.pytest().output
    assert "\npostgresql: embedded 1" in first
    assert "\ntemplate built (fingerprint " in first
    shop.plugins = (*shop.plugins, "xdist")
    second = shop.pytest("-n", "2").output
    assert second.count("\npostgresql: embedded 1") == 1
    assert second.count("\ntemplate reused, built 2") == 1
    assert "2 passed" in second
