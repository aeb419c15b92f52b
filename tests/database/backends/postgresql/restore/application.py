"""An application's engine on a worker database, with any of the four drivers, in synchronous calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

T = TypeVar("T")

ASYNC = ("asyncpg", "psycopg_async")
DRIVERS = ("asyncpg", "psycopg_async", "psycopg", "psycopg2")


@dataclass(eq=False)
class Application:
    """Uses the pool of one engine as an application does."""

    driver: str
    user: str = "somebody"
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    _held: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        url = f"postgresql+{self.driver}://{self.user}@elsewhere.example/production"
        self.is_async = self.driver in ASYNC
        self._async_engine = create_async_engine(url) if self.is_async else None
        self.engine: Engine = self._async_engine.sync_engine if self._async_engine else create_engine(url)

    def run(self, *statements: str) -> Any:
        """Run statements in one transaction and commit; return the last one's first value."""
        if self._async_engine is None:
            with self.engine.begin() as connection:
                return _execute(connection, statements)

        async def work() -> Any:
            assert self._async_engine is not None
            async with self._async_engine.begin() as connection:
                return await connection.run_sync(_execute, statements)

        return self._runner.run(work())

    def hold(self, *statements: str) -> Held:
        """Run statements and keep the connection, in its transaction."""
        if self._async_engine is None:
            connection: Any = self.engine.connect()
        else:
            connection = self._runner.run(_start(self._async_engine.connect()))
        held = Held(connection, self._runner)
        held.run(*statements)
        return held

    def close(self) -> None:
        """Close the pool."""
        if self._async_engine is None:
            self.engine.dispose()
        else:
            self._runner.run(self._async_engine.dispose())
        self._runner.close()


@dataclass(eq=False)
class Held:
    """A connection that is checked out."""

    connection: Connection | AsyncConnection
    _runner: asyncio.Runner

    def run(self, *statements: str) -> Any:
        """Run statements in its transaction; return the last one's first value."""
        if isinstance(self.connection, AsyncConnection):
            return self._runner.run(_start(self.connection.run_sync(_execute, statements)))
        return _execute(self.connection, statements)

    def end(self, how: str = "close") -> None:
        """Close it, or end its transaction."""
        done: Callable[[], Any] = getattr(self.connection, how)
        if isinstance(self.connection, AsyncConnection):
            self._runner.run(_start(done()))
        else:
            done()


async def _start(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _execute(connection: Connection, statements: tuple[str, ...]) -> Any:
    value = None
    for statement in statements:
        result = connection.execute(text(statement))
        value = result.scalar() if result.returns_rows else None
    return value
