"""Layers that come and go in any order, against a model of plain dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings

from tests.database.backends.playing_layers import (
    Cell,
    NextTest,
    Play,
    Rows,
    SetUp,
    TearDown,
    Topmost,
    Write,
    plays,
)
from tests.database.backends.postgresql.restore.opened import Connection, Opened, Place

SCHEMA = """
CREATE TABLE plain (k integer PRIMARY KEY, v text);
CREATE TABLE keyless (k integer PRIMARY KEY, v text); -- large, put back by the row
CREATE TABLE texts (k text PRIMARY KEY, v text, doubled text GENERATED ALWAYS AS (v || v) STORED);
CREATE TABLE flat (k integer, part integer DEFAULT 1, v text, PRIMARY KEY (k, part)) PARTITION BY RANGE (k);
CREATE TABLE flat_low PARTITION OF flat FOR VALUES FROM (0) TO (2);
CREATE TABLE flat_high PARTITION OF flat FOR VALUES FROM (2) TO (10);
INSERT INTO plain VALUES (1, 'one');
INSERT INTO keyless SELECT n, 'filler' FROM generate_series(100, 700) n;
INSERT INTO keyless VALUES (1, 'one'), (2, 'two');
INSERT INTO texts (k, v) VALUES (1, 'one');
INSERT INTO flat (k, v) VALUES (1, 'one');
"""
TABLES = ("plain", "keyless", "texts", "flat")
LONG = settings.default is not None and settings.default.max_examples > 100
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@dataclass(eq=False)
class Table:
    """The rows of the database; a value is kept as Python writes it."""

    connection: Connection
    values: dict[str, object] = field(default_factory=dict)

    def read(self) -> Rows:
        """Read what the database holds."""
        return {
            (table, int(key)): self.values.get(value, value)
            for table in TABLES
            for key, value in self.connection.execute(
                f"SELECT k, v FROM {table} WHERE k::integer < 100"
            ).fetchall()
        }

    def write(self, cell: Cell, value: object) -> None:
        """Write one row."""
        table, key = cell
        if value is None:
            self.connection.execute(f"DELETE FROM {table} WHERE k::integer = %s", [key])
            return
        self.values[repr(value)] = value
        target = "k, part" if table == "flat" else "k"
        self.connection.execute(
            f"INSERT INTO {table} (k, v) VALUES (%s, %s) ON CONFLICT ({target}) DO UPDATE SET v = excluded.v",
            [key, repr(value)],
        )


@dataclass(eq=False)
class Stage:
    """A worker database that is as it was after each play; another one after each that fails."""

    place: Place
    _opened: Opened | None = None

    def do(self, steps: list[Write | SetUp | TearDown | NextTest]) -> None:
        """Do a play, and look that everything is as before."""
        self._opened = opened = self._opened or self.place.database(SCHEMA)
        try:
            before = opened.dump()
            with opened.connect() as connection:
                Play(opened.database, Table(connection), Topmost).do(steps)
            assert opened.dump() == before
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Drop the database."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None


@pytest.fixture
def stage(place: Place) -> Iterator[Stage]:
    """Where plays are done."""
    made = Stage(place)
    yield made
    made.close()


@settings(max_examples=500 if LONG else 20, suppress_health_check=CHECKS)
@given(steps=plays)
def test_any_order_of_layers(stage: Stage, steps: list[Write | SetUp | TearDown | NextTest]) -> None:
    """After each restore the rows are the base's and the living layers', and at the end the base is back whole."""
    stage.do(steps)
