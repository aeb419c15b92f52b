"""What this revision costs beside an earlier one, pair by pair: ``python -m benchmarks.pairs REVISION``.

Each side is a process that measures only when it is its turn: a pair is two rounds some tens of milliseconds apart, so
that what else the machine does hits both. A whole test is paired by whole runs of pytest, as by default, and with
recording and the guards off on both sides: these have limits of their own, which ``benchmarks.failures`` measures.
Beside them stands the ratio of what is not hermetic's (a direct call, ``SELECT 1``): what that differs from one tells
how far to trust the others.

A whole test is a share of the run's start and what each more test takes; these are told apart, too. Where the machine
does something else, neither can be measured to 3 %: so the bytecodes of both are counted, which no other process
disturbs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.processes import environment, run_pytest
from benchmarks.projects import Project, workplace, write
from benchmarks.recipes import HERMETIC_RECIPE
from benchmarks.results import Json, Report, keep, table
from benchmarks.samples import quartiles, slope
from hermetic.settings import GUARDS

ROOT = Path(__file__).parents[1]
SIDE = Path(__file__).with_name("pair_side.py")
ROUNDS = 60
SUITES = 8
ONE, FEW, TESTS = 1, 30, 330
COUNTED = 60
"""Tests whose bytecodes are counted: each takes ten times as long."""

COUNTER = Path(__file__).parent / "recipes" / "counting.py"
WHOLE = "a test: a POST and a GET on SQLite, the processor's time"
START = "a run of one such test, from pytest's start to its end"
MORE = "one more test"
QUIET = "a test, with recording and all guards off on both sides"
SWITCHES = ("hermetic_failures", *(f"hermetic_{name}" for name in GUARDS))
"""What is off then, as far as a revision has it."""

Pairs = dict[str, list[tuple[float, float]]]
"""What the earlier revision took and what this one took, by what was measured."""


@dataclass(frozen=True)
class Count:
    """The bytecodes of a run on one side.

    Attributes:
        start: Those of no test: from where the first plugin is loaded until the last test has ended.
        test: Those of a test, the median of many.
    """

    start: float
    test: float


@contextmanager
def checked_out(revision: str, folder: Path) -> Iterator[Path]:
    """Check a revision out into a folder of its own."""
    tree = folder / "before"
    subprocess.run(
        ["git", "-C", str(ROOT), "worktree", "add", "--quiet", "--detach", str(tree), revision], check=True
    )
    try:
        yield tree
    finally:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(tree)], check=True)


def path_of(tree: Path) -> dict[str, str]:
    """Return the environment in which a tree's hermetic and benchmarks are imported."""
    return {"PYTHONPATH": f"{tree}:{tree / 'src'}"}


class Side:
    """A revision at work in a process of its own.

    Args:
        tree: Where the revision is checked out.
    """

    def __init__(self, tree: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(SIDE)],
            cwd=tree,
            env=environment(path_of(tree)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._next()

    def measure(self) -> Mapping[str, float]:
        """Measure a round."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._next()

    def _next(self) -> Mapping[str, float]:
        assert self._process.stdout is not None
        found: Mapping[str, float] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def parts(before: Path, after: Path, rounds: int) -> Pairs:
    """Measure restores and requests, the sides in turns, each pair begun by the other side."""
    found: Pairs = {}
    with ExitStack() as stack:
        sides = [Side(before), Side(after)]
        for side in sides:
            stack.callback(side.close)
        for number in range(rounds):
            order = sides if number % 2 else sides[::-1]
            took = {id(side): side.measure() for side in order}
            first, second = (took[id(side)] for side in sides)
            for name, value in first.items():
                found.setdefault(name, []).append((value, second[name]))
    return found


def silenced(tree: Path) -> list[str]:
    """Return pytest's arguments that switch recording and the guards off, as far as a tree's hermetic has them."""
    command = [sys.executable, "-P", "-c", "from hermetic.settings import INI; print(*INI)"]
    known = subprocess.run(
        command, cwd=tree, env=environment(path_of(tree)), stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()
    return [part for key in SWITCHES if key in known for part in ("-o", f"{key}=off")]


def cpu(tree: Path, project: Project, count: int, options: Sequence[str] = ()) -> float:
    """Run some tests with a tree's hermetic; return milliseconds of the processor."""
    arguments = [*options, project.tests(count)]
    return run_pytest(project.root, project.recipe.plugins, arguments, path_of(tree)).cpu * 1000


def whole_tests(before: Path, after: Path, project: Project, suites: int, count: int = TESTS) -> Pairs:
    """Run the same suites with each side, in turns; return the processor's milliseconds."""
    found: Pairs = {WHOLE: [], START: [], MORE: []}
    for number in range(suites + 1):
        took = {}
        for tree in (before, after) if number % 2 else (after, before):
            one, few, many = (cpu(tree, project, each) for each in (ONE, FEW, count))
            took[tree] = {
                WHOLE: many / count,
                START: one,
                MORE: slope(FEW, few / 1000, count, many / 1000),
            }
        if number:  # the first turn fills what is kept from run to run
            for name, of in found.items():
                of.append((took[before][name], took[after][name]))
    return found


def quiet_tests(
    before: Path, after: Path, project: Project, suites: int, count: int = TESTS
) -> list[tuple[float, float]]:
    """Do so with recording and the guards off on both sides, for whole tests alone."""
    options = {tree: silenced(tree) for tree in (before, after)}
    found = []
    for number in range(suites + 1):
        order = (before, after) if number % 2 else (after, before)
        took = {tree: cpu(tree, project, count, options[tree]) / count for tree in order}
        found.append((took[before], took[after]))
    return found[1:]


def counted(tree: Path, project: Project, count: int = COUNTED) -> Count:
    """Count the bytecodes of a run, whose template and rewritten tests are there from one before."""
    cpu(tree, project, count)
    shutil.copy(COUNTER, project.root)
    result = project.root / "counted.json"
    variables = {**path_of(tree), "COUNTED": str(result), "PYTHONHASHSEED": "0"}
    run_pytest(project.root, (COUNTER.stem, *project.recipe.plugins), [project.tests(count)], variables)
    found = json.loads(result.read_text(encoding="utf-8"))
    return Count(found["run"] - sum(found["tests"]), median(found["tests"]))


def report(revision: str, pairs: Pairs, counts: tuple[Count, Count] | None = None) -> Report:
    """Write the tables."""
    rows = []
    for name, values in pairs.items():
        ratios = [after / before for before, after in values]
        sides = [f"{median(pair[side] for pair in values):,.1f}" for side in (0, 1)]
        rows.append([name, *sides, quartiles(ratios, 3), str(len(values))])
    text = (
        f"## This revision beside an earlier one ({revision}), pair by pair\n\n"
        "Medians, microseconds for restores (10 tables) and requests, milliseconds for tests; then the median of the "
        "ratios of each pair, with their quartiles. Both sides ran in turns, in one run. What is not hermetic's "
        "(`SELECT 1`, a savepoint, `backup()`, a direct call) tells how far a ratio can be trusted.\n\n"
        + table(["what", "before", "now", "now / before", "pairs"], rows)
    )
    raw: dict[str, Json] = {
        "revision": revision,
        "pairs": {name: [list(pair) for pair in of] for name, of in pairs.items()},
    }
    if counts is not None:
        text += _counts_text(*counts)
        raw["bytecodes"] = {name: [getattr(each, name) for each in counts] for name in ("start", "test")}
    return Report("pairs", text, raw)


def _counts_text(before: Count, after: Count) -> str:
    rows = [
        [name, f"{one:,.0f}", f"{other:,.0f}", f"{other / one:.3f}"]
        for name, one, other in (
            ("a test, the median", before.test, after.test),
            (
                "all else of the run, hermetic's import and the application's included",
                before.start,
                after.start,
            ),
            (
                f"a test of {TESTS}, with its share of that",
                before.test + before.start / TESTS,
                after.test + after.start / TESTS,
            ),
        )
    ]
    return (
        "\n\nThe bytecodes of the same tests, in all threads, as by default on each side: no other process disturbs"
        " them. They say nothing of how long each takes.\n\n"
        + table(["bytecodes of", "before", "now", "now / before"], rows)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", help="what to compare with: a commit of this repository")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--suites", type=int, default=SUITES)
    options = parser.parse_args(arguments)
    with workplace() as folder, checked_out(options.revision, folder) as before:
        found, counts = parts(before, ROOT, options.rounds), None
        if options.suites:
            project = write(HERMETIC_RECIPE, folder)
            found |= whole_tests(before, ROOT, project, options.suites)
            found[QUIET] = quiet_tests(before, ROOT, project, options.suites)
            counts = counted(before, project), counted(ROOT, project)
    made = report(options.revision, found, counts)
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
