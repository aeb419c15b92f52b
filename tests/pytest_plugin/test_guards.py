"""Guards in a real run: what they find fails its test, or is a warning, by setting, flag and mark."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini

JOBS = """
import asyncio
import gc
import threading
import time

from shop import app

STAY = threading.Event()
TASKS = set()

async def deliver():
    raise ValueError("no such address")

@app.get("/forgotten")
async def forgotten():
    deliver()

@app.get("/lost")
async def lost():
    asyncio.create_task(deliver())

@app.get("/thread")
async def thread():
    threading.Thread(target=STAY.wait, daemon=True).start()

@app.get("/task")
async def task():
    TASKS.add(asyncio.create_task(asyncio.sleep(60)))
    TASKS.add(asyncio.create_task(wait()))

async def wait():
    await asyncio.sleep(60)

@app.get("/slow")
async def slow():
    # stands still until that was seen, however busy the machine is, for half a minute at the most
    watches = [each for each in gc.get_objects() if type(each).__name__ == "BlockedWatch"]
    for _ in range(3_000 if watches else 1):
        if not any(each._long for each in watches):
            time.sleep(0.01)
"""

TESTS = """
import unittest
import pytest
import jobs

@pytest.mark.parametrize("path", ["forgotten", "lost", "thread", "task", "slow"])
async def test_path(async_client, path):
    await async_client.get(f"/{path}")

async def test_last(async_client):
    assert (await async_client.get("/users")).json() == []

class TestPets(unittest.TestCase):
    async def test_pet(self):
        assert False

@pytest.mark.hermetic(unrun="off")
class TestNoPets(unittest.TestCase):
    async def test_pet(self):
        assert False
"""

GUARDS = ("unawaited", "lost-exceptions", "threads", "tasks", "blocking")
CODES = ("HM801", "HM803", "HM804", "HM410", "HM802")


def test_each_fails_the_test_that_did_it(project: Project) -> None:
    """At its teardown, and no other one."""
    project.write(jobs_py=JOBS, test_a_py=TESTS)
    result = project.pytest(
        *(f"--hermetic-{guard}=error" for guard in GUARDS),
        "-W",
        "default",
        "-o",
        "hermetic_blocking_seconds=0.3",
    )
    assert result.outcomes()["errors"] == len(GUARDS) + 1, result.output
    assert result.outcomes()["passed"] == 8, result.output
    for path, code in zip(("forgotten", "lost", "thread", "task", "slow"), CODES, strict=True):
        part = result.output.partition(f"ERROR at teardown of test_path[{path}] ")[2].partition("____ ERROR")[
            0
        ]
        assert f"[{code}]" in part, (path, result.output)
    assert "nothing of the async method test_pet of TestPets has run. [HM781]" in result.output
    assert "TestNoPets has run" not in result.output


def test_by_themselves_they_fail_no_healthy_suite(project: Project) -> None:
    """Two warn, and no setting that makes warnings errors makes these errors, unless somebody asks for them."""
    project.write(jobs_py=JOBS, test_a_py=TESTS)
    arguments = ("-k", "test_path", "-W", "error", "-W", "ignore::pytest.PytestUnraisableExceptionWarning")
    result = project.pytest(*arguments)
    assert result.outcomes()["passed"] == 5, result.output
    assert "errors" not in result.outcomes(), result.output
    assert "[HM801]" in result.output and "[HM803]" in result.output
    assert "[HM802]" not in result.output and "[HM804]" not in result.output
    asked = project.pytest(*arguments, "--hermetic-unawaited=warn")
    assert asked.outcomes()["errors"] == 1, asked.output


def test_what_would_fail(project: Project) -> None:
    """``observe`` lists it at the end of the run, and fails nothing."""
    project.write(pytest_ini=ini("hermetic = observe", "hermetic_unawaited = error"), jobs_py=JOBS)
    project.write(
        test_a_py="""
        import jobs

        async def test_it():
            jobs.deliver()
        """
    )
    result = project.pytest("-W", "default")
    assert result.outcomes()["passed"] == 1, result.output
    assert (
        "unawaited: 1, each of which would fail its test at the teardown (hermetic_unawaited)"
        in result.output
    )
    assert "  test_a.py::test_it never awaited the coroutine deliver" in result.output
