"""Runs of pytest that begin where the imports are done: a process of its own loads libraries, and forks for each run.

Most of a small run is its start: of 1.05 s of the processor, 0.7 s are imports of pytest, SQLAlchemy and FastAPI, and
0.15 s those of hermetic, the same ones for each of some 1,000 runs. This file, run as a script, imports them once. Each
run is a fork of it, and what
``python -m pytest`` would have started: ``argv``, ``sys.path``, ``__main__``, environment, folder, umask, the files 0,
1 and 2, and nothing of another run.

- The server is started by exec and has one thread: a worker of pytest-xdist has those of execnet, and cannot fork.
- It holds libraries, and of hermetic what a run may import: never a conftest or a test module.
- Drivers that hermetic watches for are not imported in a run before it imports them, and hermetic sees that; but those
  of PostgreSQL, 80 ms, are then only entered in ``sys.modules``, where they were executed in the server. (sqlite3 is no
  such driver: hermetic imports it itself before it watches any.)
- A library that warns while it is imported ends the server with an error: no run would see that warning.
- Where the start itself may differ, pytest is started anew: on other systems than Linux, under coverage, and when a
  variable that is read at the start (``PYTHON*``, ``LC_*``, ...) is another one; for tests with the mark
  ``real_start`` (imports, plugins' order, crashes, PostgreSQL's server); and for all tests while
  ``REAL_STARTS`` is set. ``make coverage`` and ``make compat`` set it: every outcome is also seen from a real start.
- What each run would find out anew is found out once (`remembered.py`): what is installed, which names of pytest's
  plugins are fixtures and hooks, and where the statements of a library's file begin.
- The workers of pytest-xdist are started as ever; what they report to is a fork.
- The server ends with the process that started it, and takes along the run that is still there.

What a run can notice: libraries in ``sys.modules``, and their loggers, that it did not import; that the garbage
collector passes them by (`gc.freeze`); that what is installed was read before it; and that it leads a process group.
Of 394 runs, compared with real starts, two had another outcome, both of tests that ask for ``sys.modules``; they have
the mark now.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, NamedTuple, NoReturn

LIBRARIES = (
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
    "fastapi",
    "pydantic.v1",
    "httpx2",
    "anyio._backends._asyncio",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.postgresql.psycopg",
    *("pdb", "ctypes.util", "readline", "stringprep"),
)
"""What is imported once, beside pytest itself: the last ones are what it, and drivers, import in each run."""

REWRITTEN = ("asyncio", "pytest_asyncio", "anyio", "anyio.pytest_plugin", "hermetic")
"""What is imported as pytest does after ``-p asyncio -p anyio -p hermetic``: with its assertions rewritten."""

LEFT_OUT = ("hermetic.cli", "hermetic.doctor", "hermetic.migrate", "hermetic.source")
"""How the names of modules of hermetic begin that no run imports."""

DRIVERS = frozenset({"aiosqlite", "asyncpg", "psycopg", "psycopg2", "pymysql"})
"""What no run must find imported: hermetic may have to see that."""

EXECUTED = ("asyncpg", "psycopg")
"""Those of them that the server executes, and hides from its forks until they import them."""

READ_AT_START = (
    "PYTHON",
    "COVERAGE",
    "LC_",
    "LANG",
    "LD_",
    "MALLOC",
    "TZ",
    "SQLALCHEMY",
    "DISABLE_SQLALCHEMY",
)
"""How the names of variables begin that the interpreter, or a library when it is imported, reads."""


class Ended(NamedTuple):
    """A run that has ended by itself, or was ended because it hung."""

    status: int
    output: str
    hung: bool


class Forkserver:
    """The server, seen from the process that started it; it takes one run at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._connection, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), os.environ["HERMETIC_CACHE"]],
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C is for whoever asks
            )
        self._answers = self._connection.makefile("r", encoding="utf-8")
        atexit.register(self.stop)

    def stop(self) -> None:
        """End it, and a run that it has."""
        atexit.unregister(self.stop)
        self._answers.close()
        self._connection.close()
        self.process.wait()

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> Ended:
        """Run pytest; return what it wrote to its output, then what it wrote to its errors.

        Args:
            arguments: Those of pytest.
            folder: The working directory.
            environment: The whole environment.
            timeout: Seconds after which the run says where it stands and is ended.
        """
        asked = {"arguments": arguments, "folder": str(folder), "environment": environment, "umask": _umask()}
        (output, theirs), (errors, their_errors) = os.pipe(), os.pipe()
        socket.send_fds(self._connection, [b"."], [0, theirs, their_errors])
        os.close(theirs)
        os.close(their_errors)
        self._connection.sendall(json.dumps(asked).encode() + b"\n")
        pid = self._answer()
        says = threading.Timer(timeout, _signal, (os.kill, pid, signal.SIGABRT))
        ends = threading.Timer(timeout + 10, _signal, (os.killpg, pid, signal.SIGKILL))
        says.start()
        ends.start()
        with ThreadPoolExecutor(2) as readers:
            text = "".join(readers.map(_read, (output, errors)))
        hung = says.finished.is_set()
        says.cancel()
        ends.cancel()
        return Ended(self._answer(), text, hung)

    def _answer(self) -> int:
        answer = self._answers.readline()
        assert answer, f"the server ended with {self.process.wait()}; what it wrote to its errors says why"
        return int(answer)


def forkserver(usual: Mapping[str, str], environment: Mapping[str, str]) -> Forkserver | None:
    """Return this process's server, or None where a run needs a real start.

    Args:
        usual: The environment of a run that sets nothing.
        environment: The environment of this run.
    """
    start = read_at_start(usual)
    if (
        sys.platform != "linux"
        or "REAL_STARTS" in os.environ
        or any(name.startswith("COVERAGE") for name in environment)
        or read_at_start(environment) != start
    ):
        return None
    return _server(tuple(sorted(start.items())))


def read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that only a real start takes in."""
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


@functools.cache
def _server(start: tuple[tuple[str, str], ...]) -> Forkserver:
    """Return the one server of this process that was started with these variables."""
    return Forkserver({"PATH": os.defpath, **dict(start)})


def _umask() -> int:
    """Return the umask; nothing but setting it tells it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _read(descriptor: int) -> str:
    with open(descriptor) as file:
        return file.read()


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # what it started may hold its output a little longer
        send(pid, number)


def _serve(connection: socket.socket) -> dict[str, Any] | None:
    """Fork for each run; return what is asked for, in the fork, and None in the server when it ends."""
    with connection, connection.makefile("r", encoding="utf-8") as requests:
        while True:
            _, files, _, _ = socket.recv_fds(connection, 1, 3)
            if not files:
                return None
            asked: dict[str, Any] = json.loads(requests.readline())
            pid = os.fork()
            if not pid:
                os.setpgid(0, 0)
            for number, file in enumerate(files):
                if not pid:
                    os.dup2(file, number)
                os.close(file)
            if not pid:
                return asked
            connection.sendall(b"%d\n" % pid)
            if not _ends(pid, connection):
                return None
            _, status = os.waitpid(pid, 0)
            connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _ends(pid: int, connection: socket.socket) -> bool:
    """Wait for the end of a run; end it if whoever asked has ended."""
    process = os.pidfd_open(pid)
    try:
        ready, _, _ = select.select([process, connection.fileno()], [], [])
        if process in ready:
            return True
        os.killpg(pid, signal.SIGKILL)
        return False
    finally:
        os.close(process)


def _load(cache: Path) -> None:
    """Import the libraries, as a run with ``-W error`` and pytest's hook for assertions would."""
    from _pytest.assertion import install_importhook
    from _pytest.config import get_config

    config = get_config()
    hook = install_importhook(config)
    hook.mark_rewrite(*REWRITTEN)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in (*REWRITTEN, *LIBRARIES):
            import_module(name)
        for name in EXECUTED:
            Executed.hide(name)
        _import_below(import_module("hermetic"))
    _remember((cache / "statements").resolve())
    sys.meta_path[sys.meta_path.index(PathFinder)] = Executed
    config._ensure_unconfigure()  # takes the hook away
    assert hook not in sys.meta_path
    assert not DRIVERS & sys.modules.keys()
    assert len(os.listdir("/proc/self/task")) == 1, "only a process with one thread can be forked"
    gc.collect()
    if "trio" not in sys.modules:  # anyio's plugin imports it where it is installed
        gc.freeze()  # else hypothesis, which asks the collector who holds trio's random, finds nobody, and warns


def _remember(statements: Path) -> None:
    """Find out what each run would, and leave no module of ours where a run looks."""
    name = "remembered"  # beside this file, which was started as a script
    remembered = import_module(name)
    remembered.what_is_installed()
    remembered.names_of_plugins()
    remembered.statements(statements)
    del sys.modules[name]


def _import_below(package: ModuleType) -> None:
    """Import the modules of a package, but those that are left out."""
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not found.name.startswith(LEFT_OUT):
            module = import_module(found.name)
            if found.ispkg:
                _import_below(module)


class Executed(PathFinder):
    """Finds what was executed in the server, and all else as usual; a class among the finders, as usual."""

    hidden: ClassVar[dict[str, dict[str, ModuleType]]] = {}

    @classmethod
    def hide(cls, name: str) -> None:
        """Execute a package, and take it and all that came with it out of ``sys.modules``."""
        before = set(sys.modules)
        import_module(name)
        cls.hidden[name] = {new: sys.modules.pop(new) for new in sys.modules.keys() - before}

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec that loads a hidden package by entering its modules."""
        modules = cls.hidden.get(fullname)
        if modules is None:
            return PathFinder.find_spec(fullname, path, target)
        found = modules[fullname].__spec__
        assert found is not None
        spec = ModuleSpec(fullname, _Entering(modules, found), origin=found.origin)
        spec.submodule_search_locations = found.submodule_search_locations
        return spec


class _Entering(Loader):
    """Loads a package that was executed."""

    def __init__(self, modules: Mapping[str, ModuleType], found: ModuleSpec) -> None:
        self._modules = modules
        self._found = found

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._found
        sys.modules.update(self._modules)


def _become(asked: dict[str, Any]) -> None:
    """Run pytest here, as ``python -m pytest`` does."""
    os.umask(asked["umask"])
    os.chdir(asked["folder"])
    environment = read_at_start(os.environ) | asked["environment"]  # Python itself adds LC_CTYPE
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = asked["folder"]
    sys.argv = ["-m", *asked["arguments"]]
    sys.orig_argv = [sys.executable, "-m", "pytest", *asked["arguments"]]
    loaded = set(sys.modules)
    try:
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        _end(ending.code, sys.modules.keys() - loaded)


def _end(status: object, modules: Set[str]) -> NoReturn:
    """End as the interpreter does: threads, what was registered, the run's modules, output.

    The interpreter would go through the server's modules as well, and so copy every page of memory that they are in:
    50 ms, a quarter of a small run.
    """
    assert isinstance(status, int), status
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for name in modules:
        del sys.modules[name]
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _load(Path(sys.argv[2]))
    if (run := _serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        _become(run)
