"""What the command ``hermetic`` takes to read projects of several sizes.

Whole processes: the interpreter's start and the command's own imports are part of what a user waits for.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.processes import BenchmarkFailed, Took, run_timed
from benchmarks.projects import workplace
from benchmarks.results import Report, keep, table
from benchmarks.samples import sample

ROUNDS = 7
RUN = """\
from resource import RUSAGE_SELF, getrusage
from hermetic.cli import main
status = main()
print("at most", getrusage(RUSAGE_SELF).ru_maxrss, "KB")
raise SystemExit(status)
"""
COMMAND = [sys.executable, "-c", RUN]
PEAK = re.compile(r"^at most (\d+) KB$", re.MULTILINE)


@dataclass(frozen=True)
class Reading:
    """A verb of the command, and the projects that it reads.

    Attributes:
        verb: The verb, which names the report.
        words: What is told to it beside the project, if anything.
        found: What it must find there, by the text of its output.
        write: Writes a project of a size into a folder, and returns the project's own.
        sizes: The sizes.
        counted: What the table calls a size.
        about: What the report says is measured.
    """

    verb: str
    words: tuple[str, ...]
    found: tuple[str, ...]
    write: Callable[[Path, int], Path]
    sizes: tuple[int, ...]
    counted: str
    about: str

    def look(self, root: Path) -> Took:
        """Have a project read.

        Raises:
            BenchmarkFailed: What is to be found there was not; the message is the command's output.
        """
        done, took = run_timed([*COMMAND, self.verb, *self.words, str(root)], root.parent, {})
        if done.returncode != 1 or not all(words in done.stdout for words in self.found):
            raise BenchmarkFailed(done.stdout)
        peak = PEAK.search(done.stdout)
        assert peak is not None
        return replace(took, memory=int(peak[1]) / 1024)

    def report(self, measured: Mapping[int, list[Took]]) -> Report:
        """Write the table."""
        rows = [
            [
                f"{size:,}",
                sample([took.wall for took in found]).text(2),
                sample([took.cpu for took in found]).text(2),
                f"{max(took.memory for took in found):.0f}",
            ]
            for size, found in measured.items()
        ]
        text = (
            f"## hermetic {self.verb}\n\n{self.about} {len(next(iter(measured.values())))} rounds.\n\n"
            + table([self.counted, "seconds", "of the processor", "MB at most"], rows)
        )
        raw = {
            str(size): {
                "wall_s": [took.wall for took in found],
                "cpu_s": [took.cpu for took in found],
                "peak_mb": [took.memory for took in found],
            }
            for size, found in measured.items()
        }
        return Report(self.verb, text, raw)

    def run(self, description: str | None, arguments: Sequence[str] | None) -> None:
        """Measure, keep the raw figures, and print the table."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--rounds", type=int, default=ROUNDS)
        options = parser.parse_args(arguments)
        with workplace() as folder:
            roots = {size: self.write(folder, size) for size in self.sizes}
            rounds = [{size: self.look(root) for size, root in roots.items()} for _ in range(options.rounds)]
        made = self.report({size: [took[size] for took in rounds] for size in self.sizes})
        keep(made)
        print(made.text)
