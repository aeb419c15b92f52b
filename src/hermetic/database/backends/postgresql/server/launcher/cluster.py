"""Where the data directory of a run comes from, and where it goes.

``initdb`` takes 0.6 s, a copy of what it made 40 ms. So what it makes is kept, for each build of the binaries and each
set of options; and a project whose run asked for it has its own stopped cluster kept, with the databases in it.

    CACHE/initdb/KEY.cluster      as initdb left it
    CACHE/projects/HASH.cluster   a stopped cluster of the project; of two runs that end, the last wins
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import sys
import time
from contextlib import ExitStack, suppress

from . import archive, files
from .account import Account, become

OPTIONS_VERSION = 2
"""To be raised with every change of what ``make`` does."""


DAYS = 60


class StartError(Exception):
    """The server cannot be started; the text says why, for people."""


def key(binaries: str) -> str:
    """Return what tells these binaries from others, without starting them."""
    status = os.stat(f"{binaries}/postgres")
    text = f"{OPTIONS_VERSION}\n{os.path.realpath(binaries)}\n{status.st_mtime_ns}\n{status.st_size}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def of_project(project: str, binaries: str, cache: str) -> str:
    """Return where a project's kept cluster lies, for these binaries."""
    text = f"{project}\n{key(binaries)}"
    return f"{cache}/projects/{hashlib.sha256(text.encode()).hexdigest()[:16]}.cluster"


def fill(data: str, binaries: str, cache: str, project: str, who: Account) -> str:
    """Make the data directory of a run from the best there is.

    Args:
        data: The directory to make.
        binaries: Of the server.
        cache: The user's cache.
        project: The project's cluster in the cache; need not exist.
        who: Whom the files belong to.

    Returns:
        The server's version, such as ``"18.6"``.
    """
    made = f"{cache}/initdb/{key(binaries)}.cluster"
    for path in (project, made):
        version = _unpacked(path, data, who)
        if version is not None:
            _touch(path)
            return version
    return _first_time(data, binaries, made, who)


def _unpacked(path: str, data: str, who: Account) -> str | None:
    """Unpack an archive that is there and can be trusted; of another the log tells, and the next best serves."""
    try:
        return archive.unpack(path, data, who)
    except archive.NotOurs as error:
        _say(str(error))
    except archive.Damaged as error:
        _say(f"{path} was thrown away, and is made anew: {error}")
    return None


def _first_time(data: str, binaries: str, made: str, who: Account) -> str:
    """Run initdb, and keep what it made; of several at once, one does. Without a usable cache, each does."""
    with ExitStack() as stack:
        try:
            os.makedirs(os.path.dirname(made), 0o700, exist_ok=True)
            stack.enter_context(files.locked(f"{made}.lock", fcntl.LOCK_EX))
        except OSError as error:
            _say(f"the cache cannot be used: {error}")
        version = _unpacked(made, data, who)
        if version is not None:
            return version
        version = _version(binaries)
        initdb(data, binaries, int(re.split(r"\D", version)[0]), who)
        _keep_initdb(data, made, version)
        return version


def _keep_initdb(data: str, made: str, version: str) -> None:
    try:
        archive.pack(data, made, version)
        prune(os.path.dirname(made))
    except OSError as error:  # the run goes on without: only the next one is slow again
        _say(f"what initdb made could not be kept in {made}: {error}")


def _version(binaries: str) -> str:
    """Return "18.6" from "postgres (PostgreSQL) 18.6 (Debian 18.6-1)"."""
    import subprocess

    command = [f"{binaries}/postgres", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    text = done.stdout.partition("(PostgreSQL) ")[2].split()
    if done.returncode or not text:
        raise StartError(
            f"{' '.join(command)} says: {(done.stdout + done.stderr).strip() or done.returncode}"
        )
    return text[0]


def initdb(data: str, binaries: str, major: int, who: Account) -> None:
    """Run ``initdb`` as that account."""
    import subprocess

    command = [f"{binaries}/initdb", "--pgdata", data, *initdb_options(major)]
    os.mkdir(data, 0o700)
    os.chown(data, who.uid, who.gid)
    environ = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    if libraries := os.environ.get("LD_LIBRARY_PATH"):
        environ["LD_LIBRARY_PATH"] = libraries
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=environ,
        preexec_fn=lambda: become(who),
    )
    if done.returncode:
        raise StartError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def initdb_options(major: int) -> list[str]:
    """Return the options of ``initdb``: UTF-8, an order of text that is the same on every machine, no safety net."""
    options = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--wal-segsize=1", "--username=hermetic_admin"]
    options += [f"--locale={_libc_locale()}"]
    if major >= 17:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if major >= 18:
        options += ["--no-data-checksums"]
    return options


def locale_name(major: int) -> str:
    """Return how texts are ordered, for people."""
    return "C.UTF-8 (builtin)" if major >= 17 else _libc_locale()


def _libc_locale() -> str:
    import locale

    previous = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    locale.setlocale(locale.LC_CTYPE, previous)
    return "C.UTF-8"


def keep(data: str, project: str, version: str) -> None:
    """Make a stopped cluster the project's."""
    os.makedirs(os.path.dirname(project), 0o700, exist_ok=True)
    archive.pack(data, project, version)
    prune(os.path.dirname(project))


def prune(folder: str) -> None:
    """Remove what no run has used for ``DAYS``: of projects that were moved, of binaries that were updated."""
    for name in os.listdir(folder):
        with suppress(OSError):  # another run was faster
            if os.stat(f"{folder}/{name}").st_mtime < time.time() - DAYS * 86400:
                files.remove(f"{folder}/{name}")


def _touch(path: str) -> None:
    with suppress(OSError):  # a cache that can only be read serves as well
        os.utime(path)


def _say(text: str) -> None:
    print(f"hermetic: {text}", file=sys.stderr, flush=True)
