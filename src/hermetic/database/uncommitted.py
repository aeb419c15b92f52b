"""What is said to a request that waits for a lock of the very test that waits for the request."""

from __future__ import annotations

from hermetic.database.in_use import Checkout
from hermetic.errors import UncommittedWrites
from hermetic.events import LockWaited
from hermetic.owners import Owner


def holds_for(request: Checkout | None, other: Owner | None) -> bool:
    """Whether ``other`` is a test, or something of one, for whose lock a request of its own would wait for ever."""
    if request is None or other is None or request.owner.kind != "request":
        return False
    return other.kind in ("test", "fixture") and other.is_test_level


def uncommitted_writes(
    request: Checkout, test: Checkout, *, seconds: float, lock: str, reads: bool = False
) -> UncommittedWrites:
    """Name both, and what to do.

    Args:
        request: The connection of the request that waits.
        test: The connection of the test that holds the lock.
        seconds: For how long it waited.
        lock: What it waits for, as in "the lock of SQLite".
        reads: Whether the test merely reads, which is in the way of a commit of SQLite's.
    """
    return UncommittedWrites(
        f"your test {'is still reading' if reads else 'holds uncommitted writes'} ({test.location}); "
        f"{'end its transaction' if reads else 'commit'} before the request",
        why=(
            f"{request.owner.name} waited {seconds} seconds at {request.location} for {lock} "
            f"that {test.owner.name} holds, while the test waits for the request."
        ),
        hints=(
            f"await session.{'rollback' if reads else 'commit'}() at {test.location}, before the request is sent",
            "the database is put back after the test, so that a real commit leaves nothing behind",
        ),
    )


def waited(request: Checkout, test: Checkout, seconds: float, error: UncommittedWrites) -> LockWaited:
    """Return what is told of it, whether or not the application swallows the error."""
    return LockWaited(request.owner, request.location, test.owner, test.location, seconds, str(error))
