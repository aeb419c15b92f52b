"""A run that would not end after its last test ends, with its own status, and says what it waited for."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project

pytestmark = pytest.mark.real_start

CONFTEST = """
import threading
from concurrent.futures import ThreadPoolExecutor

import aiosqlite
import pytest

from hermetic.guards import exit_watch

exit_watch.ASLEEP = 4.0

KEPT = []

@pytest.fixture(scope="session")
async def open_connection():
    KEPT.append(await aiosqlite.connect(":memory:"))

@pytest.fixture(scope="session")
async def closed_connection():
    connection = await aiosqlite.connect(":memory:")
    yield connection
    await connection.close()

@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as pool:
        yield pool
"""

TESTS = """
import atexit
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

EXECUTOR = ThreadPoolExecutor(1)
JOBS = queue.Queue()

def consume():
    while JOBS.get():
        pass

def poll():
    while True:
        time.sleep(0.05)

def finish():
    time.sleep(1.5)
    Path("finished.txt").touch()

async def test_connections(open_connection, closed_connection):
    async with closed_connection.execute("SELECT 1") as cursor:
        assert await cursor.fetchone() == (1,)

def test_threads():
    threading.Thread(target=consume).start()
    threading.Thread(target=finish).start()
    EXECUTOR.submit(poll)
    atexit.register(Path("at_exit.txt").touch)

def test_a_failure():
    assert not JOBS

def test_in_a_fixture(pool):
    pool.submit(threading.Event().wait)
"""


def test_all_that_keeps_a_run(project: Project) -> None:
    """Connections are closed, threads are named and left behind, and what ends by itself has its time for that."""
    project.write(conftest_py=CONFTEST, test_a_py=TESTS)
    result = project.pytest()
    assert result.status == 1
    assert result.outcomes() == {"passed": 3, "failed": 1}, result.output
    output = result.output
    assert "a connection of aiosqlite that fixture 'open_connection' (session scope) opened at" in output
    assert output.count("was never closed") == 1
    assert "conftest.py:15" in output
    assert "(consume)), started by test_a.py::test_threads at" in output
    assert "test_a.py:28. It stands in consume, at" in output
    assert "a thread of an executor (ThreadPoolExecutor-0_0), started by test_a.py::test_threads at" in output
    assert "It stands in poll, at" in output
    assert "started by test_a.py::test_in_a_fixture at" in output
    assert (project.root / "at_exit.txt").exists()
    assert (project.root / "finished.txt").exists()


def test_a_run_that_is_cut_short(project: Project) -> None:
    """What a fixture closes after the last test is not closed before; a thread that ends in time is not spoken of."""
    project.write(
        conftest_py=CONFTEST,
        test_a_py="""
        import threading
        import time

        async def test_it(closed_connection):
            threading.Thread(target=time.sleep, args=(0.3,)).start()
            assert not closed_connection

        def test_next():
            pass
        """,
    )
    result = project.pytest("-x")
    assert result.outcomes() == {"failed": 1}
    assert "HM77" not in result.output


def test_a_suite_that_counts_threads(project: Project) -> None:
    """It finds as many after its last test as before, where an executor's were alive when that began to end."""
    project.write(
        conftest_py=CONFTEST
        + """
def counted():
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before

around_each = pytest.fixture(autouse=True)(counted)
around_all = pytest.fixture(scope="session", autouse=True)(counted)
""",
        test_a_py="""
        def test_it(pool):
            assert pool.submit(int).result() == 0
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output
