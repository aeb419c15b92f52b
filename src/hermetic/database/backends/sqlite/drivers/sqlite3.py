"""sqlite3 and aiosqlite: a file that is a database of the project's, opened by a line of the project's.

SQLite is everybody's file format: coverage, testmon, diskcache and IPython keep theirs in it, and a project may read
data from one. So a path alone decides nothing. It is brought to a worker database where an engine or a setting names it
(an ORM that opens it counts as an engine), and where a line of the project's is at work.

aiosqlite calls ``sqlite3.connect`` in a thread that has neither the caller's stack nor its context: both are taken
along from where its connection was made.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache, partial
from types import ModuleType
from typing import Any

from hermetic import audit, owners
from hermetic.causes.hangs import CONNECTION_LEFT
from hermetic.database.backends.sqlite.drivers import files
from hermetic.database.backends.sqlite.restore.connection import (
    POSITIONAL,
    TrackedConnection,
    connect_arguments,
    tracked,
)
from hermetic.database.backends.sqlite.restore.database_state import state_at
from hermetic.database.driver_seams import Patch, Rules
from hermetic.database.engines.location import user_location
from hermetic.database.in_use import Driver, Maker
from hermetic.threads import in_thread


class Sqlite3:
    """See ``hermetic.database.in_use.Driver``; the connections are tracked ones."""

    name = "sqlite3"

    def pid(self, connection: Any) -> None:
        """There is no server."""

    def is_closed(self, connection: Any) -> bool:
        return bool(connection.is_closed)

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.has_transaction())

    def is_handed_out(self, connection: Any) -> bool:
        """It has no pool."""
        return False

    def end(self, connection: Any, pool: Any | None, loop: asyncio.AbstractEventLoop | None) -> None:
        """Whatever statement runs is interrupted."""
        connection.close()

    def end_pool(self, pool: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        """It has none."""


class Aiosqlite:
    """See ``hermetic.database.in_use.Driver``."""

    name = "aiosqlite"

    def pid(self, connection: Any) -> None:
        """There is no server."""

    def is_closed(self, connection: Any) -> bool:
        inner = tracked(connection)
        return inner is None or inner.is_closed

    def in_transaction(self, connection: Any) -> bool:
        inner = tracked(connection)
        return inner is not None and inner.has_transaction()

    def is_handed_out(self, connection: Any) -> bool:
        """It has no pool."""
        return False

    def end(self, connection: Any, pool: Any | None, loop: asyncio.AbstractEventLoop | None) -> None:
        """Its thread ends with it, or a run would wait for that thread for ever."""
        inner = tracked(connection)
        if inner is not None:
            inner.close()
        _stop(connection)

    def end_pool(self, pool: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        """It has none."""


def put(module: ModuleType, rules: Rules, patch: Patch) -> None:
    """Have ``sqlite3.connect`` go by the rules."""
    plain = module.dbapi2.connect

    def connect(database: Any, *args: Any, **kwargs: Any) -> Any:
        named = dict(zip(POSITIONAL, args, strict=False)) | kwargs
        with _by_the_seam():
            return _connected(plain, database, named, rules)

    for holder in (module, module.dbapi2):
        patch(holder, "connect", connect)
    patch(sys.modules[__name__], "_rules", rules)
    _listen()


def put_aiosqlite(module: ModuleType, rules: Rules, patch: Patch) -> None:
    """Have connections of aiosqlite take along who makes them, and where."""
    making = module.core.Connection.__init__
    made: weakref.WeakKeyDictionary[Any, Maker] = weakref.WeakKeyDictionary()
    rules.endings.append(lambda: close_left(made))

    def __init__(self: Any, connector: Callable[[], Any], *args: Any, **kwargs: Any) -> None:
        context = copy_context()
        behalf = _Behalf(rules.maker_in_the_project(), weakref.ref(self))
        making(self, lambda: context.run(_on_behalf, behalf, connector), *args, **kwargs)
        made[self] = behalf.maker or Maker(owners.current(), user_location())

    patch(module.core.Connection, "__init__", __init__)


def close_left(made: Mapping[Any, Maker]) -> list[str]:
    """Close the connections of aiosqlite that are open, where their threads would keep the process from ending.

    Args:
        made: All of them that live, with who made each.

    Returns:
        A line for each that was closed.
    """
    left = [(each, maker) for each, maker in made.items() if _keeps_the_process(each)]
    for connection, _ in left:
        in_thread(partial(_stop, connection))  # aiosqlite makes a loop where a main thread has none
    return [
        f"a connection of aiosqlite that {maker.owner.name} opened at {maker.location} was never closed, and the run"
        f" would never have ended: it was closed after the last test [{CONNECTION_LEFT.code}]"
        for _, maker in left
    ]


def _keeps_the_process(connection: Any) -> bool:
    thread: threading.Thread = getattr(connection, "_thread", connection)  # the latter before 0.22
    is_stopping = not connection._running  # its thread is about to end
    return thread.is_alive() and not thread.daemon and not is_stopping


def _stop(connection: Any) -> None:
    stop = getattr(connection, "stop", None) or connection._stop_running  # the latter before 0.22
    stop()


def _connected(plain: Callable[..., Any], database: Any, named: dict[str, Any], rules: Rules) -> Any:
    if _is_tracked_already(named):
        return plain(database, **named)
    behalf = _behalf.get()
    maker = behalf.maker if behalf is not None else rules.maker_in_the_project()
    route = files.route(rules, database, bool(named.get("uri")), maker)
    state = state_at(str(route.to.database)) if route is not None and route.to is not None else None
    if route is None or state is None:
        return plain(database, **named)
    path, arguments = connect_arguments(state, (database,), named)
    connection: TrackedConnection = plain(path, **arguments)
    made = behalf.connection() if behalf is not None else None
    driver: Driver = Sqlite3() if made is None else Aiosqlite()
    raw = rules.opened(connection if made is None else made, driver, route)
    if raw is not None:
        connection.checkout = raw.checkout
    return connection


def _is_tracked_already(named: dict[str, Any]) -> bool:
    """Whether an engine of ours opens it."""
    factory = getattr(named.get("factory"), "func", None)
    return isinstance(factory, type) and issubclass(factory, TrackedConnection)


class _Behalf:
    """For whom a thread of aiosqlite opens a connection."""

    def __init__(self, maker: Maker | None, connection: weakref.ref[Any]) -> None:
        self.maker = maker
        self.connection = connection


_behalf: ContextVar[_Behalf | None] = ContextVar("hermetic_behalf", default=None)


def _on_behalf(behalf: _Behalf, connector: Callable[[], Any]) -> Any:
    _behalf.set(behalf)
    return connector()


_rules: Rules | None = None
"""Those of the run."""

_thread = threading.local()


@contextmanager
def _by_the_seam() -> Iterator[None]:
    before = getattr(_thread, "decides", False)
    _thread.decides = True
    try:
        yield
    finally:
        _thread.decides = before


@cache
def _listen() -> None:
    """Hear of connections that come past the seam: by ``connect`` as it was bound before, or by the class itself."""
    audit.listen("sqlite3.connect", _heard)


def _heard(database: Any) -> None:
    if _rules is not None and not getattr(_thread, "decides", False):
        files.refuse(_rules, database)
