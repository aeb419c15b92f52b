"""What a backend's seams have to do with a run: the rules that they ask, and how one is put in place.

A seam is a function of a driver, replaced by one that asks the rules of the run (``drivers/rules.py``) where the
connection goes which is about to be opened.

Connections that are not the project's own affair go through the seams like everybody's: hermetic's, and those that an
engine is opening. A context variable tells them apart: hermetic's own, and those of allowed engines, are left as they
are; one that an engine opens ends where the engine's connections go, whatever ``async_creator_fn`` or a listener made
of its arguments, and is the engine's, so that nobody counts it twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any, Protocol

from sqlalchemy import URL

from hermetic.database.in_use import Driver, Maker, RawConnection
from hermetic.errors import UnsupportedVersion

DEPTH = 12
"""Frames between a pool's method and the seam that it comes to."""


@dataclass(frozen=True)
class Route:
    """Where a connection goes.

    Attributes:
        to: The URL that takes the place of its arguments; None: they stay.
        asked: The URL that they mean.
        target: What the rules sent it to; None where it is nobody's affair.
        maker: Who opens it.
        pool: The pool that does, if any.
        anchor: What lives as long as the pool, and can be held weakly.
    """

    to: URL | None
    asked: URL
    target: Any = None
    maker: Maker | None = None
    pool: Any | None = None
    anchor: Any | None = None


class Rules(Protocol):
    """The rules of one run, as the seams of drivers ask them.

    Attributes:
        endings: What seams do when the last test is over; each returns what there is to say of it.
    """

    endings: list[Callable[[], list[str]]]

    def route(self, asked: URL, pool: Any | None = None, anchor: Any | None = None) -> Route:
        """Say where a connection goes, and have the database there made.

        Args:
            asked: The URL that its arguments mean.
            pool: The pool that opens it.
            anchor: What lives as long as the pool and can be held weakly, where the pool itself cannot.

        Raises:
            ContainmentError: It must not be opened.
        """

    def maker_in_the_project(self) -> Maker | None:
        """Return who opens something now: a line of the project's, or an application's ORM. None where neither does."""

    def target_of_a_file(self, asked: URL, maker: Maker) -> Any | None:
        """Return what a file is brought to; None where it is opened as it is.

        Args:
            asked: Its URL.
            maker: Who opens it.

        Raises:
            ContainmentError: It must not be opened.
        """

    def opened(self, connection: Any, driver: Driver, route: Route) -> RawConnection | None:
        """Remember a connection that was opened by a route; one that passed is an engine's or hermetic's."""

    def refuse_in_another_loop(self, pool: Any) -> None:
        """Refuse to use a pool in another loop than the one in which it was opened, where that cannot work.

        Raises:
            ConfigurationError: It names where the pool was opened.
        """

    def lent(self, connection: Any) -> None:
        """Remember who takes a connection from its pool."""

    def note_pool(self, pool: Any) -> None:
        """Remember who makes a pool: its connections are opened by workers, whose stack has no line of the user's."""


class Patch(Protocol):
    """Puts a value in place of an attribute until the run is over."""

    def __call__(self, holder: Any, name: str, value: Any) -> None:
        """Replace ``holder.name``."""


Put = Callable[[ModuleType, Rules, Patch], None]
"""Puts one driver's seam in place, once its module is there."""


def pool_at_work(name: str, kinds: tuple[type, ...]) -> Any | None:
    """Return the pool that opens a connection now: ``self`` of the method of this name on the stack.

    Where a version of its driver connects in another method, the connection counts as a single one.

    Args:
        name: The method in which a pool connects.
        kinds: The pools' classes.
    """
    frame: FrameType | None = sys._getframe(1)
    for _ in range(DEPTH if kinds else 0):
        if frame is None:
            break
        if frame.f_code.co_name == name and isinstance(frame.f_locals.get("self"), kinds):
            return frame.f_locals["self"]
        frame = frame.f_back
    return None


def found(driver: ModuleType, holder: Any, name: str) -> Any:
    """Return a private function of a driver.

    Raises:
        ConfigurationError: This version has none of that name.
    """
    value = getattr(holder, name, None)
    if value is not None:
        return value
    where = f"{getattr(holder, '__name__', holder)}.{name}"
    raise UnsupportedVersion(
        f"{driver.__name__} {getattr(driver, '__version__', '(no version)')} has no {where}.",
        why="hermetic contains connections of this driver there, and cannot tell where they would go.",
        hints=(
            f"install a version of {driver.__name__} that hermetic knows: see docs/containment.md",
            "hermetic = observe contains nothing, and needs none of it",
        ),
    )


@dataclass(frozen=True)
class Exemption:
    """Of a connection for which the rules are not asked.

    Attributes:
        to: Where it ends; None: where its arguments say.
    """

    to: URL | None


_exemption: ContextVar[Exemption | None] = ContextVar("hermetic_exemption", default=None)


def current_exemption() -> Exemption | None:
    """Return the exemption of what is opened now; None: it goes by the rules."""
    return _exemption.get()


@contextmanager
def uncontained() -> Iterator[None]:
    """Let what is opened inside go where its arguments say: hermetic's own sessions, and what is allowed by name."""
    with _exempt(Exemption(None)):
        yield


@contextmanager
def connecting_to(url: URL) -> Iterator[None]:
    """Bring what is opened inside to this database, as a connection of an engine."""
    with _exempt(Exemption(url)):
        yield


@contextmanager
def _exempt(how: Exemption) -> Iterator[None]:
    token = _exemption.set(how)
    try:
        yield
    finally:
        _exemption.reset(token)
