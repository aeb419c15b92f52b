"""Large tables are put back by the rows that were touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database.backends.postgresql.restore.opened import WORLD, Opened, Place
from tests.database.backends.postgresql.restore.operations import TOUCHES


@pytest.mark.parametrize("script", TOUCHES.values(), ids=TOUCHES.keys())
def test_rows_touched(place: Place, script: str) -> None:
    """Whatever touched them, and however often."""
    with place.used(WORLD) as (world, before):
        world.run(script)
        assert world.database.restore()
        assert world.dump() == before
        assert not world.database.restore()


@pytest.fixture
def keyed(superuser: Place) -> Iterator[Opened]:
    """Tables whose keys are of odd kinds."""
    opened = superuser.database(
        """
        CREATE DOMAIN moment AS timestamptz;
        CREATE TABLE moments (at moment PRIMARY KEY, v text);
        INSERT INTO moments SELECT '2026-01-01Z'::timestamptz + n * '1 hour'::interval FROM generate_series(1, 600) n;
        CREATE EXTENSION citext;
        CREATE TABLE mails (mail citext PRIMARY KEY, "k" text, "s" text);
        INSERT INTO mails SELECT 'Mail ' || n FROM generate_series(1, 600) n;
        CREATE TABLE made_up (a integer, b integer GENERATED ALWAYS AS (a % 3) STORED, c integer, PRIMARY KEY (c, b));
        INSERT INTO made_up (a, c) SELECT n, n / 3 FROM generate_series(1, 600) n;
        CREATE TABLE "odd " ("k k" integer, "t" text COLLATE "C", "hermetic" uuid DEFAULT gen_random_uuid(),
            PRIMARY KEY ("t", "k k"));
        INSERT INTO "odd " SELECT n, 't' || n FROM generate_series(1, 600) n;
        """
    )
    yield opened
    opened.close()


def by_row(opened: Opened) -> list[str]:
    """Return the tables that are put back by the row."""
    return [
        str(name) for name in opened.rows("SELECT name FROM pg_hermetic.tables WHERE by_row ORDER BY name")
    ]


def test_which_tables(keyed: Opened) -> None:
    """A key whose text depends on the session's settings does not do."""
    assert by_row(keyed) == ['public."odd "', "public.made_up", "public.mails"]


@pytest.mark.parametrize(
    "statement",
    [
        "SET TimeZone = 'Asia/Tokyo'; DELETE FROM moments WHERE at > '2026-01-20Z';"
        "UPDATE moments SET v = 'x' WHERE at = '2026-01-02Z'",
        "UPDATE mails SET mail = 'MAIL 5', k = 'x' WHERE mail = 'mail 5'; DELETE FROM mails WHERE mail = 'mail 6'",
        "UPDATE made_up SET a = a + 3 WHERE c = 7; DELETE FROM made_up WHERE c = 8",
        """UPDATE "odd " SET "t" = 'x', "hermetic" = NULL WHERE "k k" < 9""",
    ],
)
def test_odd_keys(keyed: Opened, statement: str) -> None:
    """They are put back all the same."""
    before = keyed.dump()
    keyed.run(statement)
    assert keyed.database.restore()
    assert keyed.dump() == before


def test_the_cost(superuser: Place) -> None:
    """Rows that nobody touched are not written again."""
    opened = superuser.database(WORLD)
    opened.run("UPDATE items SET name = 'x' WHERE id = 3")
    opened.database.restore()
    assert opened.rows(
        "SELECT count(*) FROM items WHERE xmin::text::bigint > (SELECT min(xmin::text::bigint) FROM items)"
    ) == [1]
    opened.close()
