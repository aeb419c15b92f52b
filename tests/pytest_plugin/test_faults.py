"""Runs that are stopped or killed, and runs side by side: nothing stays behind, and nobody takes what is another's."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini

WAITS = """
import asyncio
import os
from shop import User

async def test_waits(async_client, async_test_db):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
    async_test_db.add(User(name="uncommitted"))
    await async_test_db.flush()
    os.write(int(os.environ["READY"]), b"ready")
    os.close(int(os.environ["READY"]))
    await asyncio.sleep(60)

async def test_next(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


class Started:
    """A run of pytest that is started anew, and goes on while the test looks at it."""

    def __init__(self, project: Project) -> None:
        self._ready, ready = os.pipe()
        # The project lies in the outer run's temporary folder, whose database files would be left alone.
        self._temporary = tempfile.TemporaryDirectory(prefix="hermetic-basetemp-")
        plugins = [part for name in project.plugins for part in ("-p", name)]
        arguments = [*plugins, "-p", "no:cacheprovider", "--basetemp"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "HERMETIC"))}
        environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200", **project.environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments, self._temporary.name],
            cwd=project.root,
            env={
                **environment,
                **project.environment,
                "READY": str(ready),
                "PYTHONDONTWRITEBYTECODE": "1",
                "COLUMNS": "200",
            },
            pass_fds=(ready,),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.close(ready)

    def wait_until_ready(self) -> None:
        """Wait until the test is where it waits itself; a run that ends before is an error."""
        with open(self._ready) as ready:
            said = ready.read()
        assert said == "ready", self.ended()

    def stop(self, number: signal.Signals) -> str:
        """Send a signal and wait for the end; return the output."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> str:
        """Wait for the end; return the output."""
        output, _ = self.process.communicate(timeout=600)
        self._temporary.cleanup()
        return output


@pytest.fixture
def databases(project: Project) -> Path:
    """Where the project's worker databases lie: a folder of its own, so that other runs do not count."""
    place = project.root / "databases"
    project.write(pytest_ini=ini("hermetic_directory = databases"), test_a_py=WAITS)
    return place


def test_ctrl_c(project: Project, databases: Path) -> None:
    """The run ends as pytest ends it, and its directory is gone."""
    run = Started(project)
    run.wait_until_ready()
    assert list(databases.iterdir())
    output = run.stop(signal.SIGINT)
    assert run.process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "KeyboardInterrupt" in output
    assert "Traceback" not in output, output
    assert list(databases.iterdir()) == []


def test_terminated(project: Project, databases: Path) -> None:
    """SIGTERM gives no time to clean up; the next run does it."""
    run = Started(project)
    run.wait_until_ready()
    run.stop(signal.SIGTERM)
    assert project.pytest("-k", "test_next").outcomes()["passed"] == 1
    assert list(databases.iterdir()) == []


def test_kill_nine(project: Project, databases: Path) -> None:
    """What a killed run leaves, the next one removes; it removes nothing of a run that lives."""
    first = Started(project)
    first.wait_until_ready()
    first.stop(signal.SIGKILL)
    left = list(databases.iterdir())
    assert len(left) == 1

    second = Started(project)
    second.wait_until_ready()
    mine = list(databases.iterdir())
    assert len(mine) == 1 and mine != left

    assert project.pytest("-k", "test_next").outcomes()["passed"] == 1
    assert list(databases.iterdir()) == mine
    second.stop(signal.SIGINT)
    assert list(databases.iterdir()) == []


def test_nothing_stays_in_memory(project: Project) -> None:
    """By default the databases lie in memory; after the run, none of this run's does."""
    project.write(
        test_a_py="""
        from pathlib import Path
        from sqlalchemy import make_url

        async def test_it(hermetic_url, async_client):
            await async_client.post("/users", json={"name": "x"})
            Path("where.txt").write_text(make_url(hermetic_url).database)
        """
    )
    assert project.pytest().outcomes() == {"passed": 1}
    database = Path((project.root / "where.txt").read_text())
    assert database.parent.name.startswith("hermetic-")
    assert not database.parent.exists()


def test_two_runs_of_one_project_at_once(project: Project, databases: Path) -> None:
    """Each has databases of its own: one waits inside a transaction, the other passes meanwhile."""
    waiting = Started(project)
    waiting.wait_until_ready()
    assert project.pytest("-k", "test_next").outcomes()["passed"] == 1
    waiting.stop(signal.SIGINT)
    assert list(databases.iterdir()) == []


def test_a_killed_worker_of_xdist(project: Project, databases: Path) -> None:
    """The test that killed it fails, a new worker takes over with a database of its own, and nothing stays.

    What the worker's earlier tests left is told all the same: only what it knew of the whole run is not.
    """
    project.write(
        test_a_py="""
        import os
        import signal
        import pytest
        from shop import User, app

        def test_leaves(hermetic_app):
            app.dependency_overrides[len] = min

        async def test_dies(async_client, async_test_db):
            await async_client.post("/users", json={"name": "x"})
            async_test_db.add(User(name="uncommitted"))
            await async_test_db.flush()
            os.kill(os.getpid(), signal.SIGKILL)

        @pytest.mark.parametrize("n", range(8))
        async def test_many(async_client, n):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
        """
    )
    project.plugins = (*project.plugins, "xdist")
    result = project.pytest("-n", "1")
    assert result.outcomes() == {"failed": 1, "passed": 9}, result.output
    assert re.search(r"crashed while running 'test_a.py::test_dies", result.output)
    assert re.search(r"^not here: what gw0 knew of the whole run ", result.output, re.MULTILINE)
    assert "len, left by test_a.py::test_leaves" in result.output
    assert project.pytest("-k", "test_many", "-p", "no:xdist").outcomes()["passed"] == 8
    assert list(databases.iterdir()) == []
