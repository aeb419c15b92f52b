"""Work that no request waits for: it ends with its test, by itself or by name, and never reaches the next one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pytest_plugin.postgresql import on_postgresql
from tests.pytest_plugin.project import Project

JOBS = """
import asyncio
from shop import SessionLocal, User, app

TASKS = set()

def start(coroutine):
    task = asyncio.create_task(coroutine)
    TASKS.add(task)
    task.add_done_callback(TASKS.discard)

async def save(seconds=0.0):
    async with SessionLocal() as session:
        session.add(User(name="late"))
        await session.flush()
        if seconds:
            await asyncio.sleep(seconds)
        await session.commit()

async def sleep_and_save():
    await asyncio.sleep(60)
    await save()

@app.post("/later")
async def later(ticks: int = 0):
    start(save())
    for _ in range(ticks):
        await asyncio.sleep(0)

@app.post("/sleeping")
async def sleeping():
    start(sleep_and_save())

@app.post("/holding")
async def holding():
    start(save(60))
"""

START = """
import asyncio
import pytest
import jobs

async def names(async_client):
    return (await async_client.get("/users")).json()
"""

Place = Callable[[Project], Project]


@pytest.fixture(params=["sqlite", "postgresql"])
def on_either(request: pytest.FixtureRequest, project: Project, cache: Path) -> Project:
    """The example on each backend."""
    project.write(jobs_py=JOBS)
    if request.param == "sqlite":
        return project
    return on_postgresql(project, cache)


def test_a_task_that_an_endpoint_started(on_either: Project) -> None:
    """Caught at each of its steps: it ends, and the next test finds nothing of it."""
    on_either.write(
        test_a_py=START
        + """
@pytest.mark.parametrize("ticks", [0, 1, 2, 4, 8, 16])
async def test_later(async_client, ticks):
    assert await names(async_client) == []
    assert (await async_client.post(f"/later?ticks={ticks}")).status_code == 200

async def test_drained(async_client):
    assert await names(async_client) == []
    await async_client.post("/later")
    await async_client.drain()
    assert await names(async_client) == ["late"]

async def test_drained_in_vain(async_client):
    await async_client.post("/sleeping")
    with pytest.raises(TimeoutError, match="sleep_and_save, at .*jobs.py:20"):
        await async_client.drain(timeout=0.01)
    for task in list(jobs.TASKS):
        task.cancel()

async def test_after(async_client):
    assert await names(async_client) == []
"""
    )
    result = on_either.pytest("-o", "asyncio_default_test_loop_scope=session")
    assert result.outcomes() == {"passed": 9}, result.output
    assert "background:" not in result.output


def test_a_task_that_does_not_end(on_either: Project) -> None:
    """It is cancelled, and named once: where it sleeps, at once; in a transaction, when its time is over."""
    on_either.write(
        test_a_py=START
        + """
async def test_sleeping(async_client):
    await async_client.post("/sleeping")

async def test_holding(async_client):
    assert await names(async_client) == []
    await async_client.post("/holding")

async def test_own(async_client):
    assert await names(async_client) == []
    asyncio.create_task(jobs.sleep_and_save())

async def test_after(async_client):
    assert await names(async_client) == []
    assert not jobs.TASKS
"""
    )
    result = on_either.pytest("-o", "asyncio_default_test_loop_scope=session")
    assert result.outcomes() == {"passed": 4}, result.output
    assert "background: 3 that tests left running were cancelled" in result.output
    assert (
        "request POST /sleeping started the task `sleep_and_save`, which was still running at"
        in result.output
    )
    assert "test_a.py::test_own started the task `sleep_and_save`" in result.output
    assert "jobs.py:16" in result.output


def test_where_it_is_an_error(project: Project) -> None:
    """The test that left it fails at its teardown; a mark says otherwise for one test."""
    project.write(
        jobs_py=JOBS,
        test_a_py=START
        + """
async def test_left(async_client):
    await async_client.post("/sleeping")

@pytest.mark.hermetic(tasks="off", background="cancel")
async def test_cancelled(async_client):
    await async_client.post("/later")
    await async_client.post("/sleeping")

async def test_after(async_client):
    assert await names(async_client) == []
""",
    )
    result = project.pytest("--hermetic-tasks=error", "-o", "asyncio_default_test_loop_scope=session")
    assert result.outcomes() == {"passed": 3, "errors": 1}, result.output
    assert "ERROR at teardown of test_left" in result.output
    assert "was still running at" in result.output
    assert "[HM410]" in result.output


@pytest.mark.parametrize("runner", ["asyncio", "anyio"])
def test_what_fixtures_start(project: Project, runner: str) -> None:
    """A function's is cancelled after its teardown; that of a wider fixture goes on for all its tests."""
    anyio = (
        "import pytest\n\n\n@pytest.fixture(scope='session')\ndef anyio_backend():\n    return 'asyncio'\n"
    )
    project.write(
        jobs_py=JOBS,
        conftest_py=anyio if runner == "anyio" else "",
        test_a_py=START
        + """
pytestmark = pytest.mark.RUNNER
BEATS = []

async def beat():
    while True:
        BEATS.append(1)
        await asyncio.sleep(0.001)

@pytest.fixture(scope="session")
async def heart():
    yield (task := asyncio.create_task(beat()))
    task.cancel()

@pytest.fixture
async def short():
    yield (task := asyncio.create_task(jobs.sleep_and_save()))
    assert not task.cancelled()

async def test_one(heart, short, async_client):
    assert await names(async_client) == []

async def test_two(heart, short, async_client):
    before = len(BEATS)
    while len(BEATS) == before:
        await asyncio.sleep(0.001)
    assert not heart.done()
""".replace("RUNNER", runner),
    )
    mode = "auto" if runner == "asyncio" else "strict"
    result = project.pytest("-o", "asyncio_default_test_loop_scope=session", "-o", f"asyncio_mode={mode}")
    assert result.outcomes() == {"passed": 2}, result.output
    assert "background: 2 that tests left running were cancelled" in result.output
    assert "fixture 'short' (function scope) started the task `sleep_and_save`" in result.output
    assert "heart" not in result.output


WAITING = """
@pytest.fixture(autouse=True)
async def jobs_end():
    yield
    await END

@pytest.fixture
async def other():
    yield

async def test_left(other, async_client):
    await async_client.post("/short")

async def test_after(other, async_client):
    assert await names(async_client) == []
    assert jobs.SENT == EXPECTED
"""

ANYIO = """
pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""

SHORT = """
SENT = []

class Outbox:
    def __init__(self):
        self.tasks = TASKS

    async def join(self):
        for task in [*self.tasks]:
            await task

outbox = Outbox()

async def send():
    await asyncio.sleep(0.01)
    await save()
    SENT.append("ada")

@app.post("/short")
async def short():
    start(send())
"""


LOOPS = {
    "function": ("asyncio_default_fixture_loop_scope=function",),
    "session": ("asyncio_default_test_loop_scope=session", "asyncio_default_fixture_loop_scope=session"),
    "apart": (),
    "anyio": ("asyncio_mode=strict",),
}


@pytest.mark.parametrize("loop", ["function", "session", "anyio"])
@pytest.mark.parametrize(
    "end", ["asyncio.gather(*jobs.TASKS)", "jobs.outbox.join()"], ids=["gather", "its_own_method"]
)
def test_what_a_fixture_waits_for(project: Project, loop: str, end: str) -> None:
    """It is left to the fixture's teardown, and nobody names it."""
    project.write(
        jobs_py=JOBS + SHORT,
        test_a_py=START
        + (ANYIO if loop == "anyio" else "")
        + WAITING.replace("END", end).replace("EXPECTED", "['ada']"),
    )
    result = project.pytest(*(part for each in LOOPS[loop] for part in ("-o", each)))
    assert result.outcomes() == {"passed": 2}, result.output
    assert "background" not in result.output


@pytest.mark.parametrize("loop", ["function", "session", "apart"])
def test_what_a_fixture_names_and_does_not_wait_for(project: Project, loop: str) -> None:
    """It is cancelled after the fixture, or before its own loop ends, and named."""
    project.write(
        jobs_py=JOBS + SHORT,
        test_a_py=START
        + WAITING.replace("END", "asyncio.sleep(0, jobs.TASKS)")
        .replace("EXPECTED", "[]")
        .replace("/short", "/sleeping"),
    )
    result = project.pytest(*(part for each in LOOPS[loop] for part in ("-o", each)))
    assert result.outcomes() == {"passed": 2}, result.output
    assert "background: 1 that tests left running were cancelled" in result.output
    assert "started the task `sleep_and_save`" in result.output


def test_where_tests_share_their_isolation(project: Project) -> None:
    """A task goes on until the baseline comes back."""
    project.write(
        jobs_py=JOBS,
        test_a_py=START
        + """
async def test_one(async_client):
    await async_client.post("/holding")
    await asyncio.sleep(0)

async def test_two():
    (task,) = jobs.TASKS
    assert not task.done()
""",
        test_b_py=START
        + """
async def test_three(async_client):
    assert not jobs.TASKS
    assert await names(async_client) == []
""",
    )
    result = project.pytest("--hermetic-isolation=module", "-o", "asyncio_default_test_loop_scope=session")
    assert result.outcomes() == {"passed": 3}, result.output
    assert "background: 1 that tests left running were cancelled" in result.output


def test_observe_only_says_so(project: Project) -> None:
    """Nothing is cancelled, and the summary names what would be."""
    project.write(
        jobs_py=JOBS,
        test_a_py=START
        + """
from httpx2 import ASGITransport, AsyncClient

async def test_one():
    async with AsyncClient(transport=ASGITransport(app=jobs.app), base_url="http://test") as client:
        await client.post("/sleeping")

async def test_two():
    (task,) = jobs.TASKS
    assert not task.done()
    task.cancel()
""",
    )
    result = project.pytest("--hermetic=observe", "-o", "asyncio_default_test_loop_scope=session")
    assert result.outcomes() == {"passed": 2}, result.output
    assert "background: 1 that tests left running would be cancelled" in result.output


def test_a_broker_in_memory(project: Project) -> None:
    """taskiq runs a job in a task of its own: waited for, or not, by the test."""
    project.write(
        jobs_py="""
from contextlib import asynccontextmanager
from typing import Annotated
from sqlalchemy.ext.asyncio import AsyncSession
from taskiq import InMemoryBroker, TaskiqDepends
from shop import SessionLocal, User, app

broker = InMemoryBroker()

async def get_session():
    async with SessionLocal() as session:
        yield session

@broker.task
async def send(name: str, session: Annotated[AsyncSession, TaskiqDepends(get_session)]) -> int:
    session.add(user := User(name=name))
    await session.commit()
    return user.id

@app.post("/signup")
async def signup(name: str):
    await send.kiq(name)
""",
        test_a_py=START
        + """
@pytest.mark.parametrize("number", range(4))
async def test_not_waited_for(async_client, number):
    assert await names(async_client) == []
    await async_client.post("/signup?name=a")

@pytest.mark.parametrize("number", range(2))
async def test_drained(async_client, number):
    await async_client.post("/signup?name=a")
    await async_client.drain()
    assert await names(async_client) == ["a"]
""",
    )
    result = project.pytest("-o", "asyncio_default_test_loop_scope=session")
    assert result.outcomes() == {"passed": 6}, result.output
    assert "Traceback" not in result.output
