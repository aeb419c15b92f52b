"""What the tests of explanations share: a history that is told what Sessions do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermetic.database.engines.checkouts import Checkouts
from hermetic.database.engines.connections import Index
from hermetic.database.engines.sessions import SessionOwners
from hermetic.explain.history import History
from hermetic.owners import owned_by
from tests.explain.failing import FIXTURE, TEST


@pytest.fixture
def history() -> Iterator[History]:
    """A history that hears of every Session; what a test makes is a fixture's."""
    heard = History()
    sessions = SessionOwners(Checkouts(Index()))
    heard.start()
    sessions.listen()
    heard.begin(TEST)
    with owned_by(FIXTURE):
        yield heard
    sessions.stop()
    heard.stop()
