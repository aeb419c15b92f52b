"""A statement that waits for ever for a lock fails and says who holds it; one that only waits long goes on."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.standing_still import ENDED, ended, going_on, line, named_in, names_of


def test_what_would_wait_for_ever(project: Project) -> None:
    """Each fails with both names and lines, whoever waits for whomever: SQLite's error, as far as it is one."""
    result = ended(project)
    reports = named_in(result)
    assert set(reports) == set(names_of(ENDED)), result.output
    for test, report in reports.items():
        assert "[HM770]" in report or "[HM500]" in report, f"{test}:\n{report}"
    two = reports["test_two_sessions"]
    assert "database is locked: test_ended.py::test_two_sessions waits for ever at" in two
    assert f"{line('await other.execute(ADD)')}: test_ended.py::test_two_sessions cannot go on" in two
    assert f"{line('await one.execute(ADD)')}.\n" in two
    assert "fixture 'rows' (module scope)" in reports["test_a_request_and_a_wider_fixture"]
    assert "hint: or give fixture 'rows' (module scope) the scope of" in reports["test_drop_all"]
    assert "hint: or delete what empties the database" in reports["test_drop_all"]


def test_what_only_takes_its_time(project: Project) -> None:
    """Nobody is ended who waits for somebody that can go on, or has a limit of time."""
    result = going_on(project)
    assert result.status == 0, result.output
    assert result.outcomes() == {"passed": 9}


def test_uvloop(project: Project) -> None:
    """It does not show its timers; a request that waits for its own test is ended there all the same."""
    project.write(
        conftest_py="""
        import pytest
        import uvloop
        from pytest_asyncio import plugin

        @pytest.hookimpl
        def pytest_asyncio_loop_factories(config, item):
            return {"uvloop": uvloop.new_event_loop}
        """,
        test_a_py="""
        import asyncio

        import pytest
        from sqlalchemy import insert

        from hermetic.errors import UncommittedWrites
        from shop import SessionLocal, User

        async def test_it(async_client):
            assert "uvloop" in repr(asyncio.get_running_loop())
            async with SessionLocal() as session:
                await session.execute(insert(User).values(name="x"))
                with pytest.raises(UncommittedWrites):
                    await async_client.post("/users", json={"name": "x"})

        async def test_a_limit():
            async with SessionLocal() as one, SessionLocal() as other:
                await one.execute(insert(User).values(name="x"))
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(2.2):
                        await other.execute(insert(User).values(name="x"))
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 2}, result.output
