"""What is said of a connection that a test left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.errors import LeakError

if TYPE_CHECKING:
    from hermetic.database.protocols import Checkout


def leak_message(checkout: Checkout) -> str:
    """Return what the test that left this connection checked out is told."""
    return str(
        LeakError(
            f"{checkout.owner.name} left a connection checked out.",
            why=f"It was checked out at {checkout.location} from {checkout.engine}.",
            hints=("close the session or the connection there: 'async with' does it for you",),
        )
    )
