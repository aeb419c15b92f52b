"""From off through observe to on: what each mode does, and above all what it does not do."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini, said

HEAVY = (
    "sqlalchemy",
    "fastapi",
    "starlette",
    "httpx2",
    "hermetic.run",
    "hermetic.database",
    "hermetic.client",
)

PLAIN = """
[pytest]
asyncio_default_fixture_loop_scope = function
"""

COMMITS = """
import sqlite3
from fastapi.testclient import TestClient
from shop import app

def test_1():
    with sqlite3.connect("production.db") as raw:
        raw.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR)")
    raw.close()
    assert TestClient(app).post("/users", json={"name": "x"}).json()["id"] == 1

def test_2():
    assert TestClient(app).get("/users").json() == ["x"]
"""

LEAKS = """
from shop import engine, SessionLocal

kept = []

async def test_leaks(hermetic_url):
    connection = await engine.connect()
    kept.append(connection)

async def test_next(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
"""


class TestOff:
    """hermetic is installed, and that is all."""

    @pytest.mark.real_start
    def test_a_run_that_configures_nothing_imports_nothing(self, empty_project: Project) -> None:
        """Neither SQLAlchemy nor FastAPI nor httpx2, nor more of ourselves than the plugin."""
        empty_project.write(
            pytest_ini=PLAIN,
            test_a_py=f"""
            import sys

            def test_it():
                assert [name for name in {HEAVY!r} if name in sys.modules] == []
            """,
        )
        result = empty_project.pytest()
        assert result.outcomes() == {"passed": 1}, result.output
        assert "hermetic:" not in result.output

    @pytest.mark.parametrize("how", ["ini", "flag", "environment"])
    def test_off_is_inert_in_a_configured_project(self, project: Project, how: str) -> None:
        """Not a patch, not a variable, not a directory; the application's own database is used."""
        project.write(
            pytest_ini=ini("hermetic_env = TESTING=true", *(["hermetic = off"] if how == "ini" else [])),
            test_a_py=COMMITS,
            test_b_py="""
            import os
            from sqlalchemy.engine import Engine
            from starlette.applications import Starlette

            def test_it():
                assert "TESTING" not in os.environ
                assert "pool" not in vars(Engine)
                assert Starlette.__call__.__module__ == "starlette.applications"
            """,
        )
        if how == "environment":
            project.environment["HERMETIC"] = "off"
        result = project.pytest(*(["--hermetic", "off"] if how == "flag" else []), "-W", "default")
        assert result.outcomes()["passed"] == 3, result.output
        assert (project.root / "production.db").exists()
        assert "hermetic:" not in result.output


class TestObserve:
    """Nothing changes, and the end of the run says what ``on`` would do."""

    def test_it_changes_nothing(self, project: Project) -> None:
        """The application's own database is used and keeps what tests commit; nothing is set or undone."""
        project.write(
            pytest_ini=ini("hermetic_env = TESTING=true"),
            test_a_py=COMMITS,
            test_b_py="""
            import os

            def test_3():
                assert "TESTING" not in os.environ
                os.environ["LEFT"] = "yes"

            def test_4():
                assert os.environ["LEFT"] == "yes"
            """,
        )
        result = project.pytest("--hermetic", "observe", "-W", "default")
        assert result.outcomes()["passed"] == 4, result.output
        assert (project.root / "production.db").exists()

    def test_it_says_where_engines_would_go(self, project: Project) -> None:
        """A line an engine: its URL, where it would go, and the line that made it, also of engines that are gone.

        A driver that no engine uses may have been used itself, which this mode does not see.
        """
        project.write(
            pytest_ini=ini("hermetic_allow = sqlite:///allowed.db"),
            test_a_py=COMMITS
            + """
def test_own_engines(tmp_path):
    import asyncpg
    from sqlalchemy import create_engine
    for url in ("sqlite:///other.db", "sqlite:///allowed.db", f"sqlite:///{tmp_path}/x.db", "sqlite://"):
        engine = create_engine(url)
        engine.connect().close()
        engine.dispose()
""",
        )
        result = project.pytest("--hermetic", "observe", "-W", "default")
        assert result.outcomes()["passed"] == 3, result.output
        lines = [line.strip() for line in result.output.splitlines() if " -> " in line]
        assert lines[0].startswith("sqlite+aiosqlite:///./production.db -> the application's database")
        assert lines[0].endswith("(made at shop.py:10)")
        assert lines[1].startswith("sqlite:///other.db -> an empty database")
        assert lines[1].endswith("(made at test_a.py:18)")
        assert lines[2].startswith("sqlite:///allowed.db -> itself: hermetic_allow names it")
        assert "left alone: a file in pytest's temporary folder" in lines[3]
        assert "left alone: an in-memory database" in lines[4]
        drivers = next(line for line in result.output.splitlines() if line.startswith("drivers: "))
        assert "asyncpg" in drivers
        assert "aiosqlite" not in drivers
        assert "leaks: none" in result.output

    def test_a_server_would_be_refused(self, project: Project) -> None:
        """What ``on`` would refuse is named, its password hidden; observe itself lets it connect, or fail to."""
        project.write(
            test_a_py="""
            import pytest
            from sqlalchemy import create_engine
            from sqlalchemy.exc import OperationalError

            def test_it():
                engine = create_engine("mysql+pymysql://me:secret@127.0.0.1:1/shop?connect_timeout=1")
                with pytest.raises(OperationalError):
                    engine.connect()
            """
        )
        result = project.pytest("--hermetic", "observe")
        assert result.outcomes() == {"passed": 1}, result.output
        assert "mysql+pymysql://me:***@127.0.0.1:1/shop?connect_timeout=1 -> refused" in result.output
        assert "secret" not in result.output

    def test_it_reports_leaks_and_fails_none(self, project: Project) -> None:
        """The test, the line, and that it would fail."""
        project.write(
            test_a_py="""
            from sqlalchemy import create_engine, text

            engine = create_engine("sqlite:///other.db")
            kept = []

            def test_leaks():
                kept.append(engine.connect())

            def test_next():
                kept.pop().close()
                engine.dispose()
            """
        )
        result = project.pytest("--hermetic", "observe")
        assert result.outcomes() == {"passed": 2}, result.output
        assert "leaks: 1, each of which would fail its test" in result.output
        assert "test_a.py::test_leaks left a connection checked out" in result.output
        assert "test_a.py:7" in result.output

    @pytest.mark.parametrize("arguments", [(), ("-n", "2", "-p", "xdist", "--dist", "loadfile")])
    def test_it_predicts_for_the_settings_of_on_and_sums_up(
        self, project: Project, arguments: tuple[str, ...]
    ) -> None:
        """The URL that ``hermetic_env`` would give counts; what tests do alike is one line, from all workers."""
        project.environment["DATABASE_URL"] = "mysql+pymysql://me:secret@127.0.0.1:1/shop?connect_timeout=1"
        project.write(
            pytest_ini=ini("hermetic_env =", "    DATABASE_URL=sqlite:///in_on.db", "    TESTING=true"),
            shop_py="""
            import os
            from fastapi import FastAPI
            from sqlalchemy import create_engine

            engine = create_engine(os.environ["DATABASE_URL"])
            app = FastAPI()
            """,
            test_a_py="""
            import os
            import pytest
            from shop import app
            from sqlalchemy import create_engine

            other = create_engine("sqlite:///other.db")
            kept = []

            def get_session(): ...

            @pytest.fixture(scope="class")
            def wide():
                os.environ["WIDE"] = "left"
                app.dependency_overrides[print] = print

            @pytest.mark.usefixtures("wide")
            class TestAll:
                @pytest.mark.parametrize("n", range(3))
                def test_leaves(self, n):
                    app.dependency_overrides[get_session] = lambda: n
                    kept.append(other.connect())

            def test_after():
                assert os.environ["WIDE"] == "left"
                assert app.dependency_overrides.keys() == {print, get_session}
                [each.close() for each in kept]
                other.dispose()
            """,
            test_b_py="""
            import pytest
            from shop import engine
            from sqlalchemy.exc import OperationalError

            def test_it():
                with pytest.raises(OperationalError):
                    engine.connect()
            """,
        )
        result = project.pytest("--hermetic", "observe", *arguments)
        assert result.outcomes() == {"passed": 5}, result.output
        said(
            result,
            "mysql+pymysql://me:***@127.0.0.1:1/shop?connect_timeout=1 -> the application's database",
            "(made at shop.py:5, with DATABASE_URL=sqlite:///in_on.db of hermetic_env)",
            "environment: DATABASE_URL, TESTING (unset now) would be set before the application is imported",
            "overrides: 3 that tests left would be undone;",
            "  get_session, left by 3 tests, test_a.py::TestAll::test_leaves[0] the first",
            "leaks: 3, each of which would fail",
            "test_a.py::TestAll::test_leaves[0] left a connection checked out. [HM400] (and 2 more like it)",
            status=0,
        )
        assert "secret" not in result.output


class TestPrecedence:
    """The command line wins over the environment, and that over the ini file."""

    @pytest.mark.parametrize(
        ("flag", "environment", "written", "mode"),
        [
            (None, None, None, "on"),
            (None, None, "observe", "observe"),
            (None, "on", "observe", "on"),
            ("observe", "on", "off", "observe"),
            ("on", "off", "off", "on"),
        ],
    )
    def test_of_the_mode(
        self, project: Project, flag: str | None, environment: str | None, written: str | None, mode: str
    ) -> None:
        """Seen in the run's header."""
        if written:
            project.write(pytest_ini=ini(f"hermetic = {written}"))
        if environment:
            project.environment["HERMETIC"] = environment
        project.write(test_a_py="def test_it(): pass\n")
        result = project.pytest(*(["--hermetic", flag] if flag else []))
        assert f"hermetic: mode {mode}," in result.output

    def test_of_the_others(self, project: Project) -> None:
        """Isolation and leaks by flag, whatever is written."""
        project.write(
            pytest_ini=ini("hermetic_isolation = none", "hermetic_leaks = off"),
            test_a_py="def test_it(): pass\n",
        )
        result = project.pytest("--hermetic-isolation=class", "--hermetic-leaks=warn")
        assert "isolation class, leaks warn" in result.output


@pytest.mark.real_start
def test_a_test_without_a_database_starts_nothing(project: Project) -> None:
    """In mode ``on`` too: the application is not imported, no directory is made."""
    project.write(
        pytest_ini=ini("hermetic_directory = databases"),
        test_a_py="""
        import sys

        async def test_it(tmp_path):
            assert "shop" not in sys.modules
            assert "fastapi" not in sys.modules
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 1}, result.output
    assert not (project.root / "databases").exists()


class TestLeaks:
    """A connection that a test leaves checked out."""

    def test_error_fails_the_test_by_name_at_its_teardown(self, project: Project) -> None:
        """With the line that checked it out; the next test is clean."""
        project.write(test_a_py=LEAKS)
        result = project.pytest()
        assert result.outcomes() == {"passed": 2, "errors": 1}, result.output
        assert "ERROR at teardown of test_leaks" in result.output
        assert "test_a.py::test_leaks left a connection checked out. [HM400]" in result.output
        assert "test_a.py:6" in result.output
        assert "hint: close the session or the connection there" in result.output

    def test_warn_warns(self, project: Project) -> None:
        """The same words as a warning; the test passes."""
        project.write(test_a_py=LEAKS)
        result = project.pytest("--hermetic-leaks", "warn", "-W", "default")
        assert result.outcomes()["passed"] == 2 and "errors" not in result.outcomes(), result.output
        assert "HermeticWarning: test_a.py::test_leaks left a connection checked out" in result.output

    def test_warn_where_warnings_are_errors(self, project: Project) -> None:
        """Then it fails that test and no other."""
        project.write(test_a_py=LEAKS)
        result = project.pytest("--hermetic-leaks", "warn")
        assert result.outcomes() == {"passed": 2, "errors": 1}, result.output

    def test_off_says_nothing_and_ends_it_all_the_same(self, project: Project) -> None:
        """The next test finds neither the connection nor its locks."""
        project.write(test_a_py=LEAKS)
        result = project.pytest("--hermetic-leaks", "off")
        assert result.outcomes() == {"passed": 2}, result.output
        assert "left a connection" not in result.output

    def test_the_mark_wins_over_the_project(self, project: Project) -> None:
        """For one test, in both directions."""
        mark = '@pytest.mark.hermetic(leaks="{}")\nasync def test_leaks'
        project.write(
            test_a_py="import pytest\n" + LEAKS.replace("async def test_leaks", mark.format("off")),
            test_b_py="import pytest\n" + LEAKS.replace("async def test_leaks", mark.format("error")),
        )
        result = project.pytest("test_a.py")
        assert result.outcomes() == {"passed": 2}, result.output
        result = project.pytest("test_b.py", "--hermetic-leaks", "off")
        assert result.outcomes() == {"passed": 2, "errors": 1}, result.output

    def test_uncommitted_writes_of_a_leak_are_gone(self, project: Project) -> None:
        """The transaction that a test left open is rolled back, and blocks nobody."""
        project.write(
            test_a_py="""
            from shop import SessionLocal, User

            kept = []

            async def test_leaks():
                session = SessionLocal()
                session.add(User(name="uncommitted"))
                await session.flush()
                kept.append(session)

            async def test_next(async_client):
                assert (await async_client.get("/users")).json() == []
                assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
            """
        )
        result = project.pytest()
        assert result.outcomes() == {"passed": 2, "errors": 1}, result.output
        assert "test_a.py::test_leaks left a connection checked out" in result.output
