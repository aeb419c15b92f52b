"""Where a connection of a driver goes: by the rules of engines, asked with the URL that its arguments mean."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import URL

from hermetic import owners
from hermetic.code import Location, is_library
from hermetic.database.address import address_of, working_folder
from hermetic.database.driver_seams import Route, current_exemption
from hermetic.database.drivers.earlier import EarlierFiles
from hermetic.database.engines.destinations import (
    Creation,
    EngineRequest,
    Itself,
    LeftAlone,
    Prepare,
    Resolver,
)
from hermetic.database.engines.location import user_location
from hermetic.database.in_use import Driver, Maker, RawConnection, RawConnections
from hermetic.errors import EventLoopError
from hermetic.masking import masked

ORMS = frozenset(
    ["tortoise", "piccolo", "databases", "ormar", "edgy", "saffier", "peewee", "playhouse", "pony"]
)
"""What has engines of its own, so that the files it opens are databases of the project."""


class DriverRules:
    """The rules of one run; see ``hermetic.database.driver_seams.Rules``, which the seams know.

    Args:
        resolver: Says where an engine's connections go.
        prepare: Called before it; may import the project's code.
        is_named: Whether an engine or a setting names a file, given a folder for relative paths.
        root: The project's folder: what lies below it, and is no library, is the project's.
        earlier: Remembers the files that nothing names yet.

    Attributes:
        open: The connections that drivers opened in worker databases.
        endings: What seams do when the last test is over; each returns what there is to say of it.
    """

    def __init__(
        self,
        resolver: Resolver,
        prepare: Prepare,
        is_named: Callable[[URL, str], bool],
        root: Path,
        earlier: EarlierFiles,
    ) -> None:
        self._resolver = resolver
        self._is_named = is_named
        self._prepare = prepare
        self._earlier = earlier
        self._root = os.path.join(os.path.realpath(root), "")
        self.open = RawConnections()
        self.endings: list[Callable[[], list[str]]] = []
        self._pools: weakref.WeakKeyDictionary[Any, Maker] = weakref.WeakKeyDictionary()

    def route(self, asked: URL, pool: Any | None = None, anchor: Any | None = None) -> Route:
        exemption = current_exemption()
        if exemption is not None:
            return Route(exemption.to, asked)
        anchor = pool if pool is not None and _is_weakly_held(pool) else anchor
        maker = self._maker_of(pool, anchor)
        request = EngineRequest(asked, Creation(maker.owner, maker.location, maker.folder))
        self._prepare(request)
        destination = self._resolver(request)
        if isinstance(destination, LeftAlone | Itself):
            return Route(None, asked, None, maker, pool, anchor)
        return Route(destination.reach(asked.username), asked, destination, maker, pool, anchor)

    def maker_in_the_project(self) -> Maker | None:
        """Return who opens something now: a line of the project's, or an application's ORM. None where neither does.

        An application that is started in a thread (``TestClient``) has its ORM's start-up on the stack, and nothing of
        the project's. A library may have an ORM of its own: what it keeps by that while no application runs is left.
        """
        owner, by_an_orm = owners.current(), _orm_at_work()
        location = self.project_location()
        if location is None and by_an_orm and owner.kind in ("lifespan", "request"):
            location = user_location()
        return None if location is None else Maker(owner, location, working_folder(), by_an_orm)

    def target_of_a_file(self, asked: URL, maker: Maker) -> Any | None:
        request = EngineRequest(asked, Creation(maker.owner, maker.location, maker.folder))
        self._prepare(request)
        if not maker.by_an_orm and not self._is_named(asked, maker.folder):
            self._earlier.add(address_of(asked, maker.folder), maker)
            return None
        destination = self._resolver(request)
        return None if isinstance(destination, LeftAlone | Itself) else destination

    def opened(self, connection: Any, driver: Driver, route: Route) -> RawConnection | None:
        if route.maker is None:
            return None
        raw = RawConnection(
            driver,
            route.maker,
            masked(route.asked),
            route.target,
            asyncio._get_running_loop(),
            weakref.ref(connection),
            _held(route.pool),
            thread=threading.current_thread(),
        )
        self.open.add(raw)
        if route.anchor is not None:
            self._pools.setdefault(route.anchor, route.maker)
        if route.target is not None:
            route.target.note_raw(raw)
        return raw

    def refuse_in_another_loop(self, pool: Any) -> None:
        raw = self.open.of_pool(pool)
        if raw is None or raw.loop is asyncio._get_running_loop():
            return
        raise EventLoopError(
            f"a pool of {raw.driver.name} opened at {raw.location} is used in another event loop.",
            why=f"It is {raw.owner.name}'s, bound to the loop where it was opened, and cannot be used in this one.",
            hints=(
                "run fixtures and tests in one loop: asyncio_default_fixture_loop_scope = session and"
                " asyncio_default_test_loop_scope = session",
                "or open the pool in the loop that uses it: in the application's lifespan, say",
            ),
        )

    def lent(self, connection: Any) -> None:
        raw = self.open.of(connection)
        if raw is not None:
            raw.lent_to = self._maker()
            if raw.target is not None:
                raw.target.note_raw(raw)

    def note_pool(self, pool: Any) -> None:
        self._pools[pool] = self._maker()

    def _maker_of(self, pool: Any | None, anchor: Any | None) -> Maker:
        """Return who opens a connection: who made its pool, also when none of that pool's is open any more."""
        if pool is None:
            return replace(self._maker(), by_an_orm=_orm_at_work())
        earlier = self.open.of_pool(pool)
        if earlier is not None:
            return earlier.maker
        return (None if anchor is None else self._pools.get(anchor)) or self._maker()

    def _maker(self) -> Maker:
        return Maker(owners.current(), self.project_location() or user_location(), working_folder())

    def project_location(self) -> Location | None:
        """Return the innermost line of the project's own code; None where only libraries are at work."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(self._root) and not is_library(file):
                return Location(file, frame.f_lineno, frame.f_code.co_name)
            frame = frame.f_back
        return None


def _orm_at_work() -> bool:
    """Whether a library that has engines of its own opens a connection now, for the project."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in ORMS:
            return True
        frame = frame.f_back
    return False


def _held(pool: Any | None) -> Callable[[], Any | None]:
    """Hold a pool weakly where that can be: some are held as long as their connection is open."""
    if pool is not None and _is_weakly_held(pool):
        return weakref.ref(pool)
    return lambda: pool


def _is_weakly_held(pool: Any) -> bool:
    return type(pool).__weakrefoffset__ != 0
