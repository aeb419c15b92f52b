"""Clean is clean, and nothing that was written is taken for it."""

from __future__ import annotations

import pytest

from hermetic.database.backends.postgresql.restore import administration
from tests.database.backends.postgresql.restore.opened import WORLD, Opened, Place, fixture


def test_nothing_written(world: Opened) -> None:
    """A test that only reads leaves nothing to undo, and the log is not looked behind."""
    assert not world.database.restore()
    for _ in range(3):
        world.run("SELECT * FROM users", "SELECT last_value FROM free", "BEGIN; SELECT 1; COMMIT")
        assert not world.database.restore()
        assert not world.database.dirty()


def test_nobody_wrote_at_all(superuser: Place) -> None:
    """Then the place in the log tells, in one question."""
    opened = superuser.database(WORLD)
    for _ in range(
        5
    ):  # a first look at a page may leave a hint in it, and the server writes to its log now and then
        opened.database.restore()
        opened.run("SELECT * FROM users")
        if opened.database._baseline.is_untouched():
            break
    assert opened.database._baseline.is_untouched()
    opened.run("DELETE FROM quick")
    assert not opened.database._baseline.is_untouched()
    opened.close()


def test_nextval_alone(world: Opened) -> None:
    """A sequence that moves is noticed, every time."""
    for _ in range(3):
        world.database.restore()
        world.run("SELECT nextval('free')")
        assert world.database.restore()
        assert world.rows("SELECT last_value, is_called FROM free") == [(100, False)]


def test_an_unlogged_sequence(place: Place) -> None:
    """It moves without a word in the log, and is noticed all the same."""
    opened = place.database("CREATE UNLOGGED TABLE t (id serial); CREATE UNLOGGED SEQUENCE s")
    for _ in range(2):
        opened.database.restore()
        opened.database.restore()
        opened.run("SELECT nextval('s')")
        assert opened.database.restore()
        layer = opened.layer("wide", "SELECT nextval('s'), nextval('s')")
        assert not opened.database.restore()
        opened.database.remove_layer(layer)
        assert opened.database.restore()
        assert opened.rows("SELECT last_value, is_called FROM s") == [(1, False)]
    opened.close()


def test_a_sequence_that_a_layer_moved(world: Opened) -> None:
    """Goes on from there in each test."""
    world.layer("wide", "SELECT nextval('free'), nextval('free')")
    for _ in range(2):
        assert not world.database.restore()
        world.run("SELECT nextval('free')")
        assert world.database.restore()
        assert world.rows("SELECT last_value FROM free") == [105]


def test_settings_of_the_database(place: Place) -> None:
    """What an application sets for all sessions of its database does not change how it is restored."""
    opened = place.database(WORLD)
    before = opened.dump()
    name = opened.database.name
    opened.run(
        f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'",
        f"ALTER DATABASE {name} SET default_transaction_read_only = on",
        f"ALTER DATABASE {name} SET search_path = tenant",
        f"ALTER DATABASE {name} SET DateStyle = 'German'",
    )
    opened.database._baseline.disconnect()
    connection = opened.connect(options="-c default_transaction_read_only=off")
    connection.execute("DELETE FROM public.users; INSERT INTO users (name) VALUES ('x')")
    assert opened.database.restore()
    assert opened.dump() == before
    opened.close()


def test_tables_stay_small(world: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that restores leave behind are tidied up."""
    monkeypatch.setattr(administration, "EVERY", 10)
    sizes = []
    for _ in range(3):
        for _ in range(30):
            world.run("UPDATE readings SET v = 0; SELECT pg_stat_force_next_flush()")
            world.database.restore()
        sizes += world.rows("SELECT pg_relation_size('readings')")
    assert sizes[-1] <= 2 * sizes[0]


def test_a_database_that_nobody_used(superuser: Place) -> None:
    """Is not even made."""
    opened = superuser.database()
    opened.database.mark_baseline()
    start = opened.database.begin_layer()
    assert not opened.database.restore()
    assert not opened.database.dirty()
    assert opened.database.end_layer(start, fixture("wide")) is None
    assert not opened.database.exists
    opened.close()
