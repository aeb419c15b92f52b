"""What a test costs under each recipe: ``python -m benchmarks.suite``.

Each recipe's project runs as whole pytest processes, with 30 and with 330 tests (one POST, one SELECT, 20 tables), all
recipes in turns within each round. A test's cost is the slope between the two, so that start-up cancels.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import BenchmarkFailed, Took, run_pytest
from benchmarks.projects import Project, workplace, write
from benchmarks.recipes import GUIDE_RECIPE, RECIPES, Recipe, recipe
from benchmarks.results import Json, Report, keep, table
from benchmarks.samples import ratios, sample, slope
from benchmarks.shop import TABLES

FEW, MANY = 30, 330
ROUNDS = 3
AT_ONCE = 10
AT_ONCE_REFUSED = 5
TARGET = 15


@dataclass(frozen=True)
class AtOnce:
    """What came of concurrent requests in one test.

    Attributes:
        sent: How many were sent that should succeed.
        answered_201: How many of them were answered 201.
        left_their_row: How many of those have their row afterwards.
        errors: The first line of each different error.
    """

    sent: int
    answered_201: int
    left_their_row: int
    errors: tuple[str, ...]

    @property
    def works(self) -> bool:
        """Whether every request was answered and left its row."""
        return self.answered_201 == self.left_their_row == self.sent

    def text(self) -> str:
        """Write it for a table."""
        if self.works:
            return f"{self.sent} of {self.sent}"
        return f"{self.answered_201} of {self.sent} answered 201, {self.left_their_row} of these left a row"


@dataclass(frozen=True)
class Timing:
    """One recipe's part of one round: what the two processes took."""

    few: Took
    many: Took

    @property
    def slope(self) -> float:
        """Milliseconds a test."""
        return slope(FEW, self.few.wall, MANY, self.many.wall)

    @property
    def cpu_slope(self) -> float:
        """Milliseconds of the processor a test."""
        return slope(FEW, self.few.cpu, MANY, self.many.cpu)


def at_once(project: Project, *, refused: int = 0) -> AtOnce:
    """Send ten POSTs at once in one test of a project, with ``refused`` more that must be rolled back."""
    result = project.root / "at_once.json"
    variables = {
        "AT_ONCE_RESULT": str(result),
        "AT_ONCE_COUNT": str(AT_ONCE),
        "AT_ONCE_REFUSED": str(refused),
        **project.variables,
    }
    try:
        run_pytest(project.root, project.recipe.plugins, ["test_at_once.py"], variables)
    except BenchmarkFailed:
        if not result.exists():  # a fixture's teardown may fail after what the requests did to its connection
            raise
    (found,) = json.loads(result.read_text(encoding="utf-8"))
    result.unlink()
    return AtOnce(AT_ONCE, found["answered_201"], found["left_their_row"], tuple(found["errors"]))


def measure(projects: Sequence[Project], rounds: int) -> dict[str, list[Timing]]:
    """Time every project in every round, each round beginning with another one."""
    timings: dict[str, list[Timing]] = {project.recipe.key: [] for project in projects}
    for project in projects:  # compile its modules, warm the file cache
        run_pytest(
            project.root, project.recipe.plugins, [project.tests(MANY), "--collect-only"], project.variables
        )
        run_pytest(project.root, project.recipe.plugins, [project.tests(FEW)], project.variables)
    for number in range(rounds):
        for project in [*projects[number % len(projects) :], *projects[: number % len(projects)]]:
            few, many = (
                run_pytest(project.root, project.recipe.plugins, [project.tests(count)], project.variables)
                for count in (FEW, MANY)
            )
            timings[project.recipe.key].append(Timing(few, many))
    return timings


def report(
    recipes: Sequence[Recipe],
    timings: dict[str, list[Timing]],
    concurrency: dict[str, tuple[AtOnce, AtOnce]],
    tables: int = TABLES,
) -> Report:
    """Write the table."""
    slopes = {key: [each.slope for each in of] for key, of in timings.items()}
    base = slopes[GUIDE_RECIPE.key]
    rows = []
    for each in recipes:
        plain, mixed = concurrency[each.key]
        times = sample(ratios(slopes[each.key], base))
        cpu = sample([timing.cpu_slope for timing in timings[each.key]])
        may = f"yes: {plain.text()}" if plain.works and mixed.works else f"no: {_broken(plain, mixed)}"
        rows.append([each.title, sample(slopes[each.key]).text(), times.text(), cpu.text(), may])
    head = (
        "recipe",
        "ms a test",
        "times faster than the guide's",
        "of the processor, ms",
        "may the application commit concurrently?",
    )
    text = (
        "## A test's cost\n\n"
        f"One POST that commits, one SELECT; {tables} tables of eight columns, a foreign key and two indexes; "
        "SQLite through aiosqlite; files in a memory-backed folder. "
        f"Milliseconds a test: the slope between whole pytest runs of {FEW} and {MANY} tests, "
        f"{len(base)} rounds, all recipes in turns. Concurrency: {AT_ONCE} POSTs at once in one test, then {AT_ONCE} "
        f"beside {AT_ONCE_REFUSED} that are refused and rolled back.\n\n{table(head, rows)}"
    )
    raw: dict[str, Json] = {
        each.key: {
            "seconds_few": [round(timing.few.wall, 4) for timing in timings[each.key]],
            "seconds_many": [round(timing.many.wall, 4) for timing in timings[each.key]],
            "ms_a_test": [round(value, 4) for value in slopes[each.key]],
            "cpu_ms_a_test": [round(timing.cpu_slope, 4) for timing in timings[each.key]],
            "at_once": [_raw(result) for result in concurrency[each.key]],
        }
        for each in recipes
    }
    return Report("suite", text, {"few": FEW, "many": MANY, "tables": tables, "recipes": raw})


def _broken(plain: AtOnce, mixed: AtOnce) -> str:
    if not plain.works:
        return plain.text()
    return f"beside {AT_ONCE_REFUSED} rollbacks {mixed.text()}"


def _raw(result: AtOnce) -> Json:
    return {
        "sent": result.sent,
        "answered_201": result.answered_201,
        "left_their_row": result.left_their_row,
        "errors": list(result.errors),
    }


def run(recipes: Sequence[Recipe], rounds: int, folder: Path, *, tables: int = TABLES) -> Report:
    """Write the projects, measure them, and report."""
    projects = [write(each, folder, tables=tables) for each in recipes]
    concurrency = {p.recipe.key: (at_once(p), at_once(p, refused=AT_ONCE_REFUSED)) for p in projects}
    return report(recipes, measure(projects, rounds), concurrency, tables)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--tables", type=int, default=TABLES, help="nothing is kept unless it is %(default)s")
    parser.add_argument("--only", nargs="+", metavar="RECIPE", help="keys of recipes; nothing is kept then")
    options = parser.parse_args(arguments)
    wanted = [recipe(key) for key in options.only] if options.only else list(RECIPES)
    if GUIDE_RECIPE not in wanted:
        wanted.append(GUIDE_RECIPE)
    with workplace() as folder:
        found = run(wanted, options.rounds, folder, tables=options.tables)
    if not options.only and options.tables == TABLES:
        keep(found)
    print(found.text)


if __name__ == "__main__":
    main()
