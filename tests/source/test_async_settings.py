"""How pytest is told to run async tests."""

from __future__ import annotations

import pytest

from hermetic.source.async_settings import AsyncSettings, read_async_settings
from tests.source.projects import Project

NOTHING = AsyncSettings(False, False, None, "function", False, False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, NOTHING),
        (
            {"asyncio_mode": "auto", "anyio_mode": "auto"},
            AsyncSettings(True, True, None, "function", False, False),
        ),
        (
            {"asyncio_default_fixture_loop_scope": "session", "asyncio_default_test_loop_scope": "module"},
            AsyncSettings(False, False, "session", "module", False, False),
        ),
        ({"asyncio_default_fixture_loop_scope": "fixture-scope"}, NOTHING),
        ({"addopts": "--asyncio-mode=auto"}, AsyncSettings(True, False, None, "function", False, False)),
        ({"addopts": ["--anyio-mode", "auto"]}, AsyncSettings(False, True, None, "function", False, False)),
        (
            {"asyncio_mode": "auto", "addopts": "--override-ini asyncio_mode=strict -o x"},
            NOTHING,
        ),
        ({"addopts": "-p no:asyncio -pno:anyio"}, AsyncSettings(False, False, None, "function", True, True)),
    ],
)
def test_keys_and_flags_are_read(
    project: Project, values: dict[str, object], expected: AsyncSettings
) -> None:
    """Flags go before keys."""
    assert read_async_settings(project.configuration(**values)) == expected
