"""Which database a URL means, in a form that can be compared.

Two URLs mean the same database whatever driver they name, whoever logs in, whether the host is ``localhost``,
``127.0.0.1``, ``::1`` or left out, and whether the backend's own port is written. What a URL leaves out a driver may
read elsewhere: each backend says what its URLs mean.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hermetic.database.backend import Address, backend_named_by, find_backend

_PORTS = {"mysql": 3306, "mssql": 1433, "oracle": 1521}
_SAME = {"mariadb": "mysql"}
"""What is known of databases that hermetic has no server for."""

_THIS_MACHINE = {"", "127.0.0.1", "::1", "[::1]", "0.0.0.0"}


def address_of(url: URL, folder: str | None = None) -> Address:
    """Return the database that a URL means.

    Args:
        url: A SQLAlchemy URL.
        folder: Where a relative path starts; the working directory where None.
    """
    backend = find_backend(url.get_backend_name())
    if backend is not None:
        return backend.address(url, folder)
    kind = url.get_backend_name()
    kind = _SAME.get(kind, kind)
    return on_a_server(kind, url, _PORTS.get(kind, 0))


def on_a_server(backend: str, url: URL, usual_port: int) -> Address:
    """Return the database on a server that a URL means by itself.

    Args:
        backend: Its kind.
        url: The URL.
        usual_port: On which servers of this kind listen when nobody says.
    """
    host = url.host or last(url.query.get("host"))
    port = url.port or _number(last(url.query.get("port")))
    name = url.database or url.username or ""
    host = "localhost" if host in _THIS_MACHINE else host.lower()
    return Address(backend, name, host, 0 if port == usual_port else port)


def is_in_memory(url: URL) -> bool:
    """Whether a URL means a database that neither a file nor a server holds."""
    backend = find_backend(url.get_backend_name())
    return backend is not None and bool(backend.in_memory) and backend.address(url, None).in_memory


def in_memory_among(texts: Iterable[str]) -> frozenset[Address]:
    """Return the databases in memory that those of these texts mean which are their URLs.

    One URL given twice means two databases, unless it has a name that connections share.
    """
    urls = Counter(text for text in texts if _may_be_in_memory(text))
    found: dict[Address, int] = {}
    for text, count in urls.items():
        with suppress(ArgumentError, ValueError):
            address = address_of(make_url(text))
            found[address] = max(count, found.get(address, 0))
    return frozenset(
        address for address, count in found.items() if address.in_memory and (count == 1 or address.shared)
    )


def _may_be_in_memory(text: str) -> bool:
    backend = backend_named_by(text)
    return backend is not None and bool(backend.in_memory)


def working_folder() -> str:
    """Return the working directory; the root where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return "/"


def normal_path(path: str, folder: str | None = None) -> str:
    """Return a path as it is compared: absolute, links resolved."""
    return os.path.normcase(os.path.realpath(os.path.join(folder or "", path)))


def last(value: str | tuple[str, ...] | None) -> str:
    """Return what counts of a value of a URL's query that may be given several times."""
    if isinstance(value, tuple):
        return value[-1]
    return value or ""


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
