"""What is counted in the tests of a real run."""

from __future__ import annotations

from pathlib import Path

from hermetic.migrate.verify.record import FOLDER, LIMIT, Counts, Ran, Record, read
from tests.pytest_plugin.project import Project

SUITE = """
import pytest
from fastapi import FastAPI, WebSocket
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from hermetic import AsyncTestClient

inner = FastAPI()
app = FastAPI()
app.mount("/inner", inner)
client = TestClient(app)

@inner.get("/")
def read():
    return 1

@app.websocket("/ws")
async def talk(socket: WebSocket):
    await socket.accept()
    await socket.close()

@pytest.fixture(scope="module")
def token():
    assert client.get("/inner/").json() == 1

@pytest.fixture
def user():
    client.get("/inner/")
    yield
    client.get("/inner/")

@pytest.mark.parametrize("x", [1, 2])
def test_sync(x, token, user):
    assert client.get("/inner/").json() == 1
    assert x

async def test_async():
    with pytest.raises(AssertionError):
        assert not app
    async with AsyncTestClient(app) as client:
        assert (await client.get("/inner/")).json() == 1
        async with client.websocket_connect("/ws"):
            pass

async def test_forgets():
    AsyncTestClient(app).get("/inner/")

def test_plain():
    assert TestClient(PlainTextResponse("text")).get("/").text == "text"

class TestEnds:
    @pytest.mark.xfail
    def test_expected(self):
        assert 0

    def test_skips(self):
        pytest.skip("so")

    @pytest.fixture
    def broken(self):
        raise ValueError("first\\nsecond")

    def test_error(self, broken):
        pass
"""


def run(project: Project, folder: Path, *arguments: str) -> Record:
    """Run a project, and return what it has written down."""
    folder.mkdir()
    project.environment[FOLDER] = str(folder)
    counting = ("-p", "hermetic.pytest_plugin.counting", "-o", "enable_assertion_pass_hook=true")
    project.pytest(*arguments, *counting)
    return read(folder)


def test_what_tests_do(project: Project, tmp_path: Path) -> None:
    """Requests once each, wherever an application is mounted; the project's own assertions; who awaited nothing."""
    project.write(pytest_ini="[pytest]\nasyncio_mode = auto\n", test_it_py=SUITE)
    record = run(project, tmp_path / "counts", "-W", "ignore")
    found: dict[str, Ran] = {f"{test.path}[{test.parameters}]": test for test in record.tests}
    assert {name: (test.outcome, test.counts) for name, test in found.items()} == {
        "test_sync[1]": ("passed", Counts(2, {"TestClient": 2}, 2)),
        "test_sync[2]": ("passed", Counts(2, {"TestClient": 2}, 2)),
        "test_async[]": ("passed", Counts(2, {"AsyncTestClient": 2}, 1)),
        "test_forgets[]": ("passed", Counts()),
        "test_plain[]": ("passed", Counts(0, {"TestClient": 1}, 1)),
        "TestEnds::test_expected[]": ("xfailed", Counts()),
        "TestEnds::test_skips[]": ("skipped", Counts()),
        "TestEnds::test_error[]": ("error", Counts()),
    }
    (unawaited,) = [each for test in record.tests for each in test.unawaited]
    assert unawaited == found["test_forgets[]"].unawaited[0]
    assert unawaited.made[0][2] == "test_forgets"
    assert found["TestEnds::test_error[]"].why == "ValueError: first"
    shared = {each.name: each for each in record.shared}
    assert shared["test_it.py::token"].counts == Counts(1, {"TestClient": 1}, 1)
    assert shared["test_it.py::token"].test == (str(project.root / "test_it.py"), "test_sync")
    assert shared["teardown"].counts.requests == 1
    assert str(project.root / "test_it.py") in record.modules
    assert (record.has_ended, record.unfinished, record.workers) == (True, (), 1)


KEPT = """
class Node:
    pass

async def never():
    pass

kept = []

def test_keeps():
    node = Node()
    node.itself, node.coroutine = node, never()
    kept.append(node)

def test_drops():
    kept.clear()
"""


def test_what_outlives_a_test(project: Project, tmp_path: Path) -> None:
    """A coroutine that a later test drops, in a circle, is told of when the run ends."""
    project.write(test_it_py=KEPT)
    record = run(project, tmp_path / "counts", "-W", "ignore")
    assert [each.name for each in record.unawaited] == ["never"]
    assert [test.unawaited for test in record.tests] == [(), ()]


ENDLESS = """
import asyncio
import time

async def test_blocks():
    time.sleep(600)

async def test_waits():
    await asyncio.Event().wait()

def test_goes_on():
    pass
"""


def test_tests_that_do_not_end(project: Project, tmp_path: Path) -> None:
    """Each fails at the limit, wherever it waits, and the others run."""
    project.write(pytest_ini="[pytest]\nasyncio_mode = auto\n", test_it_py=ENDLESS)
    project.environment[LIMIT] = "2"
    record = run(project, tmp_path / "counts", "-W", "ignore")
    late = "Failed: It did not end within 2 s"
    assert [(test.path, test.outcome, test.why) for test in record.tests] == [
        ("test_blocks", "failed", late),
        ("test_waits", "failed", late),
        ("test_goes_on", "passed", ""),
    ]


def test_what_a_run_remembers(project: Project, tmp_path: Path) -> None:
    """Every test runs, also where only those that have failed would, or a run would end at the first that does."""
    project.write(test_it_py="def test_fails():\n    assert 0\n\ndef test_passes():\n    pass\n")
    plugins = ("-W", "ignore", "-p", "cacheprovider", "-p", "stepwise")
    for each in ("first", "second"):
        record = run(project, tmp_path / each, *plugins, "--lf", "--stepwise")
        assert {test.path: test.outcome for test in record.tests} == {
            "test_fails": "failed",
            "test_passes": "passed",
        }


def test_what_it_needs(project: Project, tmp_path: Path) -> None:
    """Without a folder there is nowhere to write to; with plain assertions none is counted, which is said."""
    project.write(test_it_py="def test_it():\n    assert 1\n")
    assert (
        f"{FOLDER} names, and it names none" in project.pytest("-p", "hermetic.pytest_plugin.counting").output
    )
    record = run(project, tmp_path / "counts", "--assert=plain")
    assert record.uncounted == ("assertions: the suite runs with --assert=plain",)
    assert record.tests[0].counts == Counts()
