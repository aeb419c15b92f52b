"""``--verify``: the suite of a real project is run as it is, and as it would be."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.migrate.step import Outcome, Step, TestName
from hermetic.migrate.step import Project as Subject
from hermetic.migrate.text import Edit, SourceText
from hermetic.source.modules import Module
from tests.cli.migrate.test_run import migrate
from tests.source.projects import Project

APP = """
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
def read():
    return 1
"""
HELPERS = """
def ask(client):
    return client.get("/")

def closing(function):
    def call():
        getattr(function(), "close", int)()
    return call
"""
TESTS = """
import os
import pytest
from starlette.testclient import TestClient
from hermetic import AsyncTestClient
from app import app
from helpers import ask, closing

@pytest.mark.parametrize("number", [1, 2])
def test_good(number):
    response = TestClient(app).get("/")
    assert response.json() == 1
    assert os.path.exists(".env")

def test_forgets():
    ask(TestClient(app))

@closing
def test_asks_nothing():
    TestClient(app).get("/")

@closing
def test_asserts_nothing():
    assert TestClient(app)

def test_fails():
    assert ask(TestClient(app)).status_code == 200

def test_failed_before():
    TestClient(app).get("/")
    assert 0

def test_never():
    pytest.skip("so")
    TestClient(app)

def test_makes_only():
    open("WRITTEN", "w").close()
    assert TestClient(app)

def test_other():
    assert app
"""


def run(project: Subject) -> Outcome:
    """Convert each test in which a ``TestClient`` is made, whether it works then or not."""
    edits: dict[Path, tuple[Edit, ...]] = {}
    converted: set[TestName] = set()
    for module in project.symbols.sources.tests:
        source = SourceText(module.text)
        found: list[Edit] = []
        for function in _tests(module):
            name = TestName(module.path, function.name)
            if name not in project.keep:
                found += _converted(function, source)
                converted.add(name)
        edits[module.path] = tuple(found)
    return Outcome(edits, frozenset(converted))


def _tests(module: Module) -> Iterator[ast.FunctionDef]:
    for function in module.of(ast.FunctionDef):
        if any(isinstance(node, ast.Name) and node.id == "TestClient" for node in ast.walk(function)):
            yield function


def _converted(function: ast.FunctionDef, source: SourceText) -> Iterator[Edit]:
    yield Edit(source.start(function), source.start(function), "async ")
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == "TestClient":
            yield source.replace(node, "AsyncTestClient")
        if isinstance(node, ast.Attribute) and node.attr == "get":
            yield Edit(source.start(node), source.start(node), "await ")


STEP = Step("client", "converts tests", True, ("", ""), run)


@pytest.fixture(autouse=True)
def few_plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have the suites load no other plugins than they name, and leave their folders where they are seen."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))


def test_a_suite_is_verified_and_written(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that only seem to pass are left, each for its reason; the others are written; nothing else is touched."""
    ini = "[pytest]\naddopts = -p asyncio -x\nasyncio_mode = auto\npythonpath = .\n"
    project.write(
        {
            "pytest.ini": ini,
            "app.py": APP,
            "helpers.py": HELPERS,
            "test_it.py": TESTS.replace("WRITTEN", str(project.root / "written.txt")),
            ".env": "",
            ".git/HEAD": "",
        }
    )
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    assert migrate(project, "--verify", "--write", "--format", "json", steps=[STEP]) == 0
    shown = capsys.readouterr()
    told = json.loads(shown.out)["verification"]

    def names(tests: list[str]) -> set[str]:
        return {test.rpartition("::")[2] for test in tests}

    assert told["proven"] and told["rounds"] == 2
    assert {kind: names(tests) for kind, tests in told["converted"].items()} == {
        "proven": {"test_good", "test_makes_only"},
        "did not pass before": {"test_failed_before"},
        "did not run before": {"test_never"},
        "unsteady": set(),
        "without counted requests": {"test_makes_only"},
    }
    assert {left["test"].rpartition("::")[2]: left["code"] for left in told["left"]} == {
        "test_fails": "HM851",
        "test_asks_nothing": "HM853",
        "test_asserts_nothing": "HM854",
        "test_forgets": "HM855",
    }
    assert (told["before"]["passed"], told["after"]["passed"]) == (8, 8)
    assert (told["before"]["requests"], told["after"]["requests"]) == (6, 6)
    assert told["after"]["through_client"] == 3
    assert told["before"]["assertions"] == told["after"]["assertions"] == 8
    assert "verified      2 converted tests in 2 rounds with" in shown.err
    assert f"no requests   {project.root}/test_it.py: test_makes_only\n" in shown.err
    assert f"note          {project.root}/written.txt has changed meanwhile: " in shown.err
    changed = {
        path for path in project.root.rglob("*") if path.is_file() and before.get(path) != path.read_bytes()
    }
    assert changed == {project.root / "test_it.py", project.root / "written.txt"}
    assert "async def test_good" in project.read("test_it.py")
    assert "\ndef test_forgets" in project.read("test_it.py")
    assert not list((tmp_path / "temporary").glob("hermetic-verify-*"))


def test_an_environment_in_which_nothing_runs_asynchronous_tests(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every test fails as it would be: what is said last is what to install there."""
    test = "def test_good():\n    assert TestClient(app).get('/').json() == 1\n"
    imports = "from starlette.testclient import TestClient\nfrom hermetic import AsyncTestClient\nfrom app import app\n"
    project.write({"pytest.ini": "[pytest]\npythonpath = .\n", "app.py": APP, "test_it.py": imports + test})
    assert migrate(project, "--verify", "--format", "json", steps=[STEP]) == 0
    (line,) = json.loads(capsys.readouterr().out)["next"]
    assert line.endswith(
        " -m pip install 'hermetic[asyncio]', then this again: nothing there runs asynchronous tests"
    )
