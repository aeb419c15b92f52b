"""psycopg, the third: every connection goes through ``_connect_gen`` of its class, with the arguments that it got.

``psycopg.connect`` is bound to its class when psycopg is imported, so that a patch of ``connect`` would miss it; and
host names are looked up before ``_connect_gen``, so that arguments are replaced earlier, in ``_get_connection_params``.
A class of the project's own may override that one: what it made of the arguments is then looked at again.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Generator
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from hermetic.database.address import address_of
from hermetic.database.backends.postgresql.drivers import libpq
from hermetic.database.backends.postgresql.drivers.asking import Psycopg
from hermetic.database.backends.postgresql.drivers.variables import blaming
from hermetic.database.driver_seams import Patch, Route, Rules, found, pool_at_work


def put(module: ModuleType, rules: Rules, patch: Patch) -> None:
    """Have every connection of psycopg go by the rules.

    Raises:
        ConfigurationError: This version has not the methods that it takes.
    """
    base = found(module, importlib.import_module("psycopg._connection_base"), "BaseConnection")
    connecting = found(module, base, "_connect_gen").__func__
    reading = found(module, module.Connection, "_get_connection_params").__func__
    reading_async = found(module, module.AsyncConnection, "_get_connection_params").__func__

    def _get_connection_params(cls: type[Any], /, conninfo: str = "", **kwargs: Any) -> dict[str, Any]:
        return _contained(reading(cls, conninfo, **kwargs), rules)

    async def _get_connection_params_async(
        cls: type[Any], /, conninfo: str = "", **kwargs: Any
    ) -> dict[str, Any]:
        return _contained(await reading_async(cls, conninfo, **kwargs), rules)

    def _connect_gen(cls: type[Any], /, conninfo: str = "", **kwargs: Any) -> Generator[Any, Any, Any]:
        params = module.conninfo.conninfo_to_dict(conninfo)
        if not _was_decided(params):
            conninfo = module.conninfo.make_conninfo("", **_contained(params, rules))
        return _connected(connecting(cls, conninfo, **kwargs), rules, _decided.get())

    patch(base, "_connect_gen", classmethod(_connect_gen))
    patch(module.Connection, "_get_connection_params", classmethod(_get_connection_params))
    patch(module.AsyncConnection, "_get_connection_params", classmethod(_get_connection_params_async))


def put_pool(module: ModuleType, rules: Rules, patch: Patch) -> None:
    """Have pools remember who made them."""
    for pool in (module.ConnectionPool, module.AsyncConnectionPool):
        patch(pool, "__init__", _noting(pool.__init__, rules))
    getting, getting_async = module.ConnectionPool.getconn, module.AsyncConnectionPool.getconn

    @functools.wraps(getting)
    def getconn(self: Any, *args: Any, **kwargs: Any) -> Any:
        lent = getting(self, *args, **kwargs)
        rules.lent(lent)
        return lent

    @functools.wraps(getting_async)
    async def getconn_async(self: Any, *args: Any, **kwargs: Any) -> Any:
        lent = await getting_async(self, *args, **kwargs)
        rules.lent(lent)
        return lent

    patch(module.ConnectionPool, "getconn", getconn)
    patch(module.AsyncConnectionPool, "getconn", getconn_async)


def _noting(making: Callable[..., None], rules: Rules) -> Callable[..., None]:
    @functools.wraps(making)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        rules.note_pool(self)  # first: making one may start its workers
        making(self, *args, **kwargs)

    return __init__


_decided: ContextVar[Route | None] = ContextVar("hermetic_decided", default=None)
"""What was decided of the connection that is being opened, from its arguments to its first packet."""


def _contained(params: dict[str, Any], rules: Rules) -> dict[str, Any]:
    """Decide where a connection goes, and return what to connect with."""
    route = rules.route(libpq.url_of(params), pool_at_work("_connect", _pools()))
    _decided.set(route)
    return params if route.to is None else libpq.replaced(params, route.to, knows)


@functools.cache
def knows(keyword: str) -> bool:
    """Whether psycopg's libpq has a parameter."""
    return keyword.encode() in {
        option.keyword for option in sys.modules["psycopg"].pq.Conninfo.get_defaults()
    }


def _was_decided(params: dict[str, Any]) -> bool:
    """Whether a connection goes where it was decided: the arguments may have been changed since."""
    route = _decided.get()
    return route is not None and address_of(libpq.url_of(params)) == address_of(route.to or route.asked)


def _connected(
    connecting: Generator[Any, Any, Any], rules: Rules, route: Route | None
) -> Generator[Any, Any, Any]:
    with blaming(route):
        connection = yield from connecting
    if route is not None:
        rules.opened(connection, Psycopg(), route)
    return connection


def _pools() -> tuple[type, ...]:
    module = sys.modules.get("psycopg_pool")
    return () if module is None else (module.ConnectionPool, module.AsyncConnectionPool)
