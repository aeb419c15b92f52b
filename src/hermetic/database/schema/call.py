"""Call a project's own schema or seed function, sync or async, with what its signature asks for.

It runs in a thread and an event loop of its own, because whoever asked for the database first may sit in a running
loop. A function without parameters uses the application's engines, which the redirect brings to the same database.
"""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from hermetic.database.backend import backend_of
from hermetic.database.protocols import WorkerDatabase
from hermetic.errors import SchemaError
from hermetic.threads import in_thread

S = typing.TypeVar("S", Session, AsyncSession)


def call(function: Callable[..., Any], database: WorkerDatabase, *, key: str) -> None:
    """Call ``function`` with a session, connection or engine on ``database`` if it wants one, and commit.

    Args:
        function: Takes nothing, or one parameter annotated with ``Session``, ``Connection``, ``Engine`` or
            their async kin. Without an annotation an async function gets an ``AsyncSession``, a sync one a ``Session``.
        database: Where it writes.
        key: The setting that named it, for messages.

    Raises:
        ConfigurationError: Its signature asks for something else.
    """
    if inspect.iscoroutinefunction(function):
        wanted = _wanted(function, AsyncSession, (AsyncSession, AsyncConnection, AsyncEngine), key)
        in_thread(lambda: asyncio.run(_call_async(function, wanted, database)))
    else:
        wanted = _wanted(function, Session, (Session, Connection, Engine), key)
        in_thread(lambda: _call_sync(function, wanted, database))


def _wanted(function: Callable[..., Any], default: type, known: tuple[type, ...], key: str) -> type | None:
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    if not needed:
        return None
    annotation = typing.get_type_hints(function).get(needed[0].name, default)
    if len(needed) == 1:
        for kind in known:
            if annotation is kind or (inspect.isclass(annotation) and issubclass(annotation, kind)):
                return kind
    names = ", ".join(kind.__name__ for kind in known)
    raise SchemaError(
        f"{key}: {function.__module__}:{function.__qualname__}{inspect.signature(function)} cannot be called.",
        hints=(f"give it no parameter, or one of: {names}",),
    )


async def _call_async(function: Callable[..., Any], wanted: type | None, database: WorkerDatabase) -> None:
    if wanted is None:
        await function()
        return
    engine = create_async_engine(backend_of(database.url).async_url(database.url))
    try:
        if wanted is AsyncEngine:
            await function(engine)
        elif wanted is AsyncConnection:
            async with engine.begin() as connection:
                await function(connection)
        else:
            async with _annotated(function, AsyncSession)(engine, expire_on_commit=False) as session:
                await function(session)
                await session.commit()
    finally:
        await engine.dispose()


def _call_sync(function: Callable[..., Any], wanted: type | None, database: WorkerDatabase) -> None:
    if wanted is None:
        function()
        return
    engine = create_engine(backend_of(database.url).sync_url(database.url))
    try:
        if wanted is Engine:
            function(engine)
        elif wanted is Connection:
            with engine.begin() as connection:
                function(connection)
        else:
            with _annotated(function, Session)(engine, expire_on_commit=False) as session:
                function(session)
                session.commit()
    finally:
        engine.dispose()


def _annotated(function: Callable[..., Any], kind: type[S]) -> type[S]:
    """Return the annotated subclass of a kind of session (SQLModel has its own), or the kind."""
    hints = [hint for name, hint in typing.get_type_hints(function).items() if name != "return"]
    return hints[0] if hints and inspect.isclass(hints[0]) and issubclass(hints[0], kind) else kind
