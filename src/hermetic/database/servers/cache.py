"""The user's cache: what runs leave for later ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: nothing there can be locked
    fcntl = None  # type: ignore[assignment]


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
