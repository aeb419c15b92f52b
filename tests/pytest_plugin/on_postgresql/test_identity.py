"""The identity maps of Sessions that outlive a test, on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.test_identity import (
    library,
    test_an_async_session_of_the_whole_run,
    test_factories_with_a_scoped_session,
    test_what_was_never_flushed,
)

__all__ = [
    "test_an_async_session_of_the_whole_run",
    "test_factories_with_a_scoped_session",
    "test_what_was_never_flushed",
]


@pytest.fixture
def shop(empty_project: Project) -> Project:
    """A project that makes its objects with factory_boy."""
    url = "://shop:secret@db.example/shop"
    return library(empty_project, sync=f"postgresql+psycopg{url}", asynchronous=f"postgresql+asyncpg{url}")
