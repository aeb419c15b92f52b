"""A forked run is what a started one is, and its server leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pytest_plugin import forkserver as module
from tests.pytest_plugin.forkserver import Forkserver, forkserver

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="where there is no server")

ENVIRONMENT = {
    "PATH": os.defpath,
    "COLUMNS": "120",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONFAULTHANDLER": "1",
    "IT'S": "an é\udcff",
}

LOOKS = """
import faulthandler, gc, json, os, resource, shutil, signal, sys, threading, warnings
from pathlib import Path

def test_it(request, pytestconfig):
    main = sys.modules["__main__"]
    found = {
        "argv": sys.argv,
        "orig_argv": sys.orig_argv,
        "executable": [sys.executable, sys.prefix],
        "main": [main.__name__, main.__file__, main.__spec__.name, main.__package__],
        "globals": sorted(vars(main).keys() - {"__annotations__"}),
        "path": sys.path,
        "meta_path": [type(finder).__name__ for finder in sys.meta_path],
        "path_hooks": len(sys.path_hooks),
        "flags": list(sys.flags),
        "options": [sys.warnoptions, sys._xoptions, sys.dont_write_bytecode, sys.pycache_prefix],
        "folder": [os.getcwd(), str(pytestconfig.rootpath), str(pytestconfig.invocation_params.dir)],
        "environment": {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        "umask": os.umask(0),
        "signals": {
            int(number): str(signal.getsignal(number)).partition(" at 0x")[0] for number in signal.valid_signals()
        },
        "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
        "wakeup": signal.set_wakeup_fd(-1),
        "limits": [resource.getrlimit(kind) for kind in range(10)],
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "threads": [thread.name for thread in threading.enumerate()] + os.listdir("/proc/self/task")[1:],
        "main_thread": threading.current_thread() is threading.main_thread(),
        "streams": [
            [file.name, file.encoding, file.errors, file.isatty(), file.line_buffering, file.write_through]
            for file in (sys.__stdin__, sys.__stdout__, sys.__stderr__)
        ],
        "files": sorted(os.listdir("/proc/self/fd"), key=int),
        "hooks": [sys.excepthook.__module__, sys.breakpointhook.__module__, sys.gettrace(), sys.getprofile()],
        "collector": [gc.isenabled(), gc.get_threshold(), gc.get_debug()],
        "warnings": [repr(each) for each in warnings.filters],
        "faults": faulthandler.is_enabled(),
        "width": shutil.get_terminal_size(),
        "children": Path(f"/proc/self/task/{os.getpid()}/children").read_text(),
        "ours": sorted(name for name in sys.modules if name.partition(".")[0] in ("tests", "forkserver")),
        "drivers": sorted({"aiosqlite", "asyncpg", "psycopg", "psycopg2"} & set(sys.modules)),
        "fixtures": sorted(
            (name, each.scope, each.func.__module__)
            for name, places in request._fixturemanager._arg2node2fixturedefs.items()
            for found in places.values()
            for each in found
        ),
        "hooks": {
            name: [(each.function.__module__, each.argnames, each.opts) for each in hook.get_hookimpls()]
            for name, hook in vars(pytestconfig.hook).items()
            if name.startswith("pytest_")
        },
        "seconds": round(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]), 1),
    }
    import asyncpg, psycopg
    found["imported"] = {
        "modules": sorted(name for name in sys.modules if name.startswith(("asyncpg", "psycopg"))),
        "names": [sorted(vars(module)) for module in (asyncpg, psycopg)],
        "specs": [repr(module.__spec__).replace(repr(module.__loader__), "") for module in (asyncpg, psycopg)],
        "loaders": [type(module.__loader__).__name__ for module in (asyncpg, psycopg)],
        "seams": [
            (name, getattr(getattr(sys.modules[module], name, None), "__module__", None))
            for module, name in (("asyncpg", "connect"), ("psycopg", "connect"))
        ],
    }
    Path("found.json").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of these tests' server keep what they find."""
    return tmp_path_factory.mktemp("remembered")


@pytest.fixture(scope="module")
def server(remembered: Path) -> Iterator[Forkserver]:
    """A server of these tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERMETIC_CACHE", str(remembered))
        made = Forkserver(ENVIRONMENT)
    yield made
    made.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a name that needs care."""
    made = tmp_path / "it's a folder"
    made.mkdir()
    (made / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n", encoding="utf-8"
    )
    return made


def found(folder: Path) -> dict[str, Any]:
    """Return what the test of `LOOKS` found."""
    read: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return read


def start(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Start pytest as a user does."""
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def test_a_run_finds_what_a_real_start_gives(server: Forkserver, folder: Path) -> None:
    """Interpreter, process, files and environment are the same: for the first run and for a second."""
    (folder / "test_a.py").write_text(LOOKS, encoding="utf-8")
    arguments = ["-p", "hermetic", "-p", "asyncio", "-p", "anyio", "-p", "no:cacheprovider", "-W", "error"]
    before = os.umask(0o027)
    try:
        real = start(arguments, folder)
        assert real.returncode == 0, real.stdout
        expected = found(folder)
        for _ in range(2):
            ended = server.run(arguments, folder, ENVIRONMENT, 60)
            assert found(folder) == expected
    finally:
        os.umask(before)
    assert expected["umask"] == 0o027
    assert (len(expected["fixtures"]) > 40, len(expected["hooks"]) > 40) == (True, True)
    assert (ended.status, ended.hung) == (real.returncode, False) == (0, False)
    assert shown_by(ended.output) == shown_by(real.stdout)


def shown_by(output: str) -> str:
    """Leave out what no two runs have in common: addresses, and how long it took, and the room for that."""
    lines, _, outcome = re.sub(r"0x[0-9a-f]+", "0x", output).rpartition(" in ")[0].rpartition("\n")
    return f"{lines}\n{outcome.lstrip('=')}"


def test_tracebacks_through_libraries(server: Forkserver, folder: Path, remembered: Path) -> None:
    """They show what a real start's do, where the files are parsed and where what was found in them is kept."""
    (folder / "test_a.py").write_text(
        "from sqlalchemy import create_engine, text\n\ndef test_it():\n"
        "    create_engine('sqlite://').connect().execute(text('SELECT * FROM nowhere'))\n",
        encoding="utf-8",
    )
    shown = shown_by(start([], folder).stdout)
    assert "sqlalchemy/engine/base.py" in shown
    kept = []
    for _ in range(2):
        assert shown_by(server.run([], folder, ENVIRONMENT, 60).output) == shown
        kept.append({path.name: path.stat().st_ino for path in (remembered / "statements").iterdir()})
    assert kept[0] == kept[1]
    assert len(kept[0]) > 2


def test_output_then_errors(server: Forkserver, folder: Path) -> None:
    """As they are joined of a started run; what is written when Python ends is there too."""
    (folder / "conftest.py").write_text(
        "import atexit, os, sys\n"
        "os.write(2, b'to the errors\\n')\n"
        "os.write(1, b'to the output\\n')\n"
        "atexit.register(print, 'at the end')\n"
        "class Kept:\n"
        "    def __del__(self):\n"
        "        os.write(2, b'with the modules')\n"
        "kept = Kept()\n",
        encoding="utf-8",
    )
    status, output, _ = server.run(["--collect-only", "-q"], folder, ENVIRONMENT, 60)
    assert status == pytest.ExitCode.NO_TESTS_COLLECTED
    lines = output.splitlines()
    assert (lines[0], lines[-3:]) == ("to the output", ["at the end", "to the errors", "with the modules"])


def test_a_run_that_is_killed(server: Forkserver, folder: Path) -> None:
    """Its status is the signal, and the server goes on."""
    test = folder / "test_a.py"
    test.write_text("import os\n\ndef test_it():\n    os.kill(os.getpid(), 9)\n", encoding="utf-8")
    assert server.run(["-q"], folder, ENVIRONMENT, 60).status == -signal.SIGKILL
    test.write_text("def test_it():\n    pass\n", encoding="utf-8")
    assert server.run(["-q"], folder, ENVIRONMENT, 60).status == 0


def test_a_server_that_is_gone(folder: Path) -> None:
    """Nobody waits for it."""
    server = Forkserver(ENVIRONMENT)
    server._connection.shutdown(socket.SHUT_WR)
    assert server.process.wait(300) == 0
    with pytest.raises((BrokenPipeError, AssertionError)):
        server.run([], folder, ENVIRONMENT, 60)
    server.stop()


def test_a_run_that_hangs_says_where(
    server: Forkserver, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended, what it wrote until then is there, and where its thread stood."""

    class OnceItHangs(threading.Timer):
        def run(self) -> None:
            while not (folder / "hangs").exists():
                if self.finished.wait(0.01):
                    return
            super().run()

    monkeypatch.setattr("threading.Timer", OnceItHangs)
    (folder / "test_a.py").write_text(
        "import threading\nfrom pathlib import Path\n\n"
        "def test_it():\n    Path('hangs').touch()\n    threading.Event().wait()\n",
        encoding="utf-8",
    )
    ended = server.run(["-q"], folder, ENVIRONMENT, 0.5)
    assert (ended.status, ended.hung) == (-signal.SIGABRT, True)
    assert "in test_it" in ended.output


def test_it_ends_with_who_started_it(folder: Path) -> None:
    """The run that it had ends as well."""
    (folder / "test_a.py").write_text(
        "import os, threading\n\ndef test_it():\n    os.write(2, b'%d' % os.getpid())\n    threading.Event().wait()\n",
        encoding="utf-8",
    )
    reading, writing = os.pipe()
    server = Forkserver(ENVIRONMENT)
    socket.send_fds(server._connection, [b"."], [0, 1, writing])
    os.close(writing)
    asked = {"arguments": ["-s"], "folder": str(folder), "environment": ENVIRONMENT, "umask": 0o077}
    server._connection.sendall(json.dumps(asked).encode() + b"\n")
    with open(reading) as errors:
        assert errors.read(1)
        server.stop()
        assert errors.read() is not None  # to the end: nobody holds it
    assert server.process.returncode == 0


def test_where_a_real_start_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under coverage, with a variable that is read at the start, and where it is asked for."""
    monkeypatch.delenv("REAL_STARTS", raising=False)
    server = object()
    monkeypatch.setattr(module, "_server", lambda start: server)
    usual = {"PATH": "/bin", "PYTHONFAULTHANDLER": "1"}
    assert forkserver(usual, {**usual, "HOME": "/"}) is server
    assert forkserver(usual, {**usual, "PYTHONHASHSEED": "1"}) is None
    assert forkserver(usual, {"PATH": "/bin"}) is None
    covered = {**usual, "COVERAGE_PROCESS_START": "x"}
    assert forkserver(covered, covered) is None
    monkeypatch.setenv("REAL_STARTS", "1")
    assert forkserver(usual, usual) is None


def test_workers_are_started(server: Forkserver, folder: Path) -> None:
    """Those of pytest-xdist are no forks: each has what Python was started with, and imports all by itself."""
    (folder / "test_a.py").write_text(
        "import sys\n\ndef test_it(worker_id):\n    assert (worker_id, sys.orig_argv[2]) == ('gw0', '-c')\n"
        "    assert 'sqlalchemy' not in sys.modules\n",
        encoding="utf-8",
    )
    status, output, _ = server.run(["-q", "-p", "xdist", "-n", "1"], folder, ENVIRONMENT, 60)
    assert status == 0, output
