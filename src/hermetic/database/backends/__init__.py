"""Backends: each a folder that holds all there is to know of one kind of database; nothing outside names one.

Whoever needs one looks it up here, by the name that its URLs have: a module is imported then, which has it as
``BACKEND`` (see ``hermetic.database.backend``). This table imports none of them, nor anything that knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from hermetic.database.backend import Backend, Code, Making, Shared

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = [
    "DEFAULT",
    "Backend",
    "Code",
    "Making",
    "Shared",
    "every",
    "find",
    "get",
    "named_by",
    "of",
    "packages",
    "register",
]

DEFAULT = "sqlite"
"""What the application's database is where nothing says it."""

_modules = {
    "postgresql": f"{__name__}.postgresql",
    "postgres": f"{__name__}.postgresql",
    "sqlite": f"{__name__}.sqlite",
}
"""The module of each backend, by the names that its URLs may have."""


def register(name: str, module: str, *, also: Sequence[str] = ()) -> None:
    """Add a backend.

    Args:
        name: What its URLs are called: ``create_engine("NAME://...")``.
        module: The dotted name of the module that has it as ``BACKEND``; it is imported when it is first needed.
        also: Other names that its URLs may have.
    """
    _modules.update(dict.fromkeys((name, *also), module))


def find(name: str) -> Backend | None:
    """Return the backend whose URLs may have this name; None where hermetic has none."""
    module = _modules.get(name)
    return None if module is None else _in(module)


def _in(module: str) -> Backend:
    found: Backend = import_module(module).BACKEND
    return found


def get(name: str) -> Backend:
    """Return the backend of this name, which is one of hermetic's."""
    found = find(name)
    assert found is not None, name
    return found


def of(url: URL) -> Backend:
    """Return the backend of the URL of a worker database."""
    return get(url.get_backend_name())


def named_by(text: str | None) -> Backend | None:
    """Return the backend whose URL a text is."""
    return find((text or "").partition("://")[0].partition("+")[0])


def packages() -> dict[str, str]:
    """Return what to install where a module is missing, by that module; SQLAlchemy and migrations need some as well."""
    found = {"alembic": "alembic", "greenlet": "greenlet"}
    for each in every():
        found.update(each.packages)
    return found


def every() -> list[Backend]:
    """Return all that there are."""
    return [_in(module) for module in dict.fromkeys(_modules.values())]
