"""Connections that are not the project's own affair: hermetic's, and those that an engine is opening.

Both go through the drivers' seams like everybody's. A context variable tells them apart: hermetic's own, and those of
allowed engines, are left as they are; one that an engine opens ends where the engine's connections go, whatever
``async_creator_fn`` or a listener made of its arguments, and is the engine's, so that nobody counts it twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy import URL


@dataclass(frozen=True)
class Pass:
    """How a connection passes the seams.

    Attributes:
        to: Where it ends; None: where its arguments say.
    """

    to: URL | None


_pass: ContextVar[Pass | None] = ContextVar("hermetic_pass", default=None)


def current() -> Pass | None:
    """Return how a connection passes that is opened now; None: by the rules."""
    return _pass.get()


@contextmanager
def free() -> Iterator[None]:
    """Let what is opened inside go where its arguments say: hermetic's own sessions, and what is allowed by name."""
    with _passing(Pass(None)):
        yield


@contextmanager
def on_the_way_to(url: URL) -> Iterator[None]:
    """Bring what is opened inside to this database, as a connection of an engine."""
    with _passing(Pass(url)):
        yield


@contextmanager
def _passing(how: Pass) -> Iterator[None]:
    token = _pass.set(how)
    try:
        yield
    finally:
        _pass.reset(token)
