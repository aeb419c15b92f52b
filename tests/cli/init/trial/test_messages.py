"""What is said of an outcome, and of what is about to be tried."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hermetic.cli.init.trial import announced, subject_of, told
from hermetic.cli.init.trial.outcome import Failure, Line, Outcome, Refused
from tests.source.projects import APP, Project


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one application, the current folder."""
    monkeypatch.chdir(project.root)
    return project.write({"main.py": APP, "lib/own.py": "", "requirements.txt": "Some-Package>=1\n"})


def words(project: Project, outcome: Outcome) -> list[str]:
    """Return what is said of an outcome, without the topic."""
    plan = project.plan()
    return [line[14:] for line in told(outcome, plan, subject_of(plan))]


@pytest.mark.parametrize(
    ("failure", "lines"),
    [
        (
            Failure("w", cause="package", names=("own",)),
            ["it may be the project's own (lib/own.py): is the folder above it in pythonpath?"],
        ),
        (
            Failure("w", cause="package", names=("some_package.part",), hints=("pip install it",)),
            ["install what brings it for PYTHON; the project's requirements name it", "hint: pip install it"],
        ),
        (Failure("w", cause="package", names=("other",)), ["install what brings it for PYTHON"]),
        (
            Failure("w", cause="refused", refused=Refused("socket", "redis:6379", None)),
            [
                "a run really opens it: move it out of the import, into the application's lifespan,",
                "or give it an address for tests in hermetic_env",
            ],
        ),
        (
            Failure("w", cause="refused", refused=Refused("process", "ls", None)),
            ["a run really does it: whether that is all, only pytest can tell"],
        ),
    ],
)
def test_what_to_do(here: Project, failure: Failure, lines: list[str]) -> None:
    """By the cause; what was refused and is the cause is not named twice."""
    refused = () if failure.refused is None else (failure.refused,)
    expected = [line.replace("PYTHON", sys.executable) for line in lines]
    assert words(here, Outcome(failure=failure, refused=refused)) == ["failed: w", *expected]


def test_what_to_write_in_toml(here: Project) -> None:
    """Variables are lines of an array there."""
    here.write({"pyproject.toml": "[project]\nname = 'x'\n"})
    assert words(here, Outcome(failure=Failure("w", cause="variables", names=("KEY",))))[1:] == [
        "to write, each with a value for tests, in hermetic_env of pyproject.toml:",
        '    "KEY=..."',
    ]


def test_many_are_counted(here: Project) -> None:
    """The first are named; so is a refusal that no line of the project is to blame for."""
    many = tuple(Refused("socket", f"host:{number}", None) for number in range(1, 23))
    lines = words(here, Outcome(type="FastAPI", routes=1, refused=many))
    assert lines[:3] == [
        "main:app is a FastAPI with 1 route",
        "no engine was made meanwhile",
        "refused meanwhile: a connection to host:1 (by a library in a thread of its own)",
    ]
    assert lines[-1] == "and 2 more"


def test_a_line_without_its_text(here: Project) -> None:
    """Its file may be gone."""
    failure = Failure("w", (Line(str(Path.cwd() / "main.py"), 3), Line("/elsewhere.py", 4, "x: int = 1:")))
    assert words(here, Outcome(failure=failure))[1:] == ["at main.py:3", "from /elsewhere.py:4: x: int = 1:"]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({}, "no variables"),
        (
            {
                "pyproject.toml": "[tool.pytest]\npythonpath = ['lib']\nhermetic_env = ['A=1', 'B=2']\n"
                "env = ['C=x=y', 'D:PATH=z', 'R:E={A}', '# no variable']\n"
                "[tool.pytest_env]\nT = 1\nU = {value = 'u', transform = true}\n",
                "tests/conftest.py": "import os\nos.environ['F'] = 'f'\nos.environ['G'] = made()\n",
                "test_a.py": "import os\nos.environ['H'] = 'h'\n",
            },
            "C, E, A, B, T, F",
        ),
    ],
)
def test_what_is_announced(here: Project, files: dict[str, str], names: str) -> None:
    """What runs, where, with what, for how long, and what it is refused."""
    subject = subject_of(here.write(files).plan())
    assert list(announced(subject, 1.5)) == [
        "try           main:app will now be imported, and called if it is a factory: in a process of its own,",
        f"              for 1.5 s at the most, by {sys.executable} in .",
        f"              set there: {names}",
        "              refused there: engines, database drivers, sockets, database files and processes",
    ]
    assert subject.before == ({"C": "x=y", "E": "{A}"} if files else {})
    assert subject.paths == tuple(str(here.root / path) for path in (("lib", "tests") if files else (".",)))
    here.write({"pytest.ini": "[pytest]\naddopts = -q --import-mode=importlib\npythonpath = a 'b c'\n"})
    assert subject_of(here.plan()).paths == (str(here.root / "a"), str(here.root / "b c"))
