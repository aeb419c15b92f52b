"""What ``hermetic init`` takes to read a large project: ``python -m benchmarks.init``.

Whole processes of the command, which only look (``--check``), on trees of realistic files; the interpreter's start and
the command's own imports are part of what a user waits for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import BenchmarkFailed, Took, run_timed
from benchmarks.projects import workplace
from benchmarks.results import Report, keep, table
from benchmarks.samples import sample
from benchmarks.tree import FILES, LINES, write_tree

ROUNDS = 7
SIZES = (100, FILES)
COMMAND = [sys.executable, "-c", "from hermetic.cli import main; raise SystemExit(main())", "init", "--check"]


def look(root: Path) -> Took:
    """Have a project looked at.

    Raises:
        BenchmarkFailed: It was not found to need a set-up; the message is the command's output.
    """
    done, took = run_timed([*COMMAND, str(root)], root.parent, {})
    if done.returncode != 1 or "shop.main:app" not in done.stdout:
        raise BenchmarkFailed(done.stdout)
    return took


def report(measured: dict[int, list[Took]]) -> Report:
    """Write the table."""
    rows = [
        [
            f"{files:,}",
            sample([took.wall for took in found]).text(2),
            sample([took.cpu for took in found]).text(2),
        ]
        for files, found in measured.items()
    ]
    text = (
        "## hermetic init\n\n"
        f"Seconds of a whole `hermetic init --check` on a project whose files have {LINES} lines each: tables, "
        f"schemas, queries, services, routes, jobs, settings, tests. {len(next(iter(measured.values())))} rounds.\n\n"
        + table(["Python files", "seconds", "of the processor"], rows)
    )
    raw = {
        str(files): {"wall_s": [took.wall for took in found], "cpu_s": [took.cpu for took in found]}
        for files, found in measured.items()
    }
    return Report("init", text, raw)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    with workplace() as folder:
        roots = {files: write_tree(folder, files) for files in SIZES}
        rounds = [{files: look(root) for files, root in roots.items()} for _ in range(options.rounds)]
    made = report({files: [took[files] for took in rounds] for files in SIZES})
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
