"""Transactions that go on while a restore runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from hermetic.database.backends.postgresql.restore import administration
from tests.database.backends.postgresql.restore.opened import Opened


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore waits for as long as a busy machine takes to go on."""
    monkeypatch.setattr(administration, "LOCK_PATIENCE", 60)


WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'
        AND application_name = 'hermetic administration' AND clock_timestamp() - query_start > interval '200 ms'
"""
"""Not the try that gives up at once, which on a busy machine takes a while to."""


def restore_while(opened: Opened, then: Callable[[], object]) -> bool:
    """Restore in a thread, and do something as soon as that waits for a lock."""
    with ThreadPoolExecutor(1) as thread, opened.look("postgres") as look:
        restored = thread.submit(opened.database.restore)
        while not restored.done():
            row = look.execute(WAITING, [opened.database.name]).fetchone()
            if row != (0,):
                then()
                break
        return restored.result()


def test_marks_survive(world: Opened) -> None:
    """What a transaction commits that a restore waited for, the next restore undoes."""
    before = world.dump()
    writer = world.connect(autocommit=False)
    writer.execute("UPDATE users SET name = 'x' WHERE id = 1; INSERT INTO users (email) VALUES ('late')")
    world.run("INSERT INTO users (email) VALUES ('early')")
    assert restore_while(world, writer.commit)
    world.database.restore()  # the first has put this back too, where it had to be tried again after the commit
    assert world.dump() == before
    assert not world.database.restore()


def test_a_row_that_is_put_back_twice(world: Opened) -> None:
    """A transaction that makes a row of the baseline's itself, while the restore does, is no error."""
    before = world.dump()
    world.run("DELETE FROM quick")
    writer = world.connect(autocommit=False)
    writer.execute("INSERT INTO quick VALUES (1, 'mine')")
    assert restore_while(world, writer.commit)
    world.database.restore()
    assert world.dump() == before


def test_a_reference_that_comes_meanwhile(world: Opened) -> None:
    """A row that refers to one which is being put back is no error."""
    before = world.dump()
    world.run("INSERT INTO items VALUES (0, 'x')", "DELETE FROM orders")
    writer = world.connect(autocommit=False)
    writer.execute("INSERT INTO orders (item) VALUES (0), (1)")
    restore_while(world, writer.commit)
    world.database.restore()
    assert world.dump() == before


def test_keys_that_are_noted_meanwhile(world: Opened) -> None:
    """What a transaction wrote to a large table while the whole of it was put back is not forgotten."""
    before = world.dump()
    world.run("TRUNCATE items CASCADE; INSERT INTO items VALUES (5, 'x')")
    writer = world.connect(autocommit=False)
    writer.execute("UPDATE items SET name = 'later' WHERE id = 5; INSERT INTO items VALUES (9999, 'late')")
    assert restore_while(world, writer.commit)
    world.database.restore()
    assert world.dump() == before


def test_a_change_of_the_schema_that_comes_meanwhile(world: Opened) -> None:
    """Is undone as well."""
    before = world.dump()
    world.run("INSERT INTO doubles VALUES ('x')")
    writer = world.connect(autocommit=False)
    writer.execute("ALTER TABLE doubles DROP line")
    assert restore_while(world, writer.commit)
    world.database.restore()
    assert world.dump() == before


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_transaction_that_was_there_when_all_was_clean(world: Opened, end: str) -> None:
    """Is noticed when it commits, and then only."""
    before = world.dump()
    writer = world.connect(autocommit=False)
    writer.execute("INSERT INTO doubles VALUES ('x')")
    assert not world.database.restore()
    assert not world.database.restore()
    getattr(writer, end)()
    assert world.database.restore() == (end == "commit")
    assert world.dump() == before


def test_a_restore_that_somebody_cancels(world: Opened) -> None:
    """What the server says of it goes through as it is, and the next restore does what this one could not."""
    before = world.dump()
    writer = world.connect(autocommit=False)
    writer.execute("UPDATE users SET name = 'x' WHERE id = 1")
    world.run("INSERT INTO users (email) VALUES ('early')")
    pid = world.database.administration.connection.info.backend_pid

    def cancel() -> None:
        with world.look("postgres") as look:
            look.execute("SELECT pg_cancel_backend(%s)", [pid])

    with pytest.raises(psycopg.errors.QueryCanceled):
        restore_while(world, cancel)
    writer.rollback()
    assert world.database.restore()
    assert world.dump() == before
