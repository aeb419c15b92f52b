"""What the drivers of PostgreSQL tell of a connection, and how each is ended so that its pool opens another.

Nothing here sends a word to the server.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from sqlalchemy import URL
from sqlalchemy.engine import Dialect

IDLE = 0
"""libpq's PQTRANS_IDLE."""

UNKNOWN = 4
"""libpq's PQTRANS_UNKNOWN: the connection is bad."""


class Asyncpg:
    """See ``hermetic.database.in_use.Driver``."""

    name = "asyncpg"

    def pid(self, connection: Any) -> int | None:
        with suppress(Exception):
            return int(connection.get_server_pid())
        return None

    def reached(self, connection: Any) -> URL | None:
        """Return the database that it is on, as the driver has it."""
        return url_of(connection._addr, connection._params)

    def is_closed(self, connection: Any) -> bool:
        return bool(connection.is_closed())

    def in_transaction(self, connection: Any) -> bool:
        return not connection.is_closed() and bool(connection.is_in_transaction())

    def is_handed_out(self, connection: Any) -> bool:
        """asyncpg puts a proxy before a connection for as long as its pool has lent it."""
        return getattr(connection, "_proxy", None) is not None

    def end(self, connection: Any, pool: Any | None, loop: asyncio.AbstractEventLoop | None) -> None:
        """Its pool looks whether a connection is closed before it lends it, and opens another."""
        transport = getattr(connection, "_transport", None)
        try:
            connection.terminate()
        except RuntimeError:  # its loop is closed, and cannot be told of a lost connection
            lose = getattr(transport, "_call_connection_lost", None)
            if lose is not None:
                lose(None)

    def end_pool(self, pool: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        """Its connections go with it; where its loop is closed they are ended one by one."""
        with suppress(RuntimeError):
            pool.terminate()


def url_of(address: Any, parameters: Any) -> URL:
    """Return the URL of what asyncpg would connect to: a socket's path, or host and port."""
    if isinstance(address, str):
        socket = PurePath(address)
        host, port = str(socket.parent), socket.suffix.removeprefix(".")
    else:
        host, port = address[0], str(address[1])
    return URL.create(
        "postgresql", parameters.user, None, host, int(port) if port.isdigit() else None, parameters.database
    )


class _Libpq:
    """What psycopg and psycopg2 tell alike."""

    def pid(self, connection: Any) -> int | None:
        with suppress(Exception):
            return int(connection.info.backend_pid)
        return None

    def reached(self, connection: Any) -> URL | None:
        """Return the database that it is on, as the driver has it."""
        info = connection.info
        return URL.create("postgresql", info.user, None, info.host or None, info.port, info.dbname)

    def is_closed(self, connection: Any) -> bool:
        return bool(connection.closed)

    def in_transaction(self, connection: Any) -> bool:
        return connection.info.transaction_status not in (IDLE, UNKNOWN)


class Psycopg(_Libpq):
    """See ``hermetic.database.in_use.Driver``."""

    name = "psycopg"

    def is_handed_out(self, connection: Any) -> bool:
        """A connection that lies in its pool knows the pool no more; psycopg_pool tells its leaks by that."""
        return getattr(connection, "_pool", None) is not None

    def end(self, connection: Any, pool: Any | None, loop: asyncio.AbstractEventLoop | None) -> None:
        """A pool that does not ``check`` would lend it all the same: it is taken out, and another one ordered."""
        if pool is not None and _was_taken_out(pool, connection):
            _order_another(pool, loop)
        connection.pgconn.finish()

    def end_pool(self, pool: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        """An async one is closed in its loop, where that stands still."""
        if loop is None:
            pool.close()
        elif not loop.is_closed() and not loop.is_running() and asyncio._get_running_loop() is None:
            loop.run_until_complete(pool.close())


def _was_taken_out(pool: Any, connection: Any) -> bool:
    """Take an idle connection out of its pool; one in somebody's hands is replaced when it comes back."""
    try:
        pool._pool.remove(connection)
    except (AttributeError, ValueError):
        return False
    return True


def _order_another(pool: Any, loop: asyncio.AbstractEventLoop | None) -> None:
    modules: list[Any] = [sys.modules.get(kind.__module__) for kind in type(pool).__mro__]
    add = next(module.AddConnection for module in modules if hasattr(module, "AddConnection"))
    if loop is None:
        pool.run_task(add(pool))
    else:
        with suppress(RuntimeError):  # the loop is closed, and so is the pool, as far as anybody can tell
            loop.call_soon_threadsafe(pool.run_task, add(pool))


class Psycopg2(_Libpq):
    """See ``hermetic.database.in_use.Driver``."""

    name = "psycopg2"

    def is_handed_out(self, connection: Any) -> bool:
        """Its pools do not tell."""
        return False

    def end(self, connection: Any, pool: Any | None, loop: asyncio.AbstractEventLoop | None) -> None:
        """Its pools look whether a connection is closed only when it comes back."""
        connection.close()

    def end_pool(self, pool: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        """Its pools are not known."""


_DRIVERS = {each.name: each for each in (Asyncpg(), Psycopg(), Psycopg2())}


def reached(dialect: Dialect, connection: Any) -> URL | None:
    """Return the database that a connection of SQLAlchemy's is on, as its driver has it."""
    driver = _DRIVERS[dialect.driver.removesuffix("_async")]
    return driver.reached(getattr(connection, "driver_connection", None) or connection)
