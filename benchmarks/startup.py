"""What the plugin costs a run that has it installed and does not use it: ``python -m benchmarks.startup``.

Whole pytest processes on a project of one empty test, with and without the plugin, in pairs: beside the plugins that
every FastAPI project has, and alone, where nothing else has imported ``asyncio`` and the like before.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Took, environment, run_pytest
from benchmarks.projects import workplace
from benchmarks.results import Json, Report, keep, table
from benchmarks.samples import sample

ROUNDS = 20
TARGET_MS = 15
SLOWEST = 8
MARK = "--- the plugin ---"


@dataclass(frozen=True)
class Company:
    """What else is loaded.

    Attributes:
        title: What the table calls it.
        plugins: The plugins, by entry point.
    """

    title: str
    plugins: tuple[str, ...]


COMPANIES = (
    Company("beside pytest-asyncio and anyio", ("asyncio", "anyio")),
    Company("alone", ()),
)


@dataclass(frozen=True)
class Pair:
    """Two runs, one after the other."""

    without: Took
    with_plugin: Took

    @property
    def added_ms(self) -> float:
        """Milliseconds that the plugin added."""
        return (self.with_plugin.wall - self.without.wall) * 1000

    @property
    def added_cpu_ms(self) -> float:
        """Milliseconds of the processor that the plugin added."""
        return (self.with_plugin.cpu - self.without.cpu) * 1000


@dataclass(frozen=True)
class Import:
    """A module's import: microseconds without and with what it imported in turn."""

    name: str
    own_us: int
    total_us: int


def write_project(folder: Path) -> Path:
    """Write a project of one empty test that has hermetic installed and says nothing of it."""
    root = folder / "unconfigured"
    root.mkdir()
    (root / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = session\n", encoding="utf-8"
    )
    (root / "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
    return root


def pairs(root: Path, company: Company, rounds: int) -> list[Pair]:
    """Run both sides in turns; which one begins changes from round to round."""
    found = []
    sides = {"without": company.plugins, "with_plugin": (*company.plugins, "hermetic")}
    for plugins in sides.values():
        run_pytest(root, plugins, [])
    for number in range(rounds):
        order = sorted(sides, reverse=bool(number % 2))
        found.append(Pair(**{side: run_pytest(root, sides[side], []) for side in order}))
    return found


def imports(root: Path) -> list[Import]:
    """Import the plugin after pytest, as pytest does, and return what each module took, the plugin itself last."""
    code = f"import pytest, asyncio, sys; print('{MARK}', file=sys.stderr); import hermetic.pytest_plugin"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        cwd=root,
        env=environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    return parse_imports(done.stderr.partition(f"{MARK}\n")[2])


def parse_imports(text: str) -> list[Import]:
    """Read the lines that ``-X importtime`` writes."""
    lines = re.findall(r"import time: +(\d+) \| +(\d+) \| +(\S+)", text)
    return [Import(name, int(own), int(total)) for own, total, name in lines]


def report(measured: dict[Company, list[Pair]], imported: list[list[Import]]) -> Report:
    """Write the tables."""
    rows = [
        [
            company.title,
            sample([pair.without.wall * 1000 for pair in found]).text(0),
            sample([pair.with_plugin.wall * 1000 for pair in found]).text(0),
            sample([pair.added_ms for pair in found]).text(),
            sample([pair.added_cpu_ms for pair in found]).text(),
        ]
        for company, found in measured.items()
    ]
    totals = [each[-1].total_us / 1000 for each in imported]
    slowest = sorted(imported[0], key=lambda each: -each.own_us)[:SLOWEST]
    text = (
        "## Start-up, installed but not configured\n\n"
        f"Milliseconds of a whole pytest process with one empty test, {len(next(iter(measured.values())))} pairs.\n\n"
        + table(["the plugin", "without", "with", "added, pair by pair", "of the processor"], rows)
        + f"\n\nImporting `hermetic.pytest_plugin` after pytest and asyncio takes {sample(totals).text()} ms; the "
        "most expensive modules of it, without what they import in turn:\n\n"
        + table(["module", "ms"], [[f"`{each.name}`", f"{each.own_us / 1000:.2f}"] for each in slowest])
    )
    raw: dict[str, Json] = {
        "seconds_wall_and_cpu": {
            company.title: [
                {
                    "without": [pair.without.wall, pair.without.cpu],
                    "with": [pair.with_plugin.wall, pair.with_plugin.cpu],
                }
                for pair in found
            ]
            for company, found in measured.items()
        },
        "import_ms": totals,
        "imports_us": {each.name: [each.own_us, each.total_us] for each in imported[0]},
    }
    return Report("startup", text, raw)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    with workplace() as folder:
        root = write_project(folder)
        measured = {company: pairs(root, company, options.rounds) for company in COMPANIES}
        imported = [imports(root) for _ in range(options.rounds)]
    made = report(measured, imported)
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
