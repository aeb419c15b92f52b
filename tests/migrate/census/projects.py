"""The project of all cases, before and after, in a real pytest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.migrate.census.corpus import Case
from tests.pytest_plugin.project import Project, Result

HERE = Path(__file__).parent
INI = {
    "auto": "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = session\n"
    "asyncio_default_test_loop_scope = session\n",
    "strict": "asyncio_mode = strict\nasyncio_default_fixture_loop_scope = function\n",
    "anyio": "",
}
PLUGINS = {"auto": ("asyncio",), "strict": ("asyncio",), "anyio": ("anyio",)}
STRICTLY = ("-W", "error", "-W", "error::pytest.PytestUnraisableExceptionWarning")


@dataclass(frozen=True)
class Counted:
    """What a test did in a run.

    Attributes:
        outcome: How it ended.
        requests: What reached its application.
        assertions: How many of its assertions held.
    """

    outcome: str
    requests: tuple[str, ...]
    assertions: int


@dataclass(frozen=True)
class Run:
    """A run of all cases.

    Attributes:
        tests: The tests by their ids, without those parameters that a runner adds.
        failures: The tracebacks of those that did not pass.
        result: What pytest said.
    """

    tests: Mapping[str, Counted]
    failures: Mapping[str, str]
    result: Result

    def of(self, case: Case) -> dict[str, Counted]:
        """Return the tests of a case."""
        return {name: each for name, each in self.tests.items() if name.startswith(f"tests/{case.name}/")}


def project_of(cases: Iterable[Case], runner: str, root: Path) -> Project:
    """Write a project in which each case is a folder of tests."""
    shutil.copytree(HERE / "service", root / "service")
    shutil.copy(HERE / "counting.py", root)
    project = Project(root)
    project.plugins = (*PLUGINS[runner], "counting")
    project.write_path(
        "pytest.ini",
        "[pytest]\naddopts = --import-mode=importlib\npythonpath = .\nenable_assertion_pass_hook = true\n"
        + INI[runner],
    )
    if runner == "anyio":
        project.write_path("tests/conftest.py", ANYIO)
    for case in cases:
        for name, text in case.before.items():
            project.write_path(name, text)
    return project


ANYIO = """
import pytest


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
"""


def run(project: Project) -> Run:
    """Run the project's tests, with every warning an error, on an empty database."""
    (project.root / "service.db").unlink(missing_ok=True)
    result = project.pytest(*STRICTLY, "-q", "tests")
    path = project.root / "counted.json"
    assert path.exists(), result.output
    found = json.loads(path.read_text())
    path.unlink()
    return Run(
        {
            name: Counted(each["outcome"], tuple(each["requests"]), each["assertions"])
            for name, each in found.items()
        },
        {name: each["text"] for name, each in found.items() if each["outcome"] != "passed"},
        result,
    )
