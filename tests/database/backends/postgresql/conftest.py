"""One embedded server for all tests of drivers and of restore."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermetic.database.backends.postgresql.server.factory import new_instance
from hermetic.database.backends.postgresql.server.instance import Instance


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A server of the suite's own."""
    made = new_instance("embedded", project=tmp_path_factory.mktemp("project"))
    made.start()
    yield made
    made.stop()
