"""Tables from Alembic: the project's real migrations, run once.

``env.py`` may be sync or async, and take its URL from the configuration, from the application or from a connection that
it is handed; what it does tells which. It may call ``asyncio.run`` or ask for the thread's loop, so it gets a thread
whose loop does not run. It usually calls ``logging.config.fileConfig``, which disables every logger that exists
and so breaks ``caplog`` for the rest of the run: logging is put back as it was.
"""

from __future__ import annotations

import ast
import asyncio
import logging
import warnings
from collections import UserDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, MissingGreenlet, NoSuchModuleError

from hermetic.database.protocols import WorkerDatabase
from hermetic.database.schema.alembic_config import Migrations
from hermetic.database.urls import async_url, sync_url, text
from hermetic.threads import in_thread

if TYPE_CHECKING:
    from alembic.config import Config

ASYNC = {"create_async_engine", "async_engine_from_config", "AsyncEngine"}
SYNC = {"create_engine", "engine_from_config"}


def builder(migrations: Migrations) -> Callable[[WorkerDatabase], list[str]]:
    """Return a function that upgrades a worker database to every head, and says where that made nothing there.

    Raises:
        ConfigurationError: From the function: there is no Alembic, or no migrations.
    """

    def build(database: WorkerDatabase) -> list[str]:
        with logging_kept(), outer_migration_kept(), warnings.catch_warnings():
            in_thread(lambda: _upgrade(migrations, database.url))
        if _tables(database.url):
            return []
        return [
            f"the migrations of {migrations.file.name} made nothing in it: its env.py connects to another database;"
            " config.get_main_option('sqlalchemy.url') is this one's URL"
        ]

    return build


class Attributes(UserDict[str, Any]):
    """``config.attributes``, which a program hands to ``env.py``, and what that asks for and does not get."""

    def __init__(self) -> None:
        super().__init__()
        self.missed: set[str] = set()

    def __contains__(self, key: object) -> bool:
        self.missed |= {str(key)} - self.data.keys()
        return key in self.data

    def __getitem__(self, key: str) -> Any:
        self.missed |= {key} - self.data.keys()
        return self.data[key]


def _upgrade(migrations: Migrations, url: URL) -> None:
    """Run the migrations as the command does; where ``env.py`` cannot run so, as it can."""
    config = migrations.config()
    is_async = _is_async(config)
    before = _tables(url)
    attributes = Attributes()
    try:
        _run(config, url, is_async, attributes)
    except Exception as error:
        if _tables(url) != before:
            raise
        if _needs_another_driver(error):
            _run(migrations.config(), url, not is_async, attributes)
        elif "connection" not in attributes.missed:
            raise
    if "connection" in attributes.missed and _tables(url) == before:
        _run_on_a_connection(migrations.config(), url)


def _run_on_a_connection(config: Config, url: URL) -> None:
    engine = create_engine(sync_url(url))
    try:
        with engine.connect() as connection:
            connection.connect = lambda: nullcontext(connection)  # type: ignore[attr-defined]  # as of an engine
            attributes = Attributes()
            attributes["connection"] = connection
            _run(config, url, False, attributes)
            connection.commit()
    finally:
        engine.dispose()


def _run(config: Config, url: URL, is_async: bool, attributes: Attributes) -> None:
    from alembic import command

    config.attributes = attributes
    shown = text(async_url(url) if is_async else sync_url(url))
    config.set_main_option("sqlalchemy.url", shown.replace("%", "%%"))
    with asyncio.Runner() as runner:
        runner.get_loop()  # what ``asyncio.get_event_loop`` returns
        command.upgrade(config, "heads")


def _needs_another_driver(error: BaseException | None) -> bool:
    """Whether an engine was made for the other kind of driver: an async one without ``await``, or a sync one with."""
    while error is not None:
        if isinstance(error, MissingGreenlet) or "requires an async driver" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_async(config: Config) -> bool:
    """Whether the engine that ``env.py`` makes is async: as the functions tell that it names, or else its URL."""
    env = Path(config.get_main_option("script_location") or "", "env.py")
    try:
        named = {name for node in ast.walk(ast.parse(env.read_bytes())) if (name := _name(node))}
    except (OSError, SyntaxError, ValueError):  # Alembic says it better
        return False
    if not named & (ASYNC | SYNC):
        return _has_async_driver(config.get_main_option("sqlalchemy.url") or "")
    return bool(named & ASYNC)


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _has_async_driver(url: str) -> bool:
    try:
        return make_url(url).get_dialect().is_async
    except (ArgumentError, NoSuchModuleError, ValueError):
        return False


def _tables(url: URL) -> set[tuple[str, str]]:
    """Return the tables of a database, each with its schema."""
    engine = create_engine(sync_url(url))
    try:
        with engine.connect() as connection:
            found = inspect(connection)
            return {
                (schema, table)
                for schema in found.get_schema_names()
                if schema != "information_schema"
                for table in found.get_table_names(schema)
            }
    finally:
        engine.dispose()


@contextmanager
def outer_migration_kept() -> Iterator[None]:
    """Let a migration go on inside whose first connection the database is built.

    The functions of ``alembic.context`` and ``alembic.op`` are those of the migration that began last, and gone when
    it ends.
    """
    from alembic import context, op

    outer = [getattr(module, "_proxy", None) for module in (context, op)]
    try:
        yield
    finally:
        for proxy in outer:
            if proxy is not None:
                proxy._install_proxy()


@contextmanager
def logging_kept() -> Iterator[None]:
    """Put every logger's handlers, level and state back at the end of the block."""
    root = logging.getLogger()
    loggers = [
        root,
        *(lg for lg in logging.root.manager.loggerDict.values() if isinstance(lg, logging.Logger)),
    ]
    before = [(lg, lg.handlers[:], lg.level, lg.propagate, lg.disabled) for lg in loggers]
    try:
        yield
    finally:
        for logger, handlers, level, propagate, disabled in before:
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.propagate = propagate
            logger.disabled = disabled
