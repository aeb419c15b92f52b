"""The arguments with which an engine would have called its driver.

``create_engine`` merges the URL's arguments with ``connect_args`` and keeps the result only in the closure of the
creator it makes. That closure (``create_engine.<locals>.connect`` with the cells ``dialect``, ``cparams`` and
``cargs_tup``, called ``cargs`` in SQLAlchemy 2.0.30) is read here and nowhere else. Where there is none, the engine has
a creator or a pool of its own, whose arguments nobody can know: then the URL's own arguments serve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.pool import Pool


@dataclass(frozen=True)
class ConnectArguments:
    """What an engine passes to its driver's ``connect``.

    Attributes:
        args: Positional arguments.
        params: Keyword arguments; copied for each connection, since a driver may consume them.
        own_creator: Whether the engine never meant to call the driver that way.
    """

    args: tuple[Any, ...]
    params: dict[str, Any]
    own_creator: bool


def connect_arguments(dialect: Dialect, url: URL, pool: Pool) -> ConnectArguments:
    """Return the arguments of an engine with this dialect, URL and (original) pool."""
    cells = _closure(pool._creator)
    named = cells.get("cargs_tup", cells.get("cargs"))
    if cells.get("dialect") is dialect and named is not None and "cparams" in cells:
        return ConnectArguments(tuple(named), dict(cells["cparams"]), own_creator=False)
    args, params = dialect.create_connect_args(url)
    return ConnectArguments(tuple(args), dict(params), own_creator=True)


def _closure(creator: object) -> dict[str, Any]:
    code = getattr(creator, "__code__", None)
    if code is None or getattr(creator, "__qualname__", "") != "create_engine.<locals>.connect":
        return {}
    cells = getattr(creator, "__closure__", None) or ()
    return {name: cell.cell_contents for name, cell in zip(code.co_freevars, cells, strict=True)}
