"""A request that waits for a lock: of its own test, which would be for ever, or of somebody who lets go of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hermetic.database.restore.postgresql import watching
from hermetic.errors import UncommittedWrites
from hermetic.owners import Owner, owned_by
from tests.database.restore.postgresql.application import Application
from tests.database.restore.postgresql.opened import Opened

TEST = Owner("test_it", "test", "function")
REQUEST = Owner("request POST /users", "request", "function", TEST)


@pytest.fixture
def application(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """An application on the database, which is looked at more often than it would be."""
    monkeypatch.setattr(watching, "PAUSE", 0.01)
    monkeypatch.setattr(watching, "LOOKS", 3)
    made = Application("psycopg")
    yield made
    made.close()


def request(application: Application, statement: str) -> None:
    """Run a statement as a request of the test does."""
    with owned_by(REQUEST):
        application.run(statement)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    turn = threading.Event()
    while not condition():
        turn.wait(0.001)


def test_a_lock_of_somebody_else(application: Application, opened: Opened) -> None:
    """The request waits for as long as it takes."""
    stranger = opened.connect(autocommit=False)
    stranger.execute("LOCK TABLE doubles")
    watch = opened.database.watch
    with owned_by(TEST):
        held = application.hold("UPDATE users SET name = 'x' WHERE id = 1")
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(request, application, "DELETE FROM doubles")
        eventually(lambda: max(watch._waits.values(), default=0) > watching.LOOKS)
        stranger.commit()
        waiting.result()
    held.end()
    assert opened.database.blocked == []
    assert application.run("SELECT count(*) FROM doubles") == 0


def test_a_lock_of_its_own_test(application: Application, opened: Opened) -> None:
    """The request fails and names the test's line, however often nothing was to be watched in between."""
    for _ in range(2):
        with owned_by(TEST):
            held = application.hold("UPDATE users SET name = 'x' WHERE id = 1")
        with pytest.raises(UncommittedWrites, match="your test holds uncommitted writes"):
            request(application, "UPDATE users SET name = 'y' WHERE id = 1")
        held.end()
        eventually(lambda: not opened.database.watch._waits)
    assert len(opened.database.blocked) == 2
