"""Materialized views under layers: what a test refreshes is as stale again as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database.backends.postgresql.restore.opened import Opened, Place

SCHEMA = """
CREATE TABLE users (id serial PRIMARY KEY, age integer);
INSERT INTO users (age) VALUES (36);
CREATE MATERIALIZED VIEW number AS SELECT count(*) AS n FROM users;
CREATE MATERIALIZED VIEW twice AS SELECT 2 * n AS n FROM number;
CREATE MATERIALIZED VIEW per_year AS SELECT 100 / age AS n FROM users;
"""
OID = "SELECT oid::integer FROM pg_database WHERE datname = current_database()"
REFRESH = "REFRESH MATERIALIZED VIEW number; REFRESH MATERIALIZED VIEW twice"
ADD = "INSERT INTO users (age) VALUES (20)"


@pytest.fixture
def opened(place: Place) -> Iterator[Opened]:
    """A worker database with views."""
    with place.lent(SCHEMA) as lent:
        yield lent


def test_a_fixture_that_does_not_refresh(opened: Opened) -> None:
    """Its rows are not in the view; a test that refreshes is undone all the same, before and after the fixture."""
    before = opened.dump()
    layer = opened.layer("rows", ADD)
    during = opened.dump()
    for _ in range(2):
        opened.run(REFRESH)
        assert opened.rows("SELECT number.n, twice.n FROM number, twice") == [(2, 4)]
        assert opened.database.restore()
        assert opened.dump() == during
    opened.database.remove_layer(layer)
    opened.database.restore()
    assert opened.dump() == before
    opened.run(ADD, REFRESH)
    opened.database.restore()
    assert opened.dump() == before


def test_a_fixture_that_refreshes(opened: Opened) -> None:
    """The view has its rows for as long as it lives."""
    before = opened.dump()
    layer = opened.layer("rows", ADD, REFRESH)
    during = opened.dump()
    opened.run("DELETE FROM users", REFRESH)
    opened.database.restore()
    assert opened.dump() == during
    opened.database.remove_layer(layer)
    opened.database.restore()
    assert opened.dump() == before


def test_after_the_fixture_a_refresh_is_undone_in_place(superuser: Place) -> None:
    """What is stale while the fixture lives needs a copy; what holds what its query returns is refreshed again."""
    opened = superuser.database(SCHEMA)
    opened.database.remove_layer(opened.layer("rows", ADD))
    opened.database.restore()
    oid = opened.rows(OID)
    opened.run(ADD, REFRESH)
    opened.database.restore()
    assert opened.rows(OID) == oid
    opened.close()


def test_a_fixture_that_comes_after_the_test_has_written(opened: Opened) -> None:
    """The rows that its view would have are looked at when the test's are gone."""
    opened.run("UPDATE users SET age = 50")
    layer = opened.layer("rows", ADD)
    opened.run(REFRESH)
    opened.database.restore()
    during = opened.dump()
    assert opened.rows("SELECT n FROM number") == [1]
    opened.run(REFRESH)
    opened.database.restore()
    assert opened.dump() == during
    opened.database.remove_layer(layer)
    opened.database.restore()


def test_rows_on_which_a_query_fails(opened: Opened) -> None:
    """A fixture may write what a view's query cannot read."""
    layer = opened.layer("rows", "INSERT INTO users (age) VALUES (0)")
    during = opened.dump()
    opened.run(ADD, "UPDATE users SET age = 5 WHERE age = 0; REFRESH MATERIALIZED VIEW per_year")
    opened.database.restore()
    assert opened.dump() == during
    opened.database.remove_layer(layer)
    opened.database.restore()
