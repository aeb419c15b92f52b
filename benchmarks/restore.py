"""What bringing the baseline back costs, alone: ``python -m benchmarks.restore``.

One row is written and committed through one of three open connections; then the way back is timed. The application's
next statement is timed too, because a restore changes the schema's cookie, so that connections parse the schema again.
Everything is synchronous here: what an event loop adds is the same for all.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns

from sqlalchemy import Column, ForeignKey, Integer, MetaData, Numeric, String, Table, create_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from benchmarks.projects import workplace
from benchmarks.results import Report, keep, table
from benchmarks.samples import quartiles, ratios, sample
from hermetic.database.backends.sqlite.worker_databases import SqliteServer

TABLES = (1, 10, 60)
SEED_ROWS = 10
OPEN_CONNECTIONS = 3
ROUNDS = 30
DIRTY_TARGET_US, CLEAN_TARGET_US, TARGET_TABLES = 1000, 50, 60

DIRTY, FLOOR = "hermetic, dirty", "`backup()` into memdb, unguarded"
WRITE = "INSERT INTO things_00 (title, amount) VALUES ('written by a test', 1)"
READ = "SELECT count(*) FROM things_00"


@dataclass
class Way:
    """A way back to the baseline, and what it took.

    Attributes:
        title: What the table calls it.
        connections: The application's, open all the time.
        back: Bring the baseline back.
        writes: Whether something was written before.
        times_a_round: How often it is measured in a round; slow ones less often.
        us: Microseconds that each way back took.
        next_us: Microseconds that each next statement took.
    """

    title: str
    connections: Sequence[sqlite3.Connection]
    back: Callable[[], object]
    writes: bool = True
    times_a_round: int = 10
    us: list[float] = field(default_factory=list)
    next_us: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Write, go back, read; check that the baseline is there."""
        application = self.connections[0]
        if self.writes:
            application.execute(WRITE).close()
            application.commit()
        started = perf_counter_ns()
        self.back()
        back = perf_counter_ns()
        (count,) = application.execute(READ).fetchall()[0]
        read = perf_counter_ns()
        if count != SEED_ROWS:
            raise AssertionError(f"{self.title}: {count} rows in the table, not the baseline's {SEED_ROWS}")
        self.us.append((back - started) / 1000)
        self.next_us.append((read - back) / 1000)


def schema(tables: int) -> MetaData:
    """Return tables of four columns, an index and a foreign key each."""
    metadata = MetaData()
    for number in range(tables):
        Table(
            f"things_{number:02}",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("before", ForeignKey(f"things_{max(number - 1, 0):02}.id"), index=True),
            Column("title", String(200), nullable=False),
            Column("amount", Numeric(10, 2), nullable=False),
        )
    return metadata


def statements(metadata: MetaData) -> list[str]:
    """Return the schema's DDL."""
    made = []
    for each in metadata.sorted_tables:
        made.append(str(CreateTable(each)))
        made.extend(str(CreateIndex(index)) for index in each.indexes)
    return made


def seed(connection: sqlite3.Connection, metadata: MetaData) -> None:
    """Write the seed rows, and commit."""
    rows = [(f"seed {number}", number) for number in range(SEED_ROWS)]
    for each in metadata.sorted_tables:
        connection.executemany(f"INSERT INTO {each.name} (title, amount) VALUES (?, ?)", rows).close()
    connection.commit()


def build(connection: sqlite3.Connection, metadata: MetaData) -> None:
    """Make the schema and its seed rows."""
    for statement in statements(metadata):
        connection.execute(statement).close()
    seed(connection, metadata)


@contextmanager
def hermetic_ways(metadata: MetaData, folder: Path) -> Iterator[list[Way]]:
    """Our own restore, of a dirty database and of a clean one."""
    server = SqliteServer(folder)
    database = server.create("bench")
    dialect = create_engine("sqlite://").dialect
    opened: list[sqlite3.Connection] = [
        database.open(dialect, [], {})  # type: ignore[misc]
        for _ in range(OPEN_CONNECTIONS)
    ]
    build(opened[0], metadata)
    database.mark_baseline()
    yield [
        Way(DIRTY, opened, database.restore),
        Way("hermetic, clean", opened, database.restore, writes=False),
    ]
    server.stop()


@contextmanager
def memdb_way(metadata: MetaData, _folder: Path) -> Iterator[list[Way]]:
    """``backup()`` from memory into SQLite's in-process memdb; the fastest that SQLite has, with the traps of memdb."""
    uri = f"file:/bench-{len(metadata.tables)}?vfs=memdb"
    opened = [sqlite3.connect(uri, uri=True) for _ in range(OPEN_CONNECTIONS + 1)]
    keeper = opened.pop()
    template = sqlite3.connect(":memory:")
    build(template, metadata)
    template.backup(keeper)
    yield [Way(FLOOR, opened, lambda: template.backup(keeper))]
    for each in (*opened, keeper, template):
        each.close()


@contextmanager
def delete_way(metadata: MetaData, folder: Path) -> Iterator[list[Way]]:
    """Empty every table and write the seed rows again, in one transaction."""
    opened = [sqlite3.connect(folder / f"delete-{len(metadata.tables)}.db") for _ in range(OPEN_CONNECTIONS)]
    build(opened[0], metadata)

    def back() -> None:
        for each in reversed(metadata.sorted_tables):
            opened[1].execute(f"DELETE FROM {each.name}").close()
        seed(opened[1], metadata)

    yield [Way("`DELETE` from every table, seed again", opened, back, times_a_round=3)]
    for each in opened:
        each.close()


@contextmanager
def recreate_way(metadata: MetaData, folder: Path) -> Iterator[list[Way]]:
    """``drop_all``, ``create_all``, and the seed rows again."""
    path = folder / f"recreate-{len(metadata.tables)}.db"
    opened = [sqlite3.connect(path) for _ in range(OPEN_CONNECTIONS)]
    build(opened[0], metadata)
    engine = create_engine(f"sqlite:///{path}")

    def back() -> None:
        metadata.drop_all(engine)
        metadata.create_all(engine)
        seed(opened[1], metadata)

    yield [Way("`drop_all`, `create_all`, seed again", opened, back, times_a_round=1)]
    engine.dispose()
    for each in opened:
        each.close()


def measure(tables: int, rounds: int, folder: Path) -> list[Way]:
    """Measure every way with so many tables, in turns."""
    metadata = schema(tables)
    with (
        hermetic_ways(metadata, folder) as ours,
        memdb_way(metadata, folder) as memdb,
        delete_way(metadata, folder) as delete,
        recreate_way(metadata, folder) as recreate,
    ):
        ways = [*ours, *memdb, *delete, *recreate]
        for each in ways:  # warm up
            each.measure()
            each.us.clear()
            each.next_us.clear()
        for _ in range(rounds):
            for each in ways:
                for _ in range(each.times_a_round):
                    each.measure()
    return ways


def report(found: dict[int, list[Way]], rounds: int) -> Report:
    """Write the table, in microseconds."""
    titles = [way.title for way in next(iter(found.values()))]
    rows = []
    for position, title in enumerate(titles):
        cells = [
            f"{sample(way.us).text(0)}, then {sample(way.next_us).median:,.0f}"
            for way in (ways[position] for ways in found.values())
        ]
        rows.append([title, *cells])
    text = (
        "## Restore alone\n\n"
        f"Microseconds to get back to a baseline of {SEED_ROWS} rows a table, then those of the application's next "
        f"SELECT (a restored schema is parsed again); {OPEN_CONNECTIONS} connections open; {rounds} rounds, all ways "
        f"in turns.\n\n"
        + table(["way back", *(_tables(number) for number in found)], rows)
        + "\n\nPair by pair, with quartiles, a dirty database takes this many times the unguarded `backup()`: "
        + "; ".join(f"{_tables(number)} {over_the_floor(ways)}" for number, ways in found.items())
        + "."
    )
    raw = {
        str(number): {
            way.title: {
                "us": [round(value, 1) for value in way.us],
                "next_statement_us": [round(value, 1) for value in way.next_us],
            }
            for way in ways
        }
        for number, ways in found.items()
    }
    return Report("restore", text, {"tables": raw})


def over_the_floor(ways: Sequence[Way]) -> str:
    """Return how many times the floor's time hermetic's takes, of measurements that were made one after the other."""
    of = {way.title: way.us for way in ways}
    return quartiles(ratios(of[FLOOR], of[DIRTY]))


def _tables(number: int) -> str:
    return f"{number} table{'s' if number > 1 else ''}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    with workplace() as folder:
        found = {tables: measure(tables, options.rounds, folder) for tables in TABLES}
    made = report(found, options.rounds)
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
