"""Concurrent writing requests in one test: ``python -m benchmarks.concurrency``.

The same application, the same test, ten and twenty POSTs at once, each of which writes twice before it commits. On
hermetic's database those who find SQLite's lock taken wait in line; on a plain file SQLite's own busy handler sleeps
and tries again at growing intervals.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.processes import run_pytest
from benchmarks.projects import Project, workplace, write
from benchmarks.recipes import Recipe, recipe
from benchmarks.results import Json, Report, keep, table
from benchmarks.samples import ratios, sample

COUNTS = (10, 20)
ROUNDS = 5
REPEATS = 10
SIDES: dict[str, Recipe] = {
    "hermetic: a queue for the lock": recipe("hermetic"),
    "a plain file: SQLite's busy handler": recipe("delete"),
}


@dataclass(frozen=True)
class Burst:
    """Requests sent at once.

    Attributes:
        sent: How many.
        kept: How many were answered 201 and left their row.
        ms: Milliseconds until the last one was answered.
    """

    sent: int
    kept: int
    ms: float


def bursts(project: Project, count: int) -> list[Burst]:
    """Send ``count`` requests at once, some times in one test; the first time, which opens connections, is left out."""
    result = project.root / "at_once.json"
    variables = {
        "AT_ONCE_RESULT": str(result),
        "AT_ONCE_COUNT": str(count),
        "AT_ONCE_REPEATS": str(REPEATS + 1),
    }
    run_pytest(project.root, project.recipe.plugins, ["test_at_once.py"], variables)
    found = json.loads(result.read_text(encoding="utf-8"))[1:]
    return [Burst(count, each["left_their_row"], each["seconds"] * 1000) for each in found]


def measure(rounds: int) -> dict[str, dict[int, list[Burst]]]:
    """Measure both sides, in turns."""
    found: dict[str, dict[int, list[Burst]]] = {side: {count: [] for count in COUNTS} for side in SIDES}
    with workplace() as folder:
        projects = {side: write(of, folder) for side, of in SIDES.items()}
        for _ in range(rounds):
            for count in COUNTS:
                for side, project in projects.items():
                    found[side][count].extend(bursts(project, count))
    return found


def report(found: dict[str, dict[int, list[Burst]]]) -> Report:
    """Write the table."""
    ours, plain = SIDES
    rows = [[side, *(_cell(found[side][count]) for count in COUNTS)] for side in SIDES]
    faster = [
        sample(ratios([b.ms for b in found[ours][count]], [b.ms for b in found[plain][count]])).text()
        for count in COUNTS
    ]
    text = (
        "## Concurrent writing requests in one test\n\n"
        "Milliseconds until the last of them was answered, and how many were answered 201 and left their row.\n\n"
        + table(
            ["", *(f"{count} at once" for count in COUNTS)],
            [*rows, ["times faster", *faster]],
        )
    )
    raw: dict[str, Json] = {
        side: {
            str(count): {"ms": [round(b.ms, 3) for b in of], "kept": [b.kept for b in of]}
            for count, of in counts.items()
        }
        for side, counts in found.items()
    }
    return Report("concurrency", text, raw)


def _cell(found: Sequence[Burst]) -> str:
    kept, sent = sum(each.kept for each in found), sum(each.sent for each in found)
    return f"{sample([each.ms for each in found]).text()}, {kept} of {sent} kept"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    made = report(measure(options.rounds))
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
