"""asyncpg: every connection, a pool's, an ORM's and SQLAlchemy's too, goes through ``connect_utils._connect``.

Its target is read by asyncpg's own ``_parse_connect_arguments``, from DSN, keywords, environment, password and service
files alike. Both names are private, and are looked for when the seam is put in place: what is missing is said then.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from sqlalchemy import URL

from hermetic.database.backends.postgresql.drivers.asking import Asyncpg, url_of
from hermetic.database.backends.postgresql.drivers.libpq import dsn, sslmode
from hermetic.database.backends.postgresql.drivers.variables import blaming
from hermetic.database.driver_seams import Patch, Rules, found, pool_at_work


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
        # a pool cannot be held weakly, its queue of connections can
        route = rules.route(url_of(addresses[-1], parameters), pool, getattr(pool, "_queue", None))
        if route.to is not None:
            kwargs |= _replaced(kwargs, route.to, parameters.server_settings)
        with blaming(route):
            connection = await connect(**kwargs)
        rules.opened(connection, Asyncpg(), route)
        return connection

    patch(utils, "_connect", _connect)
    acquire = getattr(module.Pool, "_acquire", None)
    if acquire is not None:  # else what a pool lends counts as its maker's

        @functools.wraps(acquire)
        async def _acquire(self: Any, timeout: Any) -> Any:
            rules.refuse_in_another_loop(self)
            lent = await acquire(self, timeout)
            rules.lent(getattr(lent, "_con", None))
            return lent

        patch(module.Pool, "_acquire", _acquire)


_OF_THE_CALL = ("loop", "connection_class", "record_class")
_UNREAD = {"ssl": "disable", "direct_tls": False, "password": "unread", "target_session_attrs": "any"}
"""Certificates and password files say nothing of where a connection goes, and may not be there in a test."""


def _readable(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    named = {key: value for key, value in kwargs.items() if key not in _OF_THE_CALL}
    return {**named, **{key: value for key, value in _UNREAD.items() if key in named}}


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
    )
    return {
        **dict.fromkeys(key for key in elsewhere if key in kwargs),
        "dsn": dsn(plain),
        "ssl": sslmode(ours),
        "server_settings": settings,
        "direct_tls": False,
        "target_session_attrs": "any",
    }
