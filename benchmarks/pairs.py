"""What this revision costs beside an earlier one, pair by pair: ``python -m benchmarks.pairs REVISION``.

Each side is a process that measures only when it is its turn: a pair is two rounds some tens of milliseconds apart, so
that what else the machine does hits both. A whole test is paired by whole runs of pytest, as by default, and with
recording and the guards off on both sides: these have limits of their own, which ``benchmarks.failures`` measures.
Beside them stands the ratio of what is not hermetic's (a direct call, ``SELECT 1``): what that differs from one tells
how far to trust the others.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.processes import environment, run_pytest
from benchmarks.projects import Project, workplace, write
from benchmarks.recipes import HERMETIC_RECIPE
from benchmarks.results import Report, keep, table
from benchmarks.samples import quartiles
from hermetic.settings import GUARDS

ROOT = Path(__file__).parents[1]
SIDE = Path(__file__).with_name("pair_side.py")
ROUNDS = 60
SUITES = 8
TESTS = 330
WHOLE = "a test: a POST and a GET on SQLite, the processor's time"
QUIET = "the same, with recording and all guards off on both sides"
SWITCHES = ("hermetic_failures", *(f"hermetic_{name}" for name in GUARDS))
"""What is off then, as far as a revision has it."""

Pairs = dict[str, list[tuple[float, float]]]
"""What the earlier revision took and what this one took, by what was measured."""


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


def whole_tests(
    before: Path, after: Path, project: Project, suites: int, *, quiet: bool = False, count: int = TESTS
) -> list[tuple[float, float]]:
    """Run the same suite with each side, in turns; return milliseconds of the processor a test."""
    options = {tree: silenced(tree) if quiet else [] for tree in (before, after)}
    found = []
    for number in range(suites + 1):
        took = {}
        for tree in (before, after) if number % 2 else (after, before):
            arguments = [*options[tree], project.tests(count)]
            taken = run_pytest(project.root, project.recipe.plugins, arguments, path_of(tree))
            took[tree] = taken.cpu / count * 1000
        found.append((took[before], took[after]))
    return found[1:]


def report(revision: str, pairs: Pairs) -> Report:
    """Write the table."""
    rows = []
    for name, values in pairs.items():
        ratios = [after / before for before, after in values]
        sides = [f"{median(pair[side] for pair in values):,.1f}" for side in (0, 1)]
        rows.append([name, *sides, quartiles(ratios, 3), str(len(values))])
    text = (
        f"## This revision beside an earlier one ({revision}), pair by pair\n\n"
        "Medians, microseconds for restores (10 tables) and requests, milliseconds for a test; then the median of the "
        "ratios of each pair, with their quartiles. Both sides ran in turns, in one run. What is not hermetic's "
        "(`SELECT 1`, a savepoint, `backup()`, a direct call) tells how far a ratio can be trusted.\n\n"
        + table(["what", "before", "now", "now / before", "pairs"], rows)
    )
    raw = {name: [list(pair) for pair in of] for name, of in pairs.items()}
    return Report("pairs", text, {"revision": revision, "pairs": raw})


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", help="what to compare with: a commit of this repository")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--suites", type=int, default=SUITES)
    options = parser.parse_args(arguments)
    with workplace() as folder, checked_out(options.revision, folder) as before:
        found = parts(before, ROOT, options.rounds)
        if options.suites:
            project = write(HERMETIC_RECIPE, folder)
            found[WHOLE] = whole_tests(before, ROOT, project, options.suites)
            found[QUIET] = whole_tests(before, ROOT, project, options.suites, quiet=True)
    made = report(options.revision, found)
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
