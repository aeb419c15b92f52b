"""asyncpg: every connection, a pool's, an ORM's and SQLAlchemy's too, goes through ``connect_utils._connect``.

Its target is read by asyncpg's own ``_parse_connect_arguments``, from DSN, keywords, environment, password and service
files alike. Both names are private, and are looked for when the seam is put in place: what is missing is said then.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePath
from types import ModuleType
from typing import Any

from sqlalchemy import URL

from hermetic.database.drivers.rules import Rules, pool_at_work
from hermetic.database.drivers.seams import Patch, found

NAME = "asyncpg"


class Asyncpg:
    """See ``hermetic.database.drivers.connections.Driver``."""

    name = NAME

    def pid(self, connection: Any) -> int | None:
        with suppress(Exception):
            return int(connection.get_server_pid())
        return None

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


def put(module: ModuleType, rules: Rules, patch: Patch) -> None:
    """Have every connection of asyncpg go by the rules.

    Raises:
        ConfigurationError: This version has not the two functions that it takes.
    """
    utils = importlib.import_module("asyncpg.connect_utils")
    connect, parse = found(module, utils, "_connect"), found(module, utils, "_parse_connect_arguments")

    @functools.wraps(connect)
    async def _connect(**kwargs: Any) -> Any:
        addresses, parameters, _ = parse(**_readable(kwargs))
        pool = pool_at_work("_get_new_connection", (module.Pool,))
        route = rules.route(_url_of(addresses[-1], parameters), pool)
        if route.to is not None:
            kwargs |= _replaced(kwargs, route.to, parameters.server_settings)
        connection = await connect(**kwargs)
        rules.opened(connection, Asyncpg(), route)
        return connection

    patch(utils, "_connect", _connect)


_OF_THE_CALL = ("loop", "connection_class", "record_class")
_UNREAD = {"ssl": "disable", "direct_tls": False, "password": "unread"}
"""Certificates and password files say nothing of where a connection goes, and may not be there in a test."""


def _readable(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    named = {key: value for key, value in kwargs.items() if key not in _OF_THE_CALL}
    return {**named, **{key: value for key, value in _UNREAD.items() if key in named}}


def _url_of(address: Any, parameters: Any) -> URL:
    """Return the URL of what asyncpg would connect to: a socket's path, or host and port."""
    if isinstance(address, str):
        socket = PurePath(address)
        host, port = str(socket.parent), socket.suffix.removeprefix(".")
    else:
        host, port = address[0], str(address[1])
    return URL.create(
        "postgresql", parameters.user, None, host, int(port) if port.isdigit() else None, parameters.database
    )


def _replaced(kwargs: Mapping[str, Any], ours: URL, settings: Any) -> dict[str, Any]:
    """Return the arguments with another server, database and user; the others keep their meaning."""
    plain = URL.create(
        "postgresql", ours.username, ours.password, ours.host, ours.port, ours.database, ours.query
    )
    elsewhere = (
        "host",
        "port",
        "user",
        "password",
        "passfile",
        "database",
        "service",
        "servicefile",
        "direct_tls",
    )
    return {
        **dict.fromkeys(key for key in elsewhere if key in kwargs),
        "dsn": plain.render_as_string(hide_password=False),
        "ssl": ours.query.get("sslmode", "prefer"),
        "server_settings": settings,
        "target_session_attrs": "any",
    }
