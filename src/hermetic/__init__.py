"""Test FastAPI applications whose database is async: real commits, any event loop, a clean baseline each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hermetic.client import AsyncTestClient

__version__ = "0.1.0"

__all__ = ["AsyncTestClient", "__version__"]


def __getattr__(name: str) -> object:
    """Import the client at its first use: pytest imports this package in every run, and httpx2 takes its time."""
    if name == "AsyncTestClient":
        from hermetic.client import AsyncTestClient

        return AsyncTestClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
