"""What bringing a PostgreSQL baseline back costs, alone: ``python -m benchmarks.postgresql_restore``.

One server, the one that hermetic starts. Rows are written and committed through a connection of the application's; then
the way back is timed, all ways in turns within each round, beside the round trip (``SELECT 1``) that nothing can beat.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import psycopg
from pytest_postgresql.janitor import DatabaseJanitor
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Numeric, String, Table, create_engine

from benchmarks.projects import workplace
from benchmarks.results import Json, Report, keep, table
from benchmarks.samples import quartiles, ratios, sample
from hermetic.database.backends.postgresql.restore.worker import PostgresqlDatabase
from hermetic.database.backends.postgresql.server import new_instance
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.templates import Built
from hermetic.database.urls import sync_url

TABLES = (1, 10, 60, 300)
SEED_ROWS = 10
ROUNDS = 40
TRIP, SAVEPOINT = "`SELECT 1`, the same session", "savepoint and its rollback, one shared connection"
CLEAN, DIRTY = "hermetic, nothing written", "hermetic, 1 table written"
MANY_ROWS = 1_000_000
MANY_RESTORES = 10_000

Connection = psycopg.Connection[Any]


@dataclass
class Way:
    """A way back to the baseline, and what it took.

    Attributes:
        title: What the table calls it.
        before: What is done, untimed, before it.
        back: Bring the baseline back.
        times_a_round: How often it is measured in a round; slow ones less often.
        us: Microseconds that each took.
    """

    title: str
    back: Callable[[], object]
    before: Callable[[], object] = lambda: None
    times_a_round: int = 5
    us: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Measure it once."""
        self.before()
        started = perf_counter_ns()
        self.back()
        self.us.append((perf_counter_ns() - started) / 1000)


def schema(tables: int) -> MetaData:
    """Return tables of four columns, an index and a foreign key each."""
    metadata = MetaData()
    for number in range(tables):
        Table(
            f"things_{number:03}",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("before", ForeignKey(f"things_{max(number - 1, 0):03}.id"), index=True),
            Column("title", String(200), nullable=False),
            Column("amount", Numeric(10, 2), nullable=False),
        )
    return metadata


class Shop:
    """One database with a schema and seed rows.

    Args:
        host: The server.
        name: The database.
        tables: How many tables.
        rows: How many rows each has.
    """

    def __init__(self, host: PostgresqlHost, name: str, tables: int, rows: int = SEED_ROWS) -> None:
        self.metadata = schema(tables)
        self.database = PostgresqlDatabase(name, host, "app", lambda *_: None)
        self.engine = create_engine(sync_url(self.database.url))
        self.rows = rows
        self.database.fill(lambda: name, self._build, lambda note: "")
        self.engine.dispose()
        self.application = psycopg.connect(self.dsn, autocommit=True)
        self.opened = ExitStack()

    def _build(self) -> Built:
        self.database.ensure()
        self.metadata.create_all(self.engine)
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            self.seed(connection)
        return Built()

    @property
    def dsn(self) -> str:
        """Where it is, as libpq takes it."""
        return self.database.url.render_as_string(hide_password=False)

    def seed(self, connection: Connection) -> None:
        """Write the seed rows."""
        for each in self.metadata.sorted_tables:
            connection.execute(
                f"INSERT INTO {each.name} (title, amount)"
                f" SELECT 'seed ' || n, n FROM generate_series(1, {self.rows}) n"
            )

    def write(self, tables: int) -> None:
        """Write a row to each of some tables."""
        for number in range(tables):
            self.application.execute(
                f"INSERT INTO things_{number:03} (title, amount) VALUES ('of a test', 1)"
            )

    def restore(self) -> None:
        """Bring the baseline back as hermetic does."""
        self.database.restore()

    def check(self) -> None:
        """Raise unless the baseline is there."""
        query = "SELECT count(*), (SELECT max(id) FROM things_000) FROM things_000"
        found = self.application.execute(query).fetchone()
        if found != (self.rows, self.rows):
            raise AssertionError(f"the baseline is not back: {found}")

    def close(self) -> None:
        """Close what is open, and drop the database."""
        self.opened.close()
        self.application.close()
        self.engine.dispose()
        self.database.close()


def hermetic_ways(shop: Shop) -> list[Way]:
    """The round trip, a savepoint's way back, and ours."""
    round_trip = shop.database.administration.one
    savepoint = shop.opened.enter_context(shop.engine.connect())
    savepoint.begin()

    def rolled_back() -> None:
        nested = savepoint.begin_nested()
        nested.rollback()

    return [
        Way(TRIP, lambda: round_trip("SELECT 1")),
        Way(SAVEPOINT, rolled_back),
        Way(CLEAN, shop.restore, lambda: None),
        Way(DIRTY, shop.restore, lambda: shop.write(1)),
        Way(
            "hermetic, 3 tables written", shop.restore, lambda: shop.write(min(3, len(shop.metadata.tables)))
        ),
    ]


def usual_ways(shop: Shop, host: PostgresqlHost) -> list[Way]:
    """What suites do today."""
    names = ", ".join(each.name for each in shop.metadata.sorted_tables)
    backwards = [each.name for each in reversed(shop.metadata.sorted_tables)]
    connection = shop.opened.enter_context(psycopg.connect(shop.dsn, autocommit=True))

    def delete() -> None:
        with connection.transaction():
            for name in backwards:
                connection.execute(f"DELETE FROM {name}")
            shop.seed(connection)

    def truncate() -> None:
        with connection.transaction():
            connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
            shop.seed(connection)

    def recreate() -> None:
        shop.metadata.drop_all(shop.engine)
        shop.metadata.create_all(shop.engine)
        shop.seed(connection)

    def clone() -> None:
        host.create("bench_clone", "app", template)
        psycopg.connect(host.url("bench_clone", "app").render_as_string(hide_password=False)).close()
        host.drop("bench_clone")

    template = f"{shop.database.name}_template"
    host.create(template, "app")
    url = host.url(template, "app")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as made:
        engine = create_engine(sync_url(url))
        shop.metadata.create_all(engine)
        engine.dispose()
        shop.seed(made)
    janitor = DatabaseJanitor(
        user=host.instance.administrator,
        host=str(url.query["host"]),
        port=str(url.query["port"]),
        dbname="bench_janitor",
        template_dbname=template,
        password="",
    )

    def janitors_clone() -> None:
        janitor.init()
        psycopg.connect(host.url("bench_janitor", "app").render_as_string(hide_password=False)).close()
        janitor.drop()

    return [
        Way("`DELETE` from every table, seed again", delete, times_a_round=1),
        Way("`TRUNCATE` of every table, seed again", truncate, times_a_round=1),
        Way("`drop_all`, `create_all`, seed again", recreate, times_a_round=1),
        Way("a clone of a template: create, connect, drop", clone, times_a_round=1),
        Way("the same by pytest-postgresql", janitors_clone, times_a_round=1),
    ]


@contextmanager
def server(folder: Path) -> Iterator[PostgresqlHost]:
    """Start the server."""
    host = PostgresqlHost(new_instance("embedded", project=folder))
    yield host
    host.close()
    host.instance.stop()


def measure(host: PostgresqlHost, tables: int, rounds: int) -> list[Way]:
    """Measure every way with so many tables, in turns."""
    ours = Shop(host, f"bench_{tables}", tables)
    usual = Shop(host, f"bench_usual_{tables}", tables)
    ways = [*hermetic_ways(ours), *usual_ways(usual, host)]
    for number in range(rounds + 1):
        for way in ways:
            _measure_round(way, number)
        ours.check()
    ours.close()
    usual.close()
    return ways


def _measure_round(way: Way, number: int) -> None:
    """Measure a way as often as a round asks for; slow ones in each fifth round only, and the first round warms up."""
    if way.times_a_round == 1 and number % 5:
        return
    for _ in range(way.times_a_round):
        way.measure()
    if number == 0:
        way.us.clear()


def many_rows(host: PostgresqlHost, rounds: int, rows: int = MANY_ROWS) -> list[Way]:
    """One row touched of a table with a million."""
    shop = Shop(host, "bench_many_rows", 1, rows)
    update = "UPDATE things_000 SET amount = amount + 1 WHERE id = 4711"
    ways = [
        Way("one row inserted", shop.restore, lambda: shop.write(1)),
        Way("one row updated", shop.restore, lambda: shop.application.execute(update)),
    ]
    for number in range(rounds + 1):
        for way in ways:
            _measure_round(way, number)
    shop.check()
    shop.close()
    return ways


def many_restores(host: PostgresqlHost, count: int = MANY_RESTORES, tables: int = 60) -> list[float]:
    """The medians of each tenth of many restores in a row, one table of 60 written."""
    shop = Shop(host, "bench_many_restores", tables)
    way = Way("", shop.restore, lambda: shop.write(1))
    for _ in range(count):
        way.measure()
    shop.close()
    tenth = count // 10
    return [sample(way.us[start : start + tenth]).median for start in range(0, count, tenth)]


def over_the_floor(ways: Sequence[Way]) -> str:
    """Return how many times their floors' time hermetic's take, of measurements made one after the other."""
    of = {way.title: way.us for way in ways}
    return f"{quartiles(ratios(of[TRIP], of[CLEAN]))} and {quartiles(ratios(of[SAVEPOINT], of[DIRTY]))}"


def report(
    found: dict[int, list[Way]], big: list[Way], flat: Sequence[float], rounds: int, rows: int, restores: int
) -> Report:
    """Write the tables."""
    titles = [way.title for way in next(iter(found.values()))]
    lines = []
    for position, title in enumerate(titles):
        lines.append([title, *(sample(ways[position].us).text(0) for ways in found.values())])
    text = (
        "## Restore alone, PostgreSQL\n\n"
        f"Microseconds to get back to a baseline of {SEED_ROWS} rows a table, on the server that hermetic starts; "
        f"{rounds} rounds, all ways in turns.\n\n"
        + table(["way back", *(f"{number} tables" for number in found)], lines)
        + "\n\nPair by pair, with quartiles, nothing written takes this many times a `SELECT 1`, and one table so "
        "many times a savepoint's rollback: "
        + "; ".join(f"{number} tables {over_the_floor(ways)}" for number, ways in found.items())
        + ".\n\n"
        f"Of a table with {rows:,} seeded rows: "
        + "; ".join(f"{way.title} {sample(way.us).text(0)}" for way in big)
        + f". Over {restores:,} restores in a row, the medians of each tenth: "
        + ", ".join(f"{value:,.0f}" for value in flat)
        + "."
    )
    raw: dict[str, Json] = {
        "tables": {
            str(number): {way.title: [round(value, 1) for value in way.us] for way in of_these}
            for number, of_these in found.items()
        },
        "many_rows": {way.title: [round(value, 1) for value in way.us] for way in big},
        "many_restores_medians_us": [round(value, 1) for value in flat],
    }
    return Report("postgresql_restore", text, raw)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    with workplace() as folder, server(folder) as host:
        found = {tables: measure(host, tables, options.rounds) for tables in TABLES}
        big = many_rows(host, options.rounds)
        flat = many_restores(host)
    made = report(found, big, flat, options.rounds, MANY_ROWS, MANY_RESTORES)
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
