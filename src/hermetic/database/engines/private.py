"""Every private name of SQLAlchemy that the engines use; nothing else here knows one.

They are looked for once, when hermetic begins to see engines: an SQLAlchemy that lacks one is refused by an error that
names it. Nothing is guessed, for a name that is gone could change, in silence, where a connection goes and how.

The one place that has no name at all: ``create_engine`` merges the URL's arguments with ``connect_args`` and keeps the
result only in the closure of the creator it makes (``create_engine.<locals>.connect``, with the cells ``dialect``,
``cparams`` and ``cargs_tup``, called ``cargs`` in SQLAlchemy 2.0.30). An engine with a creator or a pool of its own has
no such closure, and nobody can know its arguments: then the URL's own serve.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import CodeType
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection
from sqlalchemy.engine import Dialect, create
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext import mutable
from sqlalchemy.orm import Session, SessionTransaction, collections
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection, QueuePool, base

from hermetic.errors import UnsupportedVersion

POOL = (
    "_creator",
    "_dialect",
    "_invalidate",
    "_invoke_creator",
    "_orig_logging_name",
    "_pre_ping",
    "_recycle",
    "_reset_on_return",
)
MAKER = "create_engine.<locals>.connect"
CELLS = {"dialect", "cparams"}
ARGUMENTS = ("cargs_tup", "cargs")
BEGIN, COMMIT, ROLLBACK = "_begin_impl", "_commit_impl", "_rollback_impl"
EXECUTE = ("_exec_single_context", "_exec_insertmany_context")
"""The methods of a connection where its transactions begin and end, and where it executes."""


def require() -> None:
    """Look for all of them.

    Raises:
        UnsupportedVersion: Some are not there.
    """
    if missing := list(_missing()):
        raise UnsupportedVersion(
            f"SQLAlchemy {sqlalchemy.__version__} has no {', '.join(missing)}.",
            why="hermetic contains engines there, and cannot tell where their connections would go, or how.",
            hints=("install a version of SQLAlchemy that hermetic knows: see docs/compatibility.md",),
        )


def _missing() -> Iterator[str]:
    pool = QueuePool(lambda: None)  # type: ignore[arg-type]
    yield from (f"Pool.{name}" for name in POOL if not hasattr(pool, name))
    if not hasattr(pool.dispatch.connect.for_modify(pool.dispatch), "_exec_once_mutex"):
        yield "the lock of a pool's first connection"
    fairy = getattr(base, "_ConnectionFairy", None)
    yield from (f"_ConnectionFairy.{name}" for name in ("_pool", "_counter") if not hasattr(fairy, name))
    if "_dbapi_connection" not in Connection.__init__.__code__.co_names:
        yield "Connection._dbapi_connection"
    seams = (BEGIN, COMMIT, ROLLBACK, *EXECUTE)
    yield from (f"Connection.{name}" for name in seams if not hasattr(Connection, name))
    if "_connections" not in SessionTransaction.__init__.__code__.co_names:
        yield "SessionTransaction._connections"
    if not hasattr(mutable.MutableBase, "_parents"):
        yield "MutableBase._parents"
    if not _keeps_arguments(create.create_engine):
        yield "connect_args in the closure of create_engine"


def _keeps_arguments(create_engine: Callable[..., Any]) -> bool:
    """Whether the creators that ``create_engine`` makes close over their arguments; one that is wrapped is not seen."""
    function: Any = inspect.unwrap(create_engine)
    if function.__module__ != create.__name__:
        return True
    inner = (each for each in function.__code__.co_consts if isinstance(each, CodeType))
    return any(
        code.co_name == "connect" and {*code.co_freevars} >= CELLS and {*ARGUMENTS} & {*code.co_freevars}
        for code in inner
    )


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
    if code is None or getattr(creator, "__qualname__", "") != MAKER:
        return {}
    cells = getattr(creator, "__closure__", None) or ()
    return {name: cell.cell_contents for name, cell in zip(code.co_freevars, cells, strict=True)}


def creator_of(pool: Pool) -> Any:
    """Return what a pool opens its connections by."""
    return pool._creator


def open_by(pool: Pool, creator: Any) -> None:
    """Have a pool open its connections by something else."""
    pool._creator = creator


def open_from(pool: Pool, record: ConnectionPoolEntry) -> DBAPIConnection:
    """Open a connection as a pool would."""
    return pool._invoke_creator(record)


def settings_of(pool: Pool) -> dict[str, Any]:
    """Return the arguments that make another pool behave like this one."""
    return {
        "recycle": pool._recycle,
        "echo": pool.echo,
        "logging_name": pool._orig_logging_name,
        "reset_on_return": pool._reset_on_return,
        "pre_ping": pool._pre_ping,
        "dialect": pool._dialect,
    }


def dialect_of(pool: Pool) -> Any:
    """Return a pool's dialect."""
    return pool._dialect


def pool_of(fairy: PoolProxiedConnection) -> Pool:
    """Return the pool that a connection in use came from."""
    pool: Pool = fairy._pool
    return pool


def is_unreturned(fairy: Any) -> bool:
    """Whether its user has not closed it, which says nothing of the driver connection that it once held."""
    return fairy is not None and fairy._counter > 0


def number_of(connection: Connection) -> int:
    """Return what tells from others what a connection has of its driver's now; 0 where it has none."""
    fairy = connection._dbapi_connection
    return 0 if fairy is None or fairy.dbapi_connection is None else id(fairy.dbapi_connection)


def committed_by(session: Session) -> Sequence[Connection]:
    """Return the connections that a Session has committed, each in one phase, when it says that it has."""
    transaction: Any = session.get_transaction()
    if transaction is None or session.twophase:
        return ()
    return [connection for connection, _, is_done, _ in transaction._connections.values() if is_done]


def is_of_a_dialect(connection: Connection) -> bool:
    """Whether it is by this connection that a dialect asks a new database what it is: SQLAlchemy tells nobody of it."""
    return not getattr(connection, "_allow_autobegin", True)


def rows_of(cursor: Any) -> int:
    """Return how many rows a statement affected or found; -1 where nobody knows before they are fetched.

    SQLAlchemy fetches those of an async driver at once. Where it keeps them elsewhere one day, they are not counted.
    """
    count: Any = getattr(cursor, "rowcount", -1)
    if isinstance(count, int) and count >= 0:
        return count
    fetched = getattr(cursor, "_rows", None)
    return len(fetched) if isinstance(fetched, deque) and (fetched or cursor.description) else -1


def lock_first_connect_by(pool: Pool, lock: Callable[[], AbstractContextManager[bool]]) -> None:
    """Have whoever waits for a pool's first connection wait for locks of this kind."""
    for name in ("connect", "first_connect"):
        listeners = getattr(pool.dispatch, name).for_modify(pool.dispatch)
        listeners._exec_once_mutex = lock()


def members_of(value: Any) -> tuple[Any, ...]:
    """Return what a relationship leads to: one object, or the members of a collection."""
    try:
        return tuple(collections.collection_adapter(value))
    except AttributeError:
        return (value,)


def have_changes_noticed(value: Any, state: Any, name: str) -> None:
    """Have an object notice what is changed in the value of a column, if that is of ``sqlalchemy.ext.mutable``."""
    if isinstance(value, mutable.MutableBase):
        value._parents[state] = name
