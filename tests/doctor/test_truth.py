"""What doctor says fails does fail: two projects, each fault of theirs found in the files and seen in a run of pytest.

Where a version here is another than that since which something fails, the run and doctor must still agree.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from hermetic.cli.databases import DATABASES
from hermetic.doctor.examination import examine
from tests.pytest_plugin.project import Project as Suite
from tests.source.projects import Project

INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\npythonpath = .\n"
APP = """\
from fastapi import Depends, FastAPI

app = FastAPI()
app.state.mailer = "real"

def get_session():
    return "real"

@app.get("/")
def root(session=Depends(get_session)):
    return session
"""
CONFTEST = """\
import asyncio

import pytest

@pytest.fixture(scope="module")
def event_loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()

@pytest.fixture(scope="session")
async def wide(): ...

@pytest.fixture
async def loop_of_fixture():
    return asyncio.get_running_loop()

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""
TESTS = """\
import asyncio
import unittest

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import MetaData, NullPool, Table, text
from sqlalchemy.ext.asyncio import create_async_engine

from app import app, get_session

metadata = MetaData()
Table("users", metadata)
memory = create_async_engine("sqlite+aiosqlite://", poolclass=NullPool)

async def test_event_loop(event_loop):
    assert asyncio.get_running_loop() is event_loop

def test_wide(wide): ...

def test_client():
    httpx2.AsyncClient(app=app)

def test_url():
    create_async_engine("sqlite:///users.db")

def test_tables():
    metadata.create_all(memory)

async def test_ask(request):
    request.getfixturevalue("loop_of_fixture")

@pytest.mark.anyio
async def test_both(loop_of_fixture):
    assert asyncio.get_running_loop() is loop_of_fixture

class TestUsers(unittest.TestCase):
    async def test_nothing(self):
        raise AssertionError

def test_state(monkeypatch):
    with monkeypatch.context() as context:
        context.setattr(app.state, "mailer", "fake")
    assert hasattr(app.state, "mailer")

def test_override():
    app.dependency_overrides[get_session] = lambda request: "fake"
    assert TestClient(app).get("/").status_code == 200

async def test_memory():
    async with memory.begin() as connection:
        await connection.run_sync(metadata.create_all)
    async with memory.begin() as connection:
        await connection.execute(text("SELECT 1 FROM users"))
"""
FAULTS = {
    "test_event_loop": ("HM712", "assert <"),
    "test_wide": ("HM711", "ScopeMismatch"),
    "test_client": ("HM720", "TypeError"),
    "test_url": ("HM721", "InvalidRequestError"),
    "test_tables": ("HM722", "AttributeError"),
    "test_ask": ("HM725", "RuntimeError"),
    "test_both": ("HM702", "assert <"),
    "test_state": ("HM749", "assert False"),
    "test_override": ("HM762", "assert 422 == 200"),
    "test_memory": ("HM784", "OperationalError"),
}


def codes(root: Path) -> set[str]:
    """Return the codes that doctor finds, by the versions of this environment."""
    return {each.rule.code for each in examine(root, DATABASES, environment=Path(sys.prefix)).findings}


def outcomes(root: Path) -> dict[str, str]:
    """Return what pytest prints of each test that fails."""
    suite = Suite(root)
    suite.plugins = ("asyncio", "anyio")
    output = suite.pytest("-q", "-W", "ignore").output
    found = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)(?:\[\w+\])? - (.*)", output, re.MULTILINE)
    return dict(found) | {"": output}


def test_what_doctor_finds_fails(project: Project) -> None:
    """Each fault, and with the message that is meant."""
    project.write({".git/HEAD": "", "pytest.ini": INI, "app.py": APP})
    project.write({"tests/conftest.py": CONFTEST, "tests/test_users.py": TESTS})
    found, failed = codes(project.root), outcomes(project.root)
    for name, (code, words) in FAULTS.items():
        assert (code in found) is (name in failed), (name, failed[""])
        assert words in failed.get(name, words), name
    assert "test_nothing" not in failed and "HM781" in found  # it passes, for nothing awaits it
    assert found - {code for code, _ in FAULTS.values()} == {"HM781"}


def test_a_file_that_loses_and_a_narrow_backend(project: Project) -> None:
    """The mode that the other file sets is not in force, so anyio runs its tests; their fixture is too wide."""
    project.write(
        {
            ".git/HEAD": "",
            "pytest.ini": "",
            "pyproject.toml": "[tool.pytest.ini_options]\nasyncio_mode = 'auto'\n",
            "tests/conftest.py": "import pytest\n\n@pytest.fixture(scope='session')\nasync def wide(): ...\n",
            "tests/test_users.py": (
                "import pytest\n\n@pytest.mark.anyio\nasync def test_wide(wide): ...\n\n"
                "def test_mode(pytestconfig):\n    assert pytestconfig.getini('asyncio_mode') == 'auto'\n"
            ),
        }
    )
    failed = outcomes(project.root)
    assert "ScopeMismatch" in failed["test_wide"]
    assert "'strict' == 'a" in failed["test_mode"]
    assert codes(project.root) == {"HM715", "HM717"}


@pytest.mark.parametrize("rule", ["HM712", "HM711", "HM762"])
def test_the_change_mends_it(project: Project, rule: str) -> None:
    """With what the rule says to write, nothing is found."""
    mended = INI.replace("= function", "= session") + "asyncio_default_test_loop_scope = session\n"
    conftest = CONFTEST.replace("def event_loop", "def loop_of_its_own")
    tests = TESTS.replace("lambda request", "lambda").replace("event_loop", "loop_of_its_own")
    project.write({".git/HEAD": "", "pytest.ini": mended, "app.py": APP})
    project.write({"tests/conftest.py": conftest, "tests/test_users.py": tests})
    assert rule not in codes(project.root)
