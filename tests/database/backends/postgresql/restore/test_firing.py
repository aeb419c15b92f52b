"""Triggers and rules of the application do not act during a restore, and are as they were after it."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.backends.postgresql.restore.opened import Opened

AUDIT = "SELECT what FROM audit ORDER BY n"


@pytest.mark.parametrize("table", ["guarded", "watched", "parts", "ruled", "protected"])
def test_nothing_fires_during_a_restore(world: Opened, table: str) -> None:
    """Not even a trigger or a rule that is always on, nor one on a partition."""
    before = world.dump()
    world.run(f"INSERT INTO {table} VALUES (50)")
    assert world.database.restore()
    assert world.rows(AUDIT) == []
    assert world.dump() == before


def test_they_fire_afterwards(world: Opened) -> None:
    """What was switched off for a restore is on again."""
    world.run("DELETE FROM guarded; DELETE FROM watched; DELETE FROM parts; INSERT INTO protected VALUES (2)")
    world.database.restore()
    world.run(
        "DELETE FROM guarded; DELETE FROM watched WHERE id = 1; DELETE FROM parts; DELETE FROM protected"
    )
    assert world.rows(AUDIT) == ["guarded DELETE", "watched DELETE", "parts_low DELETE"]
    assert world.rows("SELECT count(*) FROM protected") == [1]


def test_a_trigger_that_refuses(world: Opened) -> None:
    """A trigger that forbids what a restore does is not asked."""
    world.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;"
        "CREATE TRIGGER refuse BEFORE DELETE ON doubles FOR EACH ROW EXECUTE FUNCTION refuse();"
        "ALTER TABLE doubles ENABLE ALWAYS TRIGGER refuse"
    )
    world.database.mark_baseline()
    world.run("INSERT INTO doubles VALUES ('new')")
    assert world.database.restore()
    with pytest.raises(psycopg.errors.RaiseException, match="refused"):
        world.run("DELETE FROM doubles")
