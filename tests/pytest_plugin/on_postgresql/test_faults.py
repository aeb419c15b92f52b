"""Stopped and killed runs, killed servers, full disks: no process and no directory stays, the next run is green."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini
from tests.pytest_plugin.test_faults import WAITS, Started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture
def databases(project: Project) -> Iterator[Path]:
    """Where the runs' servers lie: a folder of its own, with a short name, that the server's user can reach."""
    place = Path(tempfile.mkdtemp(prefix="hermetic-faults-"))
    place.chmod(0o755)
    project.write(pytest_ini=ini(f"hermetic_directory = {place}"), test_a_py=WAITS)
    yield place
    shutil.rmtree(place)


def processes(place: Path) -> list[str]:
    """Return the command lines of what runs in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(place) in command and "pytest" not in command:
            found.append(command)
    return found


def assert_next_run_is_green(project: Project, databases: Path) -> None:
    """It passes, and after it nothing is left: no server, no socket, no directory."""
    result = project.pytest("-k", "test_next")
    assert result.outcomes()["passed"] == 1, result.output
    assert list(databases.iterdir()) == []
    assert processes(databases) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_pytest(project: Project, databases: Path, number: signal.Signals) -> None:
    """Ctrl-C cleans up by itself; of the others the server is gone with its parent, and the next run does the rest."""
    run = Started(project)
    run.wait_until_ready()
    assert len(list(databases.iterdir())) == 1
    assert processes(databases)
    output = run.stop(number)
    if number is signal.SIGINT:
        assert run.process.returncode == pytest.ExitCode.INTERRUPTED, output
        assert "Traceback" not in output, output
        assert list(databases.iterdir()) == []
        assert processes(databases) == []
    assert_next_run_is_green(project, databases)


def test_two_runs_of_one_project_at_once(project: Project, databases: Path) -> None:
    """One waits inside a transaction, the other passes meanwhile and leaves the first one's server alone."""
    waiting = Started(project)
    waiting.wait_until_ready()
    mine = list(databases.iterdir())
    result = project.pytest("-k", "test_next")
    assert result.outcomes()["passed"] == 1, result.output
    assert list(databases.iterdir()) == mine
    waiting.stop(signal.SIGINT)
    assert list(databases.iterdir()) == []
    assert processes(databases) == []


READS = """
import contextlib
import os
import pathlib
import pytest

def test_reads_every_file(hermetic_database):
    found = [pathlib.Path(folder, name) for folder, _, names in os.walk(DATABASES) for name in names]
    paths = [path for path in found if path.is_file()]
    for path in paths:
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # of a database that is gone since
            file.read(100)
    assert "alive" in [path.name for path in paths]

@pytest.mark.parametrize("n", range(4))
async def test_next(async_client, n):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1

test_reads_them_again = test_reads_every_file
"""


@pytest.mark.real_start
@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_test_that_reads_every_file(project: Project, databases: Path, arguments: tuple[str, ...]) -> None:
    """The server goes on to the end of the run, in each of its processes; then nothing stays."""
    script = READS.replace("DATABASES", repr(str(databases)))
    project.write(test_a_py=script, test_b_py=script)
    project.plugins = (*project.plugins, "xdist")
    result = project.pytest("--hermetic-keep-failed", *arguments)
    assert result.outcomes() == {"passed": 12}, result.output
    assert list(databases.iterdir()) == []
    assert processes(databases) == []


@pytest.mark.real_start
def test_a_killed_worker_of_xdist(project: Project, databases: Path) -> None:
    """The test that killed it fails, a new worker takes over on the same server, and nothing stays."""
    project.write(
        test_a_py="""
        import os
        import signal
        import pytest
        from shop import User

        async def test_dies(async_client, async_test_db):
            await async_client.post("/users", json={"name": "x"})
            async_test_db.add(User(name="uncommitted"))
            await async_test_db.flush()
            os.kill(os.getpid(), signal.SIGKILL)

        @pytest.mark.parametrize("n", range(6))
        async def test_next(async_client, n):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
        """
    )
    project.plugins = (*project.plugins, "xdist")
    result = project.pytest("-n", "2")
    assert result.outcomes() == {"failed": 1, "passed": 6}, result.output
    assert "crashed while running 'test_a.py::test_dies'" in result.output
    assert list(databases.iterdir()) == []
    assert processes(databases) == []


SERVER = """
import os
import signal
from pathlib import Path

from sqlalchemy import text

KILL = bool(os.environ.get("KILL"))


async def test_kills(async_client, async_test_db):
    pid = await async_test_db.scalar(text("SELECT pg_backend_pid()"))
    status = Path(f"/proc/{pid}/status").read_text().split()
    if KILL:
        server = status[status.index("PPid:") + 1]
        processes = [each for each in Path("/proc").glob("[0-9]*/status") if f"PPid:\\t{server}\\n" in read(each)]
        os.kill(int(server), signal.SIGKILL)
        while any("State:" in (now := read(each)) and "State:\\tZ" not in now for each in processes):
            pass  # its processes end a moment after it

def read(file):
    try:
        return file.read_text()
    except OSError:
        return ""

async def test_next(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
"""


@pytest.mark.real_start
def test_a_killed_server(project: Project, databases: Path) -> None:
    """Whoever needs it next says that it is gone, at once and by name; the next run has a new one."""
    project.write(test_a_py=SERVER)
    project.environment["KILL"] = "1"
    result = project.pytest()
    assert result.outcomes() == {"passed": 1, "errors": 2}, result.output
    assert "could not be brought back to its baseline: its server is gone" in result.output
    assert "the PostgreSQL server of the tests no longer answers" in result.output
    assert "unexpected postmaster exit" in result.output
    assert "Traceback" not in result.output, result.output
    assert list(databases.iterdir()) == []
    del project.environment["KILL"]
    assert_next_run_is_green(project, databases)


@pytest.fixture
def disk(databases: Path) -> Iterator[Path]:
    """A file system of 80 MiB, in which a server starts and has little room."""
    place = databases / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=80m,mode=755", "tmpfs", str(place)]
    if os.getuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root, where it may mount, can make a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)
    place.rmdir()


def test_a_disk_that_a_test_fills(project: Project, disk: Path) -> None:
    """The test that writes too much is failed by the server's own error; the next one has the room again."""
    project.write(
        pytest_ini=ini(f"hermetic_directory = {disk}"),
        test_a_py="""
        from sqlalchemy import text

        BIG = "CREATE TABLE big AS SELECT repeat(md5(n::text), 200) FROM generate_series(1, 1000000) n"

        async def test_fills(async_test_db):
            await async_test_db.execute(text(BIG))

        async def test_next(async_client):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"failed": 1, "passed": 1}, result.output
    assert "No space left on device" in result.output
    assert list(disk.iterdir()) == []


def test_a_disk_without_room_for_a_server(project: Project, disk: Path) -> None:
    """The place, that it is full, and the setting."""
    with (disk / "full").open("wb") as file:
        file.truncate(0)
        file.write(b"x" * (79 << 20))
    project.write(pytest_ini=ini(f"hermetic_directory = {disk}"))
    result = project.pytest("-k", "test_next")
    assert result.status == 1, result.output
    assert "No space left on device" in result.output
    assert "hint: " in result.output
    assert [path.name for path in disk.iterdir()] == ["full"]
    (disk / "full").unlink()
    assert_next_run_is_green(project, disk)


def test_a_path_too_long_for_a_socket(project: Project, databases: Path) -> None:
    """The socket goes elsewhere, and is gone with the rest."""
    place = databases / ("a" * 120)
    place.mkdir(mode=0o755)
    project.write(pytest_ini=ini(f"hermetic_directory = {place}"))
    assert_next_run_is_green(project, place)


def flip(archive: Path) -> None:
    """Change a bit of a file."""
    with archive.open("r+b") as file:
        file.seek(archive.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 4]))


def cut(archive: Path) -> None:
    """Leave the first half of a file."""
    os.truncate(archive, archive.stat().st_size // 2)


def open_to_all(archive: Path) -> None:
    """Let others write a file."""
    archive.chmod(0o666)


def put_a_directory(archive: Path) -> None:
    """Have a directory where a file was."""
    archive.unlink()
    archive.mkdir()


@pytest.mark.parametrize("damage", [flip, cut, open_to_all, put_a_directory])
def test_a_cache_that_is_damaged(
    project: Project, databases: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """The next run makes anew what it needs, and passes."""
    cache = tmp_path / "cache"
    project.environment["HERMETIC_CACHE"] = str(cache)
    assert_next_run_is_green(project, databases)
    archives = [*cache.glob("initdb/*.cluster"), *cache.glob("projects/*.cluster")]
    assert len(archives) == 2
    for archive in archives:
        damage(archive)
    result = project.pytest("-k", "test_next")
    assert result.outcomes()["passed"] == 1, result.output
    assert "template built" in result.output
    assert processes(databases) == []


def test_a_cache_that_cannot_be_used(project: Project, databases: Path) -> None:
    """Each run makes all that it needs, and passes."""
    project.environment["HERMETIC_CACHE"] = "/dev/null/cache"
    assert_next_run_is_green(project, databases)
