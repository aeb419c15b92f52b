"""Files of SQLite: which a URL or ``sqlite3.connect`` means, where it is opened instead, whether a text names it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from sqlalchemy import URL

from hermetic.database.address import last, normal_path
from hermetic.database.backend import Address
from hermetic.database.backends.sqlite.restore.database_state import state_at
from hermetic.database.driver_seams import Route, Rules, current_exemption, uncontained
from hermetic.database.engines.destinations import Creation, refusal
from hermetic.database.in_use import Maker

_TRUE = {"true", "yes", "on", "y", "t", "1"}
"""What SQLAlchemy takes for true; without ``uri=true`` it passes no query on, and a name is a path."""


def address_of(url: URL, folder: str | None) -> Address:
    """Return the database that a URL means.

    Args:
        url: A SQLAlchemy URL.
        folder: Where a relative path starts; the working directory where None.
    """
    name = url.database or ""
    query = {key: last(value) for key, value in url.query.items()}
    is_uri = name.startswith("file:") and query.get("uri", "").lower() in _TRUE
    if is_uri:
        name, query = _read_uri(name, query)
    if is_uri and query.get("vfs") == "memdb":
        return _in_memory(name, shared=name.startswith("/"))
    if name in ("", ":memory:") or (is_uri and query.get("mode") == "memory"):
        return _in_memory(name, shared=is_uri and query.get("cache") == "shared")
    return Address("sqlite", normal_path(name, folder))


def _in_memory(name: str, *, shared: bool) -> Address:
    return Address("sqlite", name or ":memory:", in_memory=True, shared=shared)


def _read_uri(uri: str, query: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return path and query of a URI; SQLAlchemy puts its own query behind, and a fragment hides what follows it."""
    text, fragment, _ = uri.removeprefix("file:").partition("#")
    name, _, inline = text.partition("?")
    return _uri_path(name), dict(parse_qsl(inline)) | ({} if fragment else query)


def _uri_path(rest: str) -> str:
    """The path in ``file:///a``, ``file://localhost/a``, ``file:/a`` or ``file:a``."""
    if rest.startswith("//"):
        rest = "/" + rest[2:].partition("/")[2]
    return unquote(rest)


def url_of(database: Any, uri: bool) -> URL:
    """Return the URL of what ``sqlite3.connect`` opens."""
    return URL.create("sqlite", database=os.fsdecode(database), query={"uri": "true"} if uri else {})


def is_a_file(database: Any, uri: bool) -> bool:
    """Whether that is a file, and not a database in memory, or nothing that can be opened."""
    return (
        isinstance(database, str | bytes | os.PathLike)
        and not address_of(url_of(database, uri), None).in_memory
    )


def is_a_worker_s(database: Any) -> bool:
    """Whether a path is a worker database's own."""
    return state_at(address_of(url_of(database, uri=True), None).name) is not None


def names(text: str, address: Address, folder: str) -> bool:
    """Whether a text, as a variable of the environment has it, is this file's path, or a URL of it.

    Args:
        text: The variable's value.
        address: The file's.
        folder: Where a relative path starts.
    """
    if Path(address.name).name not in text:
        return False
    scheme, found, rest = text.partition("://")
    path = rest.partition("?")[0] if found and scheme.startswith("sqlite") else text
    # SQLAlchemy puts a slash before the path, Tortoise and Django's URLs do not.
    candidates = {path, path.removeprefix("/")}
    return any(normal_path(each, folder) == address.name for each in candidates)


def file_of(connection: Any) -> URL:
    """Return the URL of the file that a connection is on, as SQLite itself says."""
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA database_list")
        file = next(path for _, name, path in cursor.fetchall() if name == "main")
    finally:
        cursor.close()
    if not isinstance(file, str | None):
        raise TypeError(file)
    return URL.create("sqlite", database=file or ":memory:")


def route(rules: Rules, database: Any, uri: bool, maker: Maker | None) -> Route | None:
    """Say where a file is really opened, and have the database there made; None: where it is.

    Args:
        rules: The run's.
        database: What ``sqlite3.connect`` got.
        uri: Whether it may be a URI.
        maker: Who opens it; None where no line of the project's does.

    Raises:
        ContainmentError: It must not be opened.
    """
    target = _target(rules, database, uri, maker)
    return None if target is None else Route(target.reach(None), url_of(database, uri), target, maker)


def refuse(rules: Rules, database: Any) -> None:
    """Refuse a file that is opened past the seam, where the rules would have sent it elsewhere.

    Raises:
        ContainmentError: In that case.
    """
    maker = rules.maker_in_the_project()
    uri = isinstance(database, str) and database.startswith("file:")
    if _target(rules, database, uri, maker) is None or maker is None or is_a_worker_s(database):
        return
    raise refusal(
        url_of(database, uri),
        Creation(maker.owner, maker.location, maker.folder),
        "it was opened by a function or a class of sqlite3 that was taken before the run began.",
        asked_by=maker.owner,
        hint="call sqlite3.connect by this name, and not by one that was bound before pytest started",
    )


def _target(rules: Rules, database: Any, uri: bool, maker: Maker | None) -> Any | None:
    """Return what a file is brought to; None where it is opened as it is."""
    if current_exemption() is not None or maker is None or not is_a_file(database, uri):
        return None
    return rules.target_of_a_file(url_of(database, uri), maker)


def copied(file: str, worker: str) -> bool:
    """Copy a file over a database, if there are tables in it."""
    uri = f"file:{quote(file)}?mode=rw"  # a file in WAL mode cannot be read without that
    with uncontained(), closing(sqlite3.connect(uri, uri=True)) as source:
        if not source.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            return False
        with closing(sqlite3.connect(worker)) as target:
            source.backup(target)
    return True
