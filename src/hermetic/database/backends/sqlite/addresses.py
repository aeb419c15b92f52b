"""Which file a URL of SQLite means: its absolute path with links resolved, be it a path or a ``file:`` URI."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from sqlalchemy import URL

from hermetic.database.address import last, normal_path
from hermetic.database.backend import Address

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
