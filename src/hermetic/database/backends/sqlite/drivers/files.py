"""Which file ``sqlite3.connect`` is about to open, and whether the project's environment names it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from hermetic.database.address import Address, address_of, normal_path
from hermetic.database.backends.sqlite.restore.site import site_at


def url_of(database: Any, uri: bool) -> URL:
    """Return the URL of what ``sqlite3.connect`` opens."""
    return URL.create("sqlite", database=os.fsdecode(database), query={"uri": "true"} if uri else {})


def is_a_file(database: Any, uri: bool) -> bool:
    """Whether that is a file, and not a database in memory, or nothing that can be opened."""
    return isinstance(database, str | bytes | os.PathLike) and not address_of(url_of(database, uri)).in_memory


def is_a_worker_s(database: Any) -> bool:
    """Whether a path is a worker database's own."""
    return site_at(address_of(url_of(database, uri=True)).name) is not None


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


def is_named_by(texts: Iterable[str], address: Address, folder: str) -> bool:
    """Whether one of these texts names a file."""
    return any(names(text, address, folder) for text in texts)
