"""Real applications, tried by the command, in real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hermetic.cli import main
from tests.cli.init.test_run import snapshot
from tests.cli.init.trial.processes import are_gone, until
from tests.cli.init.trial.projects import application
from tests.source.projects import Project

COMMAND = [sys.executable, "-c", "from hermetic.cli import main; raise SystemExit(main())"]

SWALLOWED = """\
import asyncio, contextlib, multiprocessing, os, socket, sqlite3, subprocess, sys, threading
from pathlib import Path
import asyncpg, psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"])
sync = create_engine("sqlite:///other.db")
mapped = create_engine("mysql+pymysql://u:secret@db.example/shop")
print("TESTING is", os.environ["TESTING"], "and", os.environ["FROM_PYTEST_ENV"], os.environ["FROM_CONFTEST"])
assert not Path(".").samefile(Path(__file__).parent) and not sys.stdin.read()


async def ask_the_engine():
    async with engine.connect(): ...


async def ask_the_driver():
    await asyncpg.connect("postgresql://u:secret@db.example/raw")


def connect():
    with sync.connect() as connection:
        connection.execute(text("select 1"))


with contextlib.suppress(ConnectionRefusedError):
    socket.create_connection(("redis", 6379))
with contextlib.suppress(ConnectionRefusedError):
    socket.create_connection(("127.0.0.1", 1))
with contextlib.suppress(ConnectionRefusedError), socket.socket(socket.AF_UNIX) as unix:
    unix.connect("/run/x.sock")
with contextlib.suppress(ConnectionRefusedError), socket.socket(type=socket.SOCK_DGRAM) as datagrams:
    datagrams.sendto(b"x", ("127.0.0.1", 8125))
with contextlib.suppress(sqlite3.OperationalError):
    sqlite3.connect(Path("plain.db"))
with contextlib.suppress(OSError):
    subprocess.check_output(["git", "rev-parse", "it's"])
with contextlib.suppress(OSError):
    subprocess.check_output("ls", shell=True)
with contextlib.suppress(OSError):
    os.system("touch made-by-a-process")
with contextlib.suppress(OSError):
    os.execv("/bin/sh", ["sh"])
with contextlib.suppress(OSError):
    os.posix_spawn("/bin/sh", ["sh", "-c", "true"], {})
with contextlib.suppress(OSError):
    multiprocessing.get_context("spawn").Lock()
for opening in (
    lambda: asyncio.run(ask_the_engine()),
    lambda: asyncio.run(ask_the_driver()),
    lambda: psycopg.connect("host=db.example dbname=raw password=secret"),
    connect,
):
    with contextlib.suppress(Exception):
        opening()
thread = threading.Thread(target=socket.create_connection, args=(("library", 1),))
thread.start()
thread.join()
os.fork()  # and the other process goes on, too
"""
PYTEST_INI = """\
[pytest]
env =
    FROM_PYTEST_ENV=one two
    D:TESTING=no
hermetic_env =
    DATABASE_URL={url}
    TESTING=yes
    OTHER_URL=sqlite:///other.db
hermetic_database = postgresql
"""
CONFTEST = "import os\nos.environ['FROM_CONFTEST'] = 'three'\n"

FORKS = """\
import os, sys, time
from pathlib import Path

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        Path(os.environ["PIDS"], str(os.getpid())).touch()
        time.sleep(600)
    os._exit(0)
Path(os.environ["TMPDIR"], "left").touch()
Path(os.environ["PIDS"], str(os.getpid())).touch()


def wait():
    time.sleep(600)


"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command's temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return folder


@pytest.fixture
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where processes say that they are there."""
    folder = tmp_path / "pids"
    folder.mkdir()
    monkeypatch.setenv("PIDS", str(folder))
    return folder


def tried(text: str) -> list[str]:
    """Return what is said of a trial."""
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("tried "))
    end = next(index for index in range(start + 1, len(lines)) if not lines[index].startswith("    "))
    return [line[14:] for line in lines[start:end]]


def test_an_application_is_built_where_it_reaches_nothing(
    project: Project, temporary: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it tries meanwhile is refused and named; its engines' destinations are told, and nothing is left."""
    files = {"pytest.ini": PYTEST_INI, "tests/conftest.py": CONFTEST}
    before = snapshot(application(project, SWALLOWED).write(files).root)
    monkeypatch.chdir(project.root)
    assert main(["init", "--try", "--check"]) == 1, "something would change"
    captured = capsys.readouterr()
    assert "TESTING is" not in captured.out + captured.err
    assert "set there: FROM_PYTEST_ENV, TESTING, DATABASE_URL, OTHER_URL, FROM_CONFTEST" in captured.err
    assert captured.err.index("will now be imported") < captured.err.index("tried  ")
    lines = tried(captured.err)
    assert [line for line in lines if "resource_tracker" not in line] == [
        "app.main:app is a FastAPI with 2 routes",
        "engine {url} -> the application's database 'hermetic' (made at app/config.py:7)",
        "engine sqlite:///other.db -> the application's database 'hermetic_2' (made at app/config.py:8)",
        "engine mysql+pymysql://u:***@db.example/shop -> refused: hermetic has no mysql server to make one on."
        " (made at app/config.py:9)",
        "refused meanwhile: a connection to redis:6379 (app/config.py:28)",
        "refused meanwhile: a connection to 127.0.0.1:1 (app/config.py:30)",
        "refused meanwhile: a connection to /run/x.sock (app/config.py:32)",
        "refused meanwhile: a connection to 127.0.0.1:8125 (app/config.py:34)",
        "refused meanwhile: the database file plain.db (app/config.py:36)",
        "refused meanwhile: a process: git rev-parse 'it'\"'\"'s' (app/config.py:38)",
        "refused meanwhile: a process: /bin/sh -c ls (app/config.py:40)",
        "refused meanwhile: a process: touch made-by-a-process (app/config.py:42)",
        "refused meanwhile: a process: sh (app/config.py:44)",
        "refused meanwhile: a process: sh -c true (app/config.py:46)",
        "refused meanwhile: a connection of an engine to {url} (app/config.py:15)",
        "refused meanwhile: a connection to postgresql://u@db.example:5432/raw (app/config.py:19)",
        "refused meanwhile: a connection to postgresql://db.example/raw (app/config.py:52)",
        "refused meanwhile: a connection of an engine to sqlite:///other.db (app/config.py:23)",
        "refused meanwhile: a connection to library:1 (by a library in a thread of its own)",
    ]
    assert any("multiprocessing" in line and line.endswith("(app/config.py:48)") for line in lines)
    assert snapshot(project.root) == before
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        pytest.param(
            "import os\nx = os.getenv('OTHER')\nkey = os.environ['SECRET_KEY']\n",
            [
                "failed: importing app.main needs variables that are not set: SECRET_KEY.",
                "at app/config.py:3: key = os.environ['SECRET_KEY']",
                "from app/main.py:3: import app.config",
                "to write, each with a value for tests, in hermetic_env of pytest.ini:",
                "    SECRET_KEY=...",
            ],
            id="a variable",
        ),
        pytest.param(
            "from sqlalchemy import create_engine\nengine = create_engine('sqlite:///a')\nengine.connect()\n",
            [
                "failed: importing app.main asks for a connection of an engine to sqlite:///a, which is refused here.",
                "at app/config.py:3: engine.connect()",
                "from app/main.py:3: import app.config",
                "a run leads it to the application's database 'hermetic': whether that is all, only pytest can tell",
                "or move it out of the import, into the application's lifespan: that can be tried",
                "engine sqlite:///a -> the application's database 'hermetic' (made at app/config.py:2)",
            ],
            id="an engine",
        ),
        pytest.param(
            "import os, sys\nos.getenv('OTHER')\nprint('configure me')\nsys.exit('no configuration')\n",
            [
                "failed: importing app.main ended the process: sys.exit('no configuration')",
                "at app/config.py:4: sys.exit('no configuration')",
                "from app/main.py:3: import app.config",
                "read before, and not set: OTHER",
                "printed: configure me",
            ],
            id="an exit",
        ),
        pytest.param(
            "import os\nos.abort()\n",
            [
                "failed: the process ended by signal 6 (Aborted) before app.main:app was built.",
                "at app/config.py:2: os.abort()",
                "from app/main.py:3: import app.config",
            ],
            id="a crash",
        ),
        pytest.param(
            "import os\nprint('good bye', flush=True)\nos._exit(7)\n",
            [
                "failed: the process ended with exit code 7 before app.main:app was built.",
                "printed: good bye",
            ],
            id="an end without a word",
        ),
    ],
)
def test_what_failed_is_told(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    config: str,
    lines: list[str],
) -> None:
    """What, at which lines of the project, and what to do; the settings are written all the same."""
    monkeypatch.chdir(application(project, config).root)
    assert main(["init", "--try"]) == 1
    text = capsys.readouterr().err
    assert tried(text) == lines
    assert "hermetic_app = app.main:app" in project.read("pytest.ini")
    may_go_on = any("a run leads it to" in line for line in lines)
    assert ("next: do what is said under tried, then run hermetic init --try again" in text) != may_go_on


def test_a_factory_that_is_set_by_hand_and_needs_arguments(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are named, and the fixture that gives them. A setting that is wrong is an error before anything runs."""
    code = "from fastapi import FastAPI\n\n\ndef create(settings, *, clock, debug=False):\n    return FastAPI()\n"
    project.write({"main.py": code, "pytest.ini": "[pytest]\nhermetic_app = main:create\npythonpath = .\n"})
    monkeypatch.chdir(project.root)
    assert main(["init", "--try"]) == 1
    assert tried(capsys.readouterr().err) == [
        "failed: hermetic_app = main:create: the factory takes settings, clock, which hermetic has not."
        " Tests that build the application themselves run all the same.",
        "hint: have your own fixtures give it, in a conftest:",
        "    @pytest.fixture",
        "    def hermetic_app(settings, clock):",
        "        return create(settings, clock)",
    ]
    project.write({"pytest.ini": "[pytest]\nhermetic_app = main:create\nhermetic_leaks = maybe\n"})
    assert main(["init", "--try", "--check"]) == 2
    assert "hermetic_leaks = 'maybe' (pytest.ini) is not a value" in capsys.readouterr().err


def test_the_limit_ends_all_of_it(
    project: Project,
    temporary: Path,
    pids: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a grandchild that left the process group; the line where it stood is named."""
    files = {"app/__init__.py": FORKS + "wait()\n"}
    monkeypatch.chdir(application(project, "").write(files).root)
    assert main(["init", "--try", "--check", "--limit", "2"]) == 1
    assert tried(capsys.readouterr().err) == [
        "failed: app.main:app was not built within 2 s, and was ended.",
        "at app/__init__.py:15: time.sleep(600)",
    ]
    assert are_gone(pids, 2)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_the_end_of_the_command_ends_all_of_it(
    project: Project, temporary: Path, pids: Path, sent: signal.Signals, code: int
) -> None:
    """By Ctrl-C or by force: no process, no file, nothing written, no traceback."""
    before = snapshot(application(project, FORKS + "wait()\n").root)
    command = [*COMMAND, "init", str(project.root), "--try"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: len(list(pids.iterdir())) == 2)
        process.send_signal(sent)
        _, said = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in said
    assert said.endswith("interrupted\n") is (sent is signal.SIGINT)
    until(lambda: are_gone(pids, 2) and not list(temporary.iterdir()))
    assert snapshot(project.root) == before
