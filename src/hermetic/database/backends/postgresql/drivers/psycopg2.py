"""psycopg2: every connection is made by ``psycopg2._connect``, or by a class of connections that one calls itself.

``connect_args={"connection_factory": ...}`` may be either: a class, or a function that connects wherever it likes. So
the class that psycopg2 names, ``extensions.connection``, is replaced by a subclass that asks the rules when it is made;
classes of the project's that derive from the old one get it as their last base but one.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from inspect import isclass
from types import ModuleType
from typing import Any

from hermetic.database.backends.postgresql.drivers import libpq
from hermetic.database.backends.postgresql.drivers.asking import Psycopg2
from hermetic.database.backends.postgresql.drivers.variables import blaming
from hermetic.database.driver_seams import Patch, Rules, found


def put(module: ModuleType, rules: Rules, patch: Patch) -> None:
    """Have every connection of psycopg2 go by the rules.

    Raises:
        ConfigurationError: This version has not the function that it takes.
    """
    connect = found(module, module, "_connect")
    extensions = module.extensions
    ours = _asking(extensions.connection, extensions.parse_dsn, extensions.make_dsn, rules)

    def _connect(dsn: str, connection_factory: Any = None, **kwargs: Any) -> Any:
        factory = _derived(connection_factory, ours) if isclass(connection_factory) else connection_factory
        return connect(dsn, connection_factory=factory or ours, **kwargs)

    patch(module, "_connect", _connect)
    patch(extensions, "connection", ours)


def _asking(plain: Any, parse: Callable[[str], Any], make: Callable[..., str], rules: Rules) -> Any:
    """Return psycopg2's class of connections, one that asks the rules before it connects."""

    class connection(plain):  # type: ignore[misc]
        def __init__(self, dsn: str, *args: Any, **kwargs: Any) -> None:
            params = parse(dsn)
            route = rules.route(libpq.url_of(params))
            if route.to is not None:
                dsn = make(**libpq.replaced(params, route.to, knows))
            with blaming(route):
                super().__init__(dsn, *args, **kwargs)
            rules.opened(self, Psycopg2(), route)

    return connection


@functools.cache
def knows(keyword: str) -> bool:
    """Whether psycopg2's libpq has a parameter."""
    extensions = sys.modules["psycopg2.extensions"]
    try:
        extensions.parse_dsn(f"{keyword}=''")
    except sys.modules["psycopg2"].ProgrammingError:
        return False
    return True


def _derived(kind: Any, ours: Any) -> Any:
    """Return a class of the project's own that has ours before psycopg2's."""
    return kind if issubclass(kind, ours) else type(kind.__name__, (kind, ours), {})
