"""Who the server runs as: PostgreSQL refuses to run as root, and in containers one is root.

Then it runs as the machine's user ``postgres`` or else as 65534 (``nobody``); no user is made. Its binaries must be
executable by that user: under a home such as ``/root`` they are not, and are copied once to a place that everybody can
read. The permissions of the user's own folders are never touched.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from typing import NamedTuple

from . import files

NOBODY = 65534
SHARED = "/var/cache/hermetic"


class Account(NamedTuple):
    """A user and a group, as numbers."""

    uid: int
    gid: int


def account() -> Account:
    """Return who the server runs as: us, unless we are root."""
    if os.getuid() != 0:
        return Account(os.getuid(), os.getgid())
    import pwd

    try:
        found = pwd.getpwnam("postgres")
    except KeyError:
        return Account(NOBODY, NOBODY)
    return Account(found.pw_uid, found.pw_gid)


def become(who: Account) -> None:  # pragma: no cover - runs in forked children only, which no coverage sees
    """Turn this process into that account's, for good."""
    if os.getuid() == 0:
        os.setgroups([who.gid])
        os.setgid(who.gid)
        os.setuid(who.uid)


def can(who: Account, check: Callable[[], bool]) -> bool:
    """Whether something holds for that account; asked in a process of that account, so that every rule counts."""
    if who.uid == os.getuid():
        return check()
    child = os.fork()
    if not child:  # pragma: no cover - the forked child
        answer = False
        try:
            become(who)
            answer = check()
        finally:
            os._exit(0 if answer else 1)
    return os.waitpid(child, 0)[1] == 0


def executable(binaries: str, who: Account, cache: str) -> str:
    """Return a directory with these binaries that the account can execute: itself, or a copy made once.

    Args:
        binaries: The directory that has ``postgres``.
        who: The account.
        cache: The user's cache; copies go there if the account can read it.

    Raises:
        PermissionError: The binaries cannot be executed by anybody.
    """
    if can(who, lambda: os.access(f"{binaries}/postgres", os.X_OK)):
        return binaries
    if not os.access(f"{binaries}/postgres", os.X_OK):
        raise PermissionError(13, "Permission denied", f"{binaries}/postgres")
    status = os.stat(f"{binaries}/postgres")
    key = hashlib.sha256(f"{binaries}\n{status.st_mtime_ns}\n{status.st_size}".encode()).hexdigest()[:16]
    parent = _readable_parent(who, cache)
    home = f"{parent}/binaries-{key}"
    root, libraries = _extent(binaries)
    with files.locked(f"{parent}/lock", fcntl.LOCK_EX):
        if not os.path.isdir(home):
            files.remove(f"{home}.new")
            _copy(root, libraries, f"{home}.new")
            os.rename(f"{home}.new", home)
    return f"{home}/{os.path.relpath(binaries, os.path.dirname(root))}"


def _readable_parent(who: Account, cache: str) -> str:
    import tempfile

    temporary = f"{tempfile.gettempdir()}/hermetic-{os.getuid()}-binaries"
    for place in (cache, SHARED, temporary):
        previous = os.umask(0o022)
        try:
            os.makedirs(place, exist_ok=True)
        except OSError:
            continue
        finally:
            os.umask(previous)
        status = os.lstat(place)
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            continue  # another user could put binaries of their own there
        if can(who, lambda place=place: os.access(place, os.R_OK | os.X_OK)):  # type: ignore[misc]
            return place
    raise PermissionError(13, "no place that the server's user can read", temporary)


def _extent(binaries: str) -> tuple[str, str]:
    """Return what must be copied: the installation, and the libraries that a wheel keeps beside its package."""
    install = os.path.dirname(binaries)
    package = os.path.dirname(install)
    if os.path.isdir(f"{package}.libs"):
        return package, f"{package}.libs"
    return install, ""


def _copy(root: str, libraries: str, target: str) -> None:
    import shutil

    previous = os.umask(0o022)
    try:
        os.mkdir(target, 0o755)
        for source in filter(None, (root, libraries)):
            shutil.copytree(source, f"{target}/{os.path.basename(source)}", symlinks=True)
        for folder, _, names in os.walk(target):
            os.chmod(folder, 0o755)
            for name in names:
                path = f"{folder}/{name}"
                if not os.path.islink(path):
                    os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
    except OSError:
        files.remove(target)
        raise
    finally:
        os.umask(previous)
