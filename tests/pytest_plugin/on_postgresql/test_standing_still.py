"""The same on PostgreSQL, where such a wait has no limit at all, and what only PostgreSQL has."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.standing_still import ENDED, ended, going_on, named_in, names_of

MORE_ENDED = """
import asyncpg

@pytest.fixture
async def read():
    async with SessionLocal() as session:
        await session.execute(text("SELECT * FROM users"))
        yield

async def test_truncate(read):
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE users"))

async def test_alter(read):
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE users ADD COLUMN age int"))

async def test_an_advisory_lock():
    async with engine.connect() as one, engine.connect() as other:
        await one.execute(text("SELECT pg_advisory_lock(1)"))
        await one.commit()
        await other.execute(text("SELECT pg_advisory_lock(1)"))

async def test_an_advisory_lock_in_a_pool():
    async with engine.connect() as other:
        async with engine.connect() as one:
            await one.execute(text("SELECT pg_advisory_lock(1)"))
        await other.execute(text("SELECT pg_advisory_lock(1)"))

async def test_a_raw_driver():
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    one, other = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with one.transaction():
            await one.execute("INSERT INTO users (id, name) VALUES (1, 'x')")
            await other.execute("INSERT INTO users (id, name) VALUES (1, 'x')")
    finally:
        await one.close()
        await other.close()
"""

MORE_GOING_ON = """
async def test_for_update(row):
    async def work():
        async with engine.begin() as connection:
            await connection.execute(text("SELECT * FROM users WHERE id = 1 FOR UPDATE"))
            await asyncio.sleep(0.6)

    await asyncio.gather(work(), work(), work())

async def test_listen():
    async with engine.connect() as listening:
        await listening.execute(text("LISTEN news"))
        await listening.commit()
        await asyncio.sleep(0.9)
"""


def test_what_would_wait_for_ever(project: Project) -> None:
    """Each is cancelled, and fails with both names and lines."""
    result = ended(project, MORE_ENDED)
    reports = named_in(result)
    assert set(reports) == {*names_of(ENDED), *names_of(MORE_ENDED)}, result.output
    for test, report in reports.items():
        assert "[HM770]" in report or "[HM500]" in report, f"{test}:\n{report}"
    assert "TRUNCATE users waited 0.4 seconds for a lock, which fixture 'r" in reports["test_truncate"]
    assert "took, and gave its connection back with it" in reports["test_an_advisory_lock_in_a_pool"], (
        reports["test_an_advisory_lock_in_a_pool"]
    )
    assert "pg_advisory_unlock" in reports["test_an_advisory_lock_in_a_pool"]


def test_what_only_takes_its_time(project: Project) -> None:
    """Nobody is ended who waits for somebody that can go on, or has a limit of time."""
    result = going_on(project, MORE_GOING_ON)
    assert result.status == 0, result.output
    assert result.outcomes() == {"passed": 11}
