"""Which database a URL means, in a form that can be compared.

Two URLs mean the same database whatever driver they name, whoever logs in, whether the host is ``localhost``,
``127.0.0.1``, ``::1`` or left out, and whether the backend's own port is written. What a URL of PostgreSQL leaves out,
libpq reads from the environment and from a service file. A SQLite file is its absolute path with symbolic links
resolved, be it written as a path or as a ``file:`` URI.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hermetic.database.backends.postgresql.drivers import libpq

_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433, "oracle": 1521}
_BACKENDS = {"mariadb": "mysql", "postgres": "postgresql"}
_TRUE = {"true", "yes", "on", "y", "t", "1"}
"""What SQLAlchemy takes for true; without ``uri=true`` it passes no query on, and a name is a path."""

_THIS_MACHINE = {"", "127.0.0.1", "::1", "[::1]", "0.0.0.0"}


@dataclass(frozen=True)
class Address:
    """One database.

    Attributes:
        backend: ``sqlite``, ``postgresql``, ``mysql``...
        name: The database's name; a SQLite file's absolute path; for in-memory SQLite ``:memory:`` or the shared name.
        host: The server's host (or socket folder), ``localhost`` for this machine; empty for SQLite.
        port: The server's port; 0 for SQLite.
        in_memory: Whether it is a SQLite database that no file holds.
        shared: Whether connections of the whole process reach one in memory by its name; else it is its engine's own.
    """

    backend: str
    name: str
    host: str = ""
    port: int = 0
    in_memory: bool = False
    shared: bool = False

    def __str__(self) -> str:
        """Return a URL that means it, without driver and user."""
        port = None if self.port == _PORTS.get(self.backend) else self.port or None
        url = URL.create(self.backend, host=self.host or None, port=port, database=self.name)
        return url.render_as_string()


def address_of(url: URL, folder: str | None = None) -> Address:
    """Return the database that a URL means.

    Args:
        url: A SQLAlchemy URL.
        folder: Where a relative SQLite path starts; the working directory where None.
    """
    backend = url.get_backend_name()
    backend = _BACKENDS.get(backend, backend)
    if backend == "sqlite":
        return _sqlite(url, folder)
    host = url.host or _last(url.query.get("host"))
    port = url.port or _number(_last(url.query.get("port")))
    name = url.database or url.username or ""
    if backend == "postgresql" and not (host and port and url.database):
        host, port, name = _by_libpq(url, host, port)
    port = port or _PORTS.get(backend, 0)
    return Address(backend, name, "localhost" if host in _THIS_MACHINE else host.lower(), port)


def _by_libpq(url: URL, host: str, port: int) -> tuple[str, int, str]:
    """Return host, port and name where some of them are in libpq's environment or in a service, if anywhere."""
    said = {
        "host": host,
        "port": port,
        "dbname": url.database,
        "user": url.username,
        "service": _last(url.query.get("service")),
    }
    meant = libpq.url_of({key: value for key, value in said.items() if value})
    return meant.host or "", meant.port or 0, meant.database or ""


def is_in_memory(url: URL) -> bool:
    """Whether a URL means a SQLite database that no file holds."""
    return url.get_backend_name() == "sqlite" and _sqlite(url, None).in_memory


def in_memory_among(texts: Iterable[str]) -> frozenset[Address]:
    """Return the databases in memory that those of these texts mean which are their URLs.

    One URL given twice means two databases, unless it has a name that connections share.
    """
    urls = Counter(text for text in texts if text.startswith("sqlite"))
    found: dict[Address, int] = {}
    for text, count in urls.items():
        with suppress(ArgumentError, ValueError):
            address = address_of(make_url(text))
            found[address] = max(count, found.get(address, 0))
    return frozenset(
        address for address, count in found.items() if address.in_memory and (count == 1 or address.shared)
    )


def _sqlite(url: URL, folder: str | None) -> Address:
    name = url.database or ""
    query = {key: _last(value) for key, value in url.query.items()}
    is_uri = name.startswith("file:") and query.get("uri", "").lower() in _TRUE
    if is_uri:
        name, query = _read_uri(name, query)
    if is_uri and query.get("vfs") == "memdb":
        return _in_memory(name, shared=name.startswith("/"))
    if name in ("", ":memory:") or (is_uri and query.get("mode") == "memory"):
        return _in_memory(name, shared=is_uri and query.get("cache") == "shared")
    return Address("sqlite", normal_path(name, folder))


def working_folder() -> str:
    """Return the working directory; the root where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return "/"


def normal_path(path: str, folder: str | None = None) -> str:
    """Return a path as it is compared: absolute, links resolved."""
    return os.path.normcase(os.path.realpath(os.path.join(folder or "", path)))


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


def _last(value: str | tuple[str, ...] | None) -> str:
    if isinstance(value, tuple):
        return value[-1]
    return value or ""


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
