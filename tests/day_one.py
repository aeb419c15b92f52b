"""Small projects of others, as they are, many times over: ``make day-one``, or ``python -m tests.day_one``.

Each folder is a project. A copy of it is run with event loops that last a test, and with those that last a run, each
time anew: what passes nine times of ten does not pass.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.pitfalls.projects import run

PROJECTS = Path(__file__).parents[2] / "shared" / "day-one"
SCOPES = ("session", "function")
FOREIGN = ("PYTEST", "HERMETIC", "DATABASE_URL")
SECONDS = 120
NAMED = re.compile(r"HM\d{3}|ScopeMismatch: .*|hermetic_targets = .*")
"""What names the cause of a run that fails."""


def ending(folder: Path, scope: str) -> str:
    """Run a copy of a project once; return how it ended: passed, the cause that it names, or that it names none."""
    with tempfile.TemporaryDirectory(prefix="day-one-") as place:
        os.chmod(place, 0o755)  # a server that root starts is another user's
        copy = Path(place) / "project"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
        variables = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        variables |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HERMETIC_CACHE": f"{place}/cache"}
        scopes = ["-o", f"asyncio_default_test_loop_scope={scope}", "--basetemp", f"{place}/temporary"]
        command = [sys.executable, "-m", "pytest", "-p", "hermetic", "-p", "asyncio", "-p", "anyio", *scopes]
        ended = run(command, copy, variables, SECONDS)
    if ended.hung:
        return f"fails: it hung for {SECONDS} seconds"
    if ended.passed:
        return "passed"
    named = NAMED.findall(ended.output)
    return f"names {Counter(named).most_common(1)[0][0]}" if named else f"fails: {ended.output[-400:]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the projects and print how they ended.

    Returns:
        1 where one fails and names no cause, or does not end the same each time.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.day_one", description=__doc__)
    parser.add_argument(
        "folders", nargs="*", type=Path, help="projects; those beside this repository if none"
    )
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args(arguments)
    folders = options.folders or sorted(ini.parent for ini in PROJECTS.glob("*/pytest.ini"))
    if not folders:
        parser.error(f"name folders: there are no projects in {PROJECTS}")
    failed = False
    for folder in folders:
        for scope in SCOPES:
            found = Counter(ending(folder, scope) for _ in range(options.times))
            failed = failed or len(found) > 1 or any(each.startswith("fails") for each in found)
            ended = "; ".join(f"{times} times {how}" for how, times in found.items())
            print(f"{folder.name:24} loops of a {scope:8} {ended}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
