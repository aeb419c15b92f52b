"""What ``hermetic doctor`` takes to read a large suite: ``python -m benchmarks.doctor``.

Whole processes of the command, on a project with a thousand test files of 150 lines and the application that they test.
Each rule has something to look at: the versions are locked, and one file has a fault that must be found.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import BenchmarkFailed, Took, run_timed
from benchmarks.projects import workplace
from benchmarks.results import Report, keep, table
from benchmarks.samples import sample
from benchmarks.tree import LINES, write_tree

ROUNDS = 7
TESTS = (100, 1000)
COMMAND = [sys.executable, "-c", "from hermetic.cli import main; raise SystemExit(main())", "doctor"]
VERSIONS = {"pytest": "9.2.0", "pytest-asyncio": "1.5.0", "httpx": "0.28.1", "sqlalchemy": "2.1.9"}
FAULT = """\
import httpx
import pytest

from shop.database import get_session
from shop.main import app


@pytest.fixture(scope="session")
def event_loop(): ...


@pytest.fixture
async def own_client(session):
    app.dependency_overrides[get_session] = lambda: session
    async with httpx.AsyncClient(app=app, base_url="http://test") as client:
        yield client
"""


def write_suite(folder: Path, tests: int) -> Path:
    """Write a project with that many test files, and return its folder."""
    root = write_tree(folder, max(tests // 4, 25))
    written = sorted(path for path in (root / "tests").glob("test_*.py"))
    for number in range(tests - len(written)):
        copied = written[number % len(written)]
        target = root / "tests" / f"more_{number // len(written)}" / copied.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(copied, target)
    (root / "tests" / "more_0" / "conftest.py").write_text(FAULT, encoding="utf-8")
    tables = (f'[[package]]\nname = "{name}"\nversion = "{version}"\n' for name, version in VERSIONS.items())
    (root / "uv.lock").write_text("\n".join(tables), encoding="utf-8")
    (root / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", encoding="utf-8")
    return root


def look(root: Path) -> Took:
    """Have a project examined.

    Raises:
        BenchmarkFailed: Its fault was not found, or others were; the message is the command's output.
    """
    done, took = run_timed([*COMMAND, str(root)], root.parent, {})
    if done.returncode != 1 or "HM720" not in done.stdout or "1 error and 1 warning" not in done.stdout:
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
        "## hermetic doctor\n\n"
        f"Seconds of a whole `hermetic doctor` on a project whose files have {LINES} lines each; those of the "
        f"application, a fifth as many, are read too. {len(next(iter(measured.values())))} rounds.\n\n"
        + table(["test files", "seconds", "of the processor"], rows)
    )
    raw = {
        str(files): {"wall_s": [took.wall for took in found], "cpu_s": [took.cpu for took in found]}
        for files, found in measured.items()
    }
    return Report("doctor", text, raw)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    with workplace() as folder:
        roots = {tests: write_suite(folder, tests) for tests in TESTS}
        rounds = [{tests: look(root) for tests, root in roots.items()} for _ in range(options.rounds)]
    made = report({tests: [took[tests] for took in rounds] for tests in TESTS})
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
