"""What a test costs on PostgreSQL under each recipe: ``python -m benchmarks.postgresql_suite``.

As ``benchmarks.suite``, through asyncpg. All recipes use a server of the same kind, the one that hermetic starts: the
others' is started once and told to them by ``DATABASE_URL``; hermetic's own runs start theirs, and the slope between
runs of 30 and 330 tests takes that out. What a first test waits for is measured apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.postgresql_restore import server
from benchmarks.processes import run_pytest
from benchmarks.projects import Project, workplace, write
from benchmarks.recipes.postgresql import HERMETIC_SESSION, RECIPES, RECREATE, SAVEPOINT
from benchmarks.results import Json, Report, keep, table
from benchmarks.samples import ratios, sample
from benchmarks.shop import TABLES
from benchmarks.suite import AT_ONCE, AT_ONCE_REFUSED, FEW, MANY, AtOnce, Timing, at_once, measure
from hermetic.database.backends.postgresql.server.host import PostgresqlHost

ROUNDS = 3
STARTS = 10

ONE_TEST = """\
async def test_it({arguments}):
    {body}
"""


def projects(host: PostgresqlHost, folder: Path) -> list[Project]:
    """Write the recipes' projects; each that does not use hermetic has a database of its own."""
    written = []
    for each in RECIPES:
        variables = {"HERMETIC_CACHE": str(folder / "cache")}
        if each.conftest:
            database = f"bench_{each.key}"
            host.create(database, "app")
            url = host.url(database, "app").set(drivername="postgresql+asyncpg")
            variables["DATABASE_URL"] = url.render_as_string(hide_password=False)
        written.append(write(each, folder, variables=variables))
    return written


def starts(project: Project, rounds: int) -> dict[str, list[float]]:
    """Time whole runs of one test, with the database and without, warm."""
    root = project.root
    plain = ONE_TEST.format(
        arguments="async_client",
        body='assert (await async_client.get("/openapi.json")).status_code == 200',
    )
    used = ONE_TEST.format(
        arguments="async_client",
        body='assert (await async_client.post("/api/users", json={"name": "a", "email": "b"})).status_code == 201',
    )
    (root / "test_plain.py").write_text(plain, encoding="utf-8")
    (root / "test_used.py").write_text(used, encoding="utf-8")
    took: dict[str, list[float]] = {"without": [], "with": []}
    for number in range(rounds + 1):
        for key, file in (("without", "test_plain.py"), ("with", "test_used.py")):
            seconds = run_pytest(root, project.recipe.plugins, [file], project.variables).wall
            if number:
                took[key].append(seconds * 1000)
    return took


def report(
    timings: dict[str, list[Timing]],
    concurrency: dict[str, tuple[AtOnce, AtOnce]],
    took: dict[str, list[float]],
) -> Report:
    """Write the tables."""
    slopes = {key: [each.slope for each in of] for key, of in timings.items()}
    rows = []
    for each in RECIPES:
        plain, mixed = concurrency[each.key]
        works = plain.works and mixed.works
        rows.append(
            [
                each.title,
                sample(slopes[each.key]).text(),
                sample(ratios(slopes[each.key], slopes[RECREATE.key])).text(),
                sample([1 / value for value in ratios(slopes[each.key], slopes[SAVEPOINT.key])]).text(2),
                f"yes: {plain.text()}"
                if works
                else f"no: {plain.text() if not plain.works else mixed.text()}",
            ]
        )
    head = (
        "recipe",
        "ms a test",
        "times faster than `drop_all` and `create_all`",
        "times what the savepoint takes",
        "may the application commit concurrently?",
    )
    added = sample([used - plain for used, plain in zip(took["with"], took["without"], strict=True)])
    text = (
        "## A test's cost, PostgreSQL\n\n"
        f"One POST that commits, one SELECT; {TABLES} tables of eight columns, a foreign key and two indexes; asyncpg. "
        f"Milliseconds a test: the slope between whole pytest runs of {FEW} and {MANY} tests, "
        f"{len(slopes[RECREATE.key])} rounds, all recipes in turns. Concurrency: {AT_ONCE} POSTs at once in one test, "
        f"then {AT_ONCE} beside {AT_ONCE_REFUSED} that are refused and rolled back.\n\n{table(head, rows)}\n\n"
        f"A first test that uses the database, its server started and its template cloned, ends {added.text(0)} ms "
        f"later than one that uses none (warm cache, {len(took['with'])} pairs of runs)."
    )
    raw: dict[str, Json] = {
        each.key: {
            "seconds_few": [round(timing.few.wall, 4) for timing in timings[each.key]],
            "seconds_many": [round(timing.many.wall, 4) for timing in timings[each.key]],
            "ms_a_test": [round(value, 4) for value in slopes[each.key]],
        }
        for each in RECIPES
    }
    raw["first_test_ms"] = {key: [round(value, 1) for value in values] for key, values in took.items()}
    return Report("postgresql_suite", text, raw)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    with workplace() as folder, server(folder) as host:
        written = projects(host, folder)
        concurrency = {
            each.recipe.key: (at_once(each), at_once(each, refused=AT_ONCE_REFUSED)) for each in written
        }
        timings = measure(written, options.rounds)
        took = starts(next(each for each in written if each.recipe is HERMETIC_SESSION), STARTS)
    made = report(timings, concurrency, took)
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
