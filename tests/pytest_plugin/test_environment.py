"""``hermetic_env`` is set before anything of the project is imported, and what tests change is undone."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini


def passes(project: Project, expected: int, *arguments: str) -> None:
    """Run the project; all must pass."""
    result = project.pytest(*arguments)
    assert result.outcomes() == {"passed": expected}, result.output


def runs(project: Project, script: str) -> None:
    """Run a script that runs pytest in its own process; it must end well."""
    done = subprocess.run(
        [sys.executable, script],
        cwd=project.root,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "HERMETIC", "TESTING"))},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_set_before_the_application_and_the_conftest(project: Project) -> None:
    """Both see it while they are imported, and the plugins that the conftest names too."""
    project.write(
        settings_py="import os\nseen = os.environ['TESTING']\n",
        conftest_py="import os\nfrom settings import seen\nat_import = os.environ['TESTING']\n",
        test_a_py="""
        import os
        import conftest, settings

        async def test_it(async_client):
            assert settings.seen == conftest.at_import == os.environ["TESTING"] == "true"
        """,
        pytest_ini=ini("hermetic_env = TESTING=true"),
    )
    passes(project, 1)


def test_the_url_of_the_database(project: Project) -> None:
    """An application that reads its URL from the environment gets the worker database's by ``{url}``."""
    project.write_path(
        "configured.py",
        """
        import os
        from shop import *
        from shop import app, SessionLocal
        from sqlalchemy.ext.asyncio import create_async_engine

        url = os.environ["DATABASE_URL"]
        SessionLocal.configure(bind=create_async_engine(url))
        """,
    )
    project.write(
        test_a_py="""
        import os
        import sqlite3
        from sqlalchemy import make_url

        async def test_it(async_client, hermetic_url, setup_test_env):
            assert hermetic_url == os.environ["DATABASE_URL"] == setup_test_env["DATABASE_URL"]
            await async_client.post("/users", json={"name": "x"})
            with sqlite3.connect(make_url(hermetic_url).database) as raw:
                assert raw.execute("SELECT name FROM users").fetchall() == [("x",)]
            raw.close()

        async def test_next(async_client):
            assert (await async_client.get("/users")).json() == []
        """,
        pytest_ini=ini("hermetic_env =", "    DATABASE_URL={url}", "    A=b=c", app="configured:app"),
    )
    passes(project, 2)
    assert not (project.root / "production.db").exists()


def test_it_wins_over_the_shells(project: Project) -> None:
    """A developer's own DATABASE_URL must not reach the tests."""
    project.environment["DATABASE_URL"] = "postgresql://production.example/shop"
    project.write(
        test_a_py="""
        import os

        def test_it():
            assert os.environ["DATABASE_URL"] == "sqlite+aiosqlite:///:memory:"
        """,
        pytest_ini=ini("hermetic_env = DATABASE_URL=sqlite+aiosqlite:///:memory:"),
    )
    passes(project, 1)


def test_what_a_test_changes_is_undone(project: Project) -> None:
    """A variable set, changed or removed, by the test or by its function-scoped fixture."""
    project.environment["INHERITED"] = "yes"
    project.write(
        test_a_py="""
        import os
        import pytest

        @pytest.fixture
        def sets():
            os.environ["OF_A_FIXTURE"] = "1"

        @pytest.mark.parametrize("again", range(2))
        def test_it(sets, again):
            assert os.environ["INHERITED"] == "yes"
            assert os.environ["TESTING"] == "true"
            assert "NEW" not in os.environ
            os.environ["NEW"] = "1"
            os.environ["TESTING"] = "changed"
            del os.environ["INHERITED"]

        def test_after():
            assert "OF_A_FIXTURE" not in os.environ
        """,
        pytest_ini=ini("hermetic_env = TESTING=true"),
    )
    passes(project, 3)


def test_monkeypatch_still_works(project: Project) -> None:
    """Its own undo and ours agree, whichever is first."""
    project.write(
        test_a_py="""
        import os
        import pytest

        @pytest.mark.parametrize("again", range(2))
        def test_it(monkeypatch, again):
            assert os.environ["TESTING"] == "true"
            monkeypatch.setenv("TESTING", "patched")
            monkeypatch.delenv("HOME", raising=False)
            monkeypatch.setenv("NEW", "1")
            os.environ["TESTING"] = "by hand"

        def test_after():
            assert os.environ["TESTING"] == "true"
            assert "NEW" not in os.environ
        """,
        pytest_ini=ini("hermetic_env = TESTING=true"),
    )
    passes(project, 3)


def test_what_a_wide_fixture_sets_stays_as_long_as_it_lives(project: Project) -> None:
    """Of session scope: for the run; of module scope: for the module, though it never takes it back itself."""
    project.write(
        conftest_py="""
        import os
        import pytest

        @pytest.fixture(scope="session")
        def of_the_session():
            os.environ["WIDE"] = "session"

        @pytest.fixture(scope="module")
        def of_the_module():
            os.environ["NARROW"] = "module"
        """,
        test_a_py="""
        import os

        def test_1(of_the_session, of_the_module):
            assert (os.environ["WIDE"], os.environ["NARROW"]) == ("session", "module")
            os.environ["WIDE"] = "mine"

        def test_2():
            assert (os.environ["WIDE"], os.environ["NARROW"]) == ("session", "module")
        """,
        test_b_py="""
        import os

        def test_3():
            assert os.environ["WIDE"] == "session"
            assert "NARROW" not in os.environ
        """,
    )
    passes(project, 3)


def test_the_state_of_an_application_is_put_back(project: Project) -> None:
    """By the attribute, and with monkeypatch too; what a wider fixture or its lifespan has set stays for its life."""
    project.write_path(
        "flagged.py",
        """
        from contextlib import asynccontextmanager
        from fastapi import FastAPI

        @asynccontextmanager
        async def lifespan(app):
            app.state.pool = "open"
            yield

        app = FastAPI(lifespan=lifespan)
        app.state.flag, app.state.greeting = False, "hello"
        """,
    )
    project.write(
        conftest_py="""
        import pytest
        from flagged import app
        from starlette.testclient import TestClient

        @pytest.fixture(scope="session")
        def client():
            with TestClient(app) as client:
                yield client

        @pytest.fixture(scope="module")
        def theme():
            app.state.theme = "dark"

        @pytest.fixture
        async def started():
            async with app.router.lifespan_context(app):
                yield
        """,
        test_a_py="""
        from flagged import app

        async def test_own_lifespan(started):
            assert app.state.pool == "open"

        def test_change(client, theme, monkeypatch):
            assert app.state.pool == "open"
            monkeypatch.setattr(app.state, "greeting", "goodbye")
            app.state.flag, app.state.extra, app.state.theme = True, 1, "light"
            del app.state.pool

        def test_after():
            assert vars(app.state)["_state"] == {"flag": False, "greeting": "hello", "pool": "open", "theme": "dark"}
        """,
        test_b_py="""
        from flagged import app

        def test_other_module():
            assert vars(app.state)["_state"] == {"flag": False, "greeting": "hello", "pool": "open"}
        """,
    )
    passes(project, 4)


def test_what_imports_set_is_there_for_all_tests(project: Project) -> None:
    """A conftest that sets a variable when it is imported, as most do."""
    project.write(
        conftest_py="import os\nos.environ['FROM_CONFTEST'] = 'yes'\n",
        test_a_py="""
        import os
        import pytest

        @pytest.mark.parametrize("again", range(2))
        def test_it(again):
            assert os.environ["FROM_CONFTEST"] == "yes"
            os.environ["FROM_CONFTEST"] = "no"
        """,
    )
    passes(project, 2)


def test_the_environment_after_the_run_is_that_before(project: Project) -> None:
    """Whoever runs pytest in their own process finds what they had."""
    project.write(
        conftest_py="import os\nos.environ['FROM_CONFTEST'] = 'yes'\n",
        test_a_py="import os\n\ndef test_it():\n    os.environ['NEW'] = '1'\n",
        pytest_ini=ini("hermetic_env =", "    TESTING=true", "    DATABASE_URL={url}"),
        run_py="""
        import os
        import pytest

        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        before = dict(os.environ)
        arguments = ["-q", "-p", "hermetic", "-p", "asyncio", "-p", "no:cacheprovider"]
        assert pytest.main(arguments) == 0
        assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
        """,
    )
    runs(project, "run.py")


def test_a_failing_start_leaves_the_environment_alone(project: Project) -> None:
    """Nothing is set when the configuration is refused."""
    project.write(
        pytest_ini=ini("hermetic_env = TESTING=true", "hermetic_allow = none"),
        run_py="""
        import os
        import pytest

        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        arguments = ["-q", "-p", "hermetic", "-p", "asyncio", "-p", "no:cacheprovider"]
        assert pytest.main(arguments) == 4
        assert "TESTING" not in os.environ
        """,
    )
    runs(project, "run.py")
