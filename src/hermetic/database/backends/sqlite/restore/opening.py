"""The arguments with which the application's connections to a worker database are opened."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

from hermetic.database.backends.sqlite.restore.connection import tracking
from hermetic.database.backends.sqlite.restore.database_state import DatabaseState
from hermetic.errors import UnsupportedEngine

DEFAULT_TIMEOUT = 5.0
"""Seconds that sqlite3 waits for a lock where the engine says nothing."""

POSITIONAL = (
    "timeout",
    "detect_types",
    "isolation_level",
    "check_same_thread",
    "factory",
    "cached_statements",
    "uri",
)
"""What ``sqlite3.connect`` takes after the database, in its order."""


def connect_arguments(
    state: DatabaseState, args: Sequence[Any], params: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Turn what an engine would connect with into what reaches the worker database.

    Args:
        state: The worker database's.
        args: The engine's positional arguments: the database it names, and rarely a time-out after it.
        params: Its named arguments; not changed.

    Returns:
        The database to connect to, and the named arguments.

    Raises:
        ConfigurationError: ``factory`` is a function; nothing can be learned about the connections it makes.
    """
    named = dict(zip(POSITIONAL, args[1:], strict=False)) | params
    factory: Any = named.pop("factory", None) or sqlite3.Connection
    if not (inspect.isclass(factory) and issubclass(factory, sqlite3.Connection)):
        raise UnsupportedEngine(
            f"the engine connects with factory={factory!r}, which is not a class of connections",
            why="hermetic subclasses the factory, so that it knows what each connection has open.",
            hints=("pass a subclass of sqlite3.Connection as factory",),
        )
    named.pop("async_creator_fn", None)  # it would connect to wherever it likes
    patience = float(named.pop("timeout", DEFAULT_TIMEOUT))
    named |= {
        "timeout": 0,
        "check_same_thread": False,
        "factory": partial(tracking(cast(Hashable, factory)), state=state, patience=patience),
    }
    if _is_read_only(args, named):
        return f"file:{quote(str(state.path))}?mode=ro", named
    return str(state.path), named


def _is_read_only(args: Sequence[Any], named: dict[str, Any]) -> bool:
    if not named.get("uri") or not args or not str(args[0]).startswith("file:"):
        return False
    return parse_qs(urlsplit(str(args[0])).query).get("mode") == ["ro"]
