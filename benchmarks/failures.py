"""What recording and the guards cost the tests that pass: ``python -m benchmarks.failures``.

For whoever reads a failure later, hermetic listens while tests run (``hermetic_failures = full``), and guards watch.
One process runs 1,320 tests of the suite benchmark, of which every other pair has both as by default, so that each test
has a neighbour that has neither: whole processes differ by more than what is looked for. ``FAILURES_PART=recording``
or ``guards`` measures one of them alone.

On a machine that does something else, times differ by more than that, too. So another process counts the bytecodes that
the same tests execute with and without, which are the same everywhere: they say nothing of how long each takes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from benchmarks.processes import run_pytest
from benchmarks.projects import Project, workplace, write
from benchmarks.recipes import HERMETIC_RECIPE
from benchmarks.results import Json, Report, keep, table
from benchmarks.samples import sample

RECIPE = replace(HERMETIC_RECIPE, key="alternating", conftest="alternating.py")
TESTS = 1_320
ROUNDS = 5
COUNTED = 162
"""Tests whose bytecodes are counted: each takes ten times as long."""

TARGET = 3.0
"""Percent of a test's time at the most."""


@dataclass(frozen=True)
class Round:
    """One process: milliseconds of the processor, or bytecodes, each test ``off`` beside the ``on`` of its rank."""

    off: tuple[float, ...]
    on: tuple[float, ...]

    @property
    def added(self) -> float:
        """What they add to a test: the median of the pairs."""
        return median(on - off for on, off in zip(self.on, self.off, strict=True))

    @property
    def percent(self) -> float:
        """The same, of what a test takes without."""
        return self.added / median(self.off) * 100


def rounds_of(taken: Sequence[tuple[bool, float]], unit: float = 0.001) -> Round:
    """Return the pairs of a process, in milliseconds of its seconds; a last one without its neighbour is left out."""
    sides = {side: [amount / unit for is_on, amount in taken if is_on is side] for side in (False, True)}
    count = min(map(len, sides.values()))
    return Round(tuple(sides[False][:count]), tuple(sides[True][:count]))


def measure(project: Project, tests: int, rounds: int) -> list[Round]:
    """Run so many processes."""
    result = project.root / "taken.json"
    found = []
    for _ in range(rounds):
        run_pytest(
            project.root, project.recipe.plugins, [project.tests(tests)], {"FAILURES_RESULT": str(result)}
        )
        found.append(rounds_of(json.loads(result.read_text(encoding="utf-8"))))
    return found


def count(project: Project, tests: int) -> Round:
    """Run one process, and count bytecodes."""
    result = project.root / "counted.json"
    variables = {"FAILURES_RESULT": str(result), "FAILURES_BYTECODES": "1"}
    run_pytest(project.root, project.recipe.plugins, [project.tests(tests)], variables)
    return rounds_of(json.loads(result.read_text(encoding="utf-8")), unit=1)


def report(found: Sequence[Round], counted: Round) -> Report:
    """Write the table."""
    row = [
        "one POST that commits, one SELECT",
        sample([median(each.off) for each in found]).text(2),
        sample([each.added for each in found]).text(2),
        sample([each.percent for each in found]).text(),
        f"{median(counted.off):,.0f}",
        f"{counted.added:,.0f}",
        f"{counted.percent:.1f}",
    ]
    head = (
        *("a test", "ms without", "ms that they add", "percent"),
        *("bytecodes without", "that they add", "percent of them"),
    )
    text = (
        "## What recording and the guards cost a test that passes\n\n"
        "`hermetic_failures = full` and the guards by default beside all of them `off`, milliseconds of the processor: "
        f"the median of {len(found[0].on)} pairs of neighbours in one process, {len(found)} processes. Bytecodes, which"
        f" no other process disturbs: the median of {len(counted.on)} pairs in one.\n\n"
        f"{table(head, [row])}"
    )
    raw: Json = {
        "off_ms": [[round(value, 3) for value in each.off] for each in found],
        "on_ms": [[round(value, 3) for value in each.on] for each in found],
        "off_bytecodes": [*counted.off],
        "on_bytecodes": [*counted.on],
    }
    return Report("failures", text, raw)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--tests", type=int, default=TESTS, help="nothing is kept unless it is %(default)s")
    options = parser.parse_args(arguments)
    with workplace() as folder:
        project = write(RECIPE, folder)
        made = report(
            measure(project, options.tests, options.rounds), count(project, min(options.tests, COUNTED))
        )
    if options.tests == TESTS:
        keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
