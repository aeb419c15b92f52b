"""Where things lie: the private directory of a run, and the user's cache, which runs leave things in for later ones.

A home lies in memory where the machine has such a place with room. Its name carries the user, so that nobody removes
what is another's; what tells whether its run is alive differs between backends, and is theirs.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hermetic.errors import ConfigurationError, StorageError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: nothing there can be locked
    fcntl = None  # type: ignore[assignment]

MEMORY = Path("/dev/shm")


def prefix() -> str:
    """Return what the names of this user's homes start with."""
    return f"hermetic-{user()}-"


def user() -> int:
    """Return who we are, as a number; Windows has one user."""
    return os.getuid() if hasattr(os, "getuid") else 0


def default_parent(room: int) -> Path:
    """Return where homes are made when nobody says: memory with that many bytes free, else the temporary folder."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= room:
        return MEMORY
    return Path(tempfile.gettempdir())


def dead_homes(parent: Path, pattern: str, is_dead: Callable[[Path], bool]) -> list[Path]:
    """List this user's directories under ``parent`` whose run is dead."""
    return [home for home in sorted(parent.glob(pattern)) if is_ours(home) and is_dead(home)]


def is_ours(home: Path) -> bool:
    """Whether this is a directory, not a link to one, and this user's."""
    try:
        status = home.lstat()
    except OSError:
        return False  # removed since it was listed
    return stat.S_ISDIR(status.st_mode) and status.st_uid == user()


def is_private(status: os.stat_result) -> bool:
    """Whether a file or a folder is this user's, and nobody else can write it; Windows has no such modes."""
    return not hasattr(os, "getuid") or (status.st_uid == user() and not status.st_mode & 0o022)


def unusable(place: Path, reason: str | None, code: int | None) -> ConfigurationError:
    """Return the error for a place where nothing can be written."""
    return StorageError(
        f"no test database can be made in {place}: {reason or code}",
        why="the file system is full." if code in (errno.ENOSPC, errno.EDQUOT) else "",
        hints=(
            "set hermetic_directory to a directory that can be written and has room",
            "in a container: docker run --shm-size=256m",
        ),
    )


def cache_directory() -> Path:
    """Return the user's cache: HERMETIC_CACHE, else ``hermetic`` in XDG_CACHE_HOME, else in ``~/.cache``."""
    if given := os.environ.get("HERMETIC_CACHE"):
        return Path(given).absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base) / "hermetic"
    try:
        return Path.home() / ".cache" / "hermetic"
    except RuntimeError:  # a user without a name and a home, as in containers: then there is no cache
        return Path(os.devnull) / "hermetic"


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a lock file inside the block, once whoever holds it is done; yield False where it cannot be locked."""
    held = _lock(path)
    try:
        yield held is not None
    finally:
        if held is not None:
            fcntl.flock(held, fcntl.LOCK_UN)  # a child that was forked meanwhile has it open, too
            os.close(held)


def _lock(path: Path) -> int | None:
    if fcntl is None:  # pragma: no cover - see the import
        return None
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
    except BaseException as error:
        os.close(held)
        if not isinstance(error, OSError):
            raise
        return None
    return held
