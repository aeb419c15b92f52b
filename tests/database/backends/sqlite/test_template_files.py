"""Templates as files in the user's cache: whose they are, how many stay, and what is not believed."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from hermetic.database.backends.sqlite.template_files import TemplateFiles, seal
from hermetic.database.templates import Damaged, NoTemplate

Store = Callable[..., TemplateFiles]
HOLD = """
import os, sys
from pathlib import Path
from hermetic.database.backends.sqlite.template_files import TemplateFiles

store = TemplateFiles(Path(sys.argv[1]))
with store.exclusively():
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Makes the templates of a project as each of its runs does; each call is another run."""
    monkeypatch.setenv("HERMETIC_CACHE", str(tmp_path / "a cache?mode=rw#"))
    monkeypatch.delenv("PYTEST_XDIST_TESTRUNUID", raising=False)
    return lambda **options: TemplateFiles(tmp_path / "project", **options)


def write(connection: sqlite3.Connection) -> None:
    """Write what a template has."""
    connection.executescript("CREATE TABLE t (x); INSERT INTO t VALUES ('a row')")


def kept(store: TemplateFiles, key: str = "k") -> Path:
    """Keep a template; return its file."""
    with store.exclusively():
        store.keep(key, {}, write)
    return store.folder / f"hermetic_t_{key}.db"


def has_it(store: TemplateFiles, key: str = "k") -> bool:
    """Whether a run finds a template."""
    with store.exclusively():
        return store.find(key) is not None


def test_a_later_run_finds_it(store: Store, tmp_path: Path) -> None:
    """It is a database as any other, which says whose it is and when it was built."""
    assert not has_it(store())
    path = kept(store())
    (found, note) = store().find("k") or (None, {})
    assert found == path
    assert note["built"] == store().templates()[0][1]["built"]
    assert store().templates()[0][1]["project"] == str(tmp_path / "project")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == [("a row",)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert not has_it(store(), "another")
    assert not has_it(TemplateFiles(tmp_path / "other"))


def test_nobody_else_reads_it(store: Store) -> None:
    """Whatever the umask says."""
    before = os.umask(0)
    try:
        path = kept(store())
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path.parents[1], path.parent, path)]
    assert modes == [0o700, 0o700, 0o600]
    assert path.parents[1].name == f"sqlite-{os.getuid()}"


def test_a_cache_in_which_others_write_is_not_used(store: Store) -> None:
    """Who can write there could have the tests run on anything."""
    folder = kept(store()).parents[1]
    folder.chmod(0o777)
    with pytest.raises(NoTemplate, match=r"sqlite-\d+ is not a folder that only user \d+ can write"):
        has_it(store())
    folder.chmod(0o700)
    moved = folder.rename(folder.with_name("moved"))
    folder.symlink_to(moved)
    with pytest.raises(NoTemplate, match="is not a folder"):
        has_it(store())


def damage_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"a row")] ^= 1
    path.write_bytes(data)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def claim(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-16] + b"\xff\xff\xff\xff" + data[-12:])


def note_a_list(path: Path) -> None:
    os.truncate(path, 4096)
    seal(path, [1])  # type: ignore[arg-type]


def write_into_it(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO t VALUES (zeroblob(10000))")
        connection.commit()


def open_to_others(path: Path) -> None:
    path.chmod(0o622)


def link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "damage",
    [damage_a_byte, cut_off, empty, claim, note_a_list, write_into_it, open_to_others, link, pipe],
)
def test_what_is_not_as_it_was_kept_is_thrown_away(store: Store, damage: Callable[[Path], None]) -> None:
    """It says which; the next run finds none, and keeps another."""
    path = kept(store())
    damage(path)
    store().templates()
    with pytest.raises(Damaged, match=r"hermetic_t_k\.db is not used: "):
        has_it(store())
    assert not has_it(store())
    kept(store())
    assert has_it(store())


def test_what_cannot_be_removed_either(store: Store) -> None:
    """It is told each time."""
    path = kept(store())
    path.unlink()
    path.mkdir()
    for _ in range(2):
        with pytest.raises(Damaged):
            has_it(store())
    with pytest.raises(NoTemplate, match="directory"):
        kept(store())


def test_rebuild(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What earlier runs kept does not count, what this one did does, in all of its workers."""
    kept(store())
    assert has_it(store())
    run = store(rebuild=True)
    assert not has_it(run)
    kept(run)
    assert has_it(run)
    assert not has_it(store(rebuild=True))
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "a run of two workers")
    kept(store(rebuild=True))
    assert has_it(store(rebuild=True))


def test_the_newest_few_stay(store: Store) -> None:
    """Beside what the run uses; and nothing of projects whose tests nobody has run for long."""

    def keep(run: TemplateFiles, number: int) -> str:
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=number), tick=False):
            kept(run, str(number))
        return "".join(sorted(path.stem[-1] for path, _ in run.templates()))

    assert [keep(store(), number) for number in range(4)] == ["0", "01", "012", "0123"]
    run = store()
    assert has_it(run, "0")
    gone = run.folder.with_name("of a project that is gone")
    gone.mkdir()
    os.utime(gone, (0, time.time() - 61 * 86400))
    assert keep(run, 4) == "01234"
    assert not gone.exists()
    assert keep(store(), 5) == "2345"


def test_without_a_cache_each_run_builds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is told why."""
    monkeypatch.setenv("HERMETIC_CACHE", "/dev/null/hermetic")
    assert not has_it(store())
    with pytest.raises(NoTemplate, match=r"/dev/null/hermetic/.*: Not a directory; HERMETIC_CACHE names"):
        kept(store())


def test_a_cache_that_is_removed_meanwhile(store: Store) -> None:
    """Is made again."""
    run = store()
    with run.exclusively():
        shutil.rmtree(run.folder.parents[1])
        run.keep("k", {}, write)
    assert has_it(store())


@pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("mount"), reason="only root can make a small file system"
)
def test_a_full_cache(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, and nothing half-written stays."""
    small = tmp_path / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no right to mount")
    monkeypatch.setenv("HERMETIC_CACHE", str(small))
    try:
        run = store()
        with run.exclusively(), pytest.raises(NoTemplate, match="full"):
            run.keep("k", {}, lambda to: to.execute("CREATE TABLE t AS SELECT zeroblob(1000000)"))
        assert [path.name for path in run.folder.iterdir()] == ["lock"]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def process(store: TemplateFiles, then: str) -> subprocess.Popen[str]:
    """Start a process that holds the lock of the project's templates and does something; wait until it says so."""
    command = [sys.executable, "-c", f"{HOLD}    {then}", str(store._project)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "holds\n"
    return started


def test_a_build_that_is_killed(store: Store) -> None:
    """It lets the next one go on, and what it had half-written goes."""
    then = "store.keep('k', {}, lambda to: (print('holds', flush=True), sys.stdin.read()))"
    with process(store(), then) as builder:
        (half,) = store().folder.glob("*.new")
        builder.send_signal(signal.SIGKILL)
    assert half.exists()
    assert not has_it(store())
    assert not half.exists()


def test_one_process_at_a_time(store: Store) -> None:
    """Whoever comes second waits, and finds what the first one kept; a child that was forked does not hold it up."""
    then = (
        "if not os.fork(): os.dup2(os.open('/dev/null', os.O_RDWR), 1); sys.stdin.read(); os._exit(0)\n"
        "    print('holds', flush=True); import time; time.sleep(0.2)\n"
        "    store.keep('k', {}, lambda to: to.execute('CREATE TABLE t (x)'))"
    )
    with process(store(), then) as builder:
        assert has_it(store())
        assert builder.stdin is not None
        builder.stdin.close()


def test_what_cannot_be_locked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network file systems: each may build its own then. Ctrl-C ends the wait."""

    def refused(held: int, operation: int) -> None:
        raise OSError("no locks here")

    def interrupted(held: int, operation: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fcntl.flock", refused)
    kept(store())
    assert has_it(store())
    monkeypatch.setattr("fcntl.flock", interrupted)
    with pytest.raises(KeyboardInterrupt):
        has_it(store())
