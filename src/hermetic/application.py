"""Find the application that ``hermetic_app`` names: import it once, and call it if it is a factory.

An import that fails is the user's error to read, so their own traceback is part of ours, without the frames of
the import machinery.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hermetic.errors import ConfigurationError, HermeticError

EXTRAS = {"aiosqlite": "hermetic[sqlite]", "asyncpg": "asyncpg", "alembic": "alembic", "greenlet": "greenlet"}


def resolve(path: str, *, key: str) -> Any:
    """Import the object that ``module:attribute.path`` names.

    Args:
        path: ``package.module:attribute``; the attribute may have dots.
        key: The setting that named it, for messages.

    Raises:
        ConfigurationError: The module does not import (its traceback is in the message), or has no such attribute.
    """
    module_name, _, attributes = path.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise _import_error(module_name, path, key, error) from error
    for name in attributes.removesuffix("()").split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise _attribute_error(found, name, path, key) from None
    return found


def load(path: str) -> Any:
    """Import the application, or call the factory that makes it.

    A plain function that needs no arguments is a factory, whether or not ``()`` is written behind it.

    Raises:
        ConfigurationError: As of ``resolve``, or what was found cannot be called as an ASGI application.
    """
    found = resolve(path, key="hermetic_app")
    if path.endswith("()") or _is_factory(found):
        try:
            found = found()
        except Exception as error:
            raise ConfigurationError(
                f"hermetic_app = {path}: the factory raised {type(error).__name__}: {error}",
                why=_own_frames(error),
            ) from error
    if not callable(found):
        raise ConfigurationError(
            f"hermetic_app = {path} is {type(found).__name__!r}, which is not an ASGI application.",
            hints=("name the FastAPI object, as in hermetic_app = backend.app.main:app",),
        )
    return found


@contextmanager
def built_by(key: str, spec: str, *, place: str) -> Iterator[None]:
    """Name what makes the tables or the seed rows in the errors that it raises.

    Args:
        key: The setting that named it.
        spec: The setting's value.
        place: Where the database lies, for when there is no room.

    Raises:
        ConfigurationError: Something else was raised inside; the message has it, and the user's own frames.
    """
    try:
        yield
    except HermeticError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"{key} = {spec} raised {type(error).__name__}: {error}",
            why=_own_frames(error),
            hints=(*install_hints(error), *_room_hints(error, place), *_extension_hints(error)),
        ) from error


@contextmanager
def driver_of(url: str) -> Iterator[None]:
    """Say what to install where the driver of a URL is missing.

    Raises:
        ConfigurationError: It is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{url} needs the driver {error.name}, which is not installed.", hints=install_hints(error)
        ) from error


def install_hints(error: BaseException) -> tuple[str, ...]:
    """Return what to install when ``error`` says that a known driver or package is missing."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return (f"pip install '{EXTRAS[missing]}'",) if missing in EXTRAS else ()


def _room_hints(error: BaseException, place: str) -> tuple[str, ...]:
    if "database or disk is full" not in str(error):
        return ()
    return (
        f"set hermetic_directory to a directory with more room than {place}",
        "in a container: docker run --shm-size=256m",
    )


def _extension_hints(error: BaseException) -> tuple[str, ...]:
    """Return where to get a PostgreSQL extension that the server has not: the wheel has none that needs OpenSSL."""
    if "extension" not in str(error) or "is not available" not in str(error):
        return ()
    return (
        "a server of your own that has it: hermetic_postgresql = /usr/lib/postgresql/16/bin (with its contrib package)",
        "or one that runs elsewhere: hermetic_postgresql = postgresql://user:password@host/database",
    )


def _is_factory(found: Any) -> bool:
    if not inspect.isroutine(found):
        return False
    parameters = inspect.signature(found).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def _import_error(module_name: str, path: str, key: str, error: Exception) -> ConfigurationError:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    hints = install_hints(error)
    if not hints and missing and (module_name == missing or module_name.startswith(missing + ".")):
        hints = (
            "is the project's root on the import path? In the ini file: pythonpath = .",
            f"searched: {', '.join(entry or '.' for entry in sys.path[:4])}, ...",
        )
    elif not hints:
        hints = (f"python -c 'import {module_name}' shows the same error",)
    return ConfigurationError(
        f"{key} = {path}: importing {module_name} raised {type(error).__name__}: {error}",
        why=_own_frames(error),
        hints=hints,
    )


def _attribute_error(found: Any, name: str, path: str, key: str) -> ConfigurationError:
    near = _likeliest_first(found, name)
    return ConfigurationError(
        f"{key} = {path}: {getattr(found, '__name__', found)!r} has no attribute {name!r}.",
        hints=(f"it has: {', '.join(near[:8])}",) if near else (),
    )


def _likeliest_first(found: Any, name: str) -> list[str]:
    """Return what could have been meant: what is spelt nearly so, what ``found`` made itself, what it imported."""
    import difflib

    public = {n: value for n, value in getattr(found, "__dict__", {}).items() if not n.startswith("_")}
    names = [n for n, value in public.items() if callable(value) and not inspect.isclass(value)]
    own = getattr(found, "__name__", None)
    imported = {n for n in names if inspect.isroutine(public[n]) and public[n].__module__ != own}
    near = difflib.get_close_matches(name, names, cutoff=0.4)  # "application" is to find "app"
    return [*near, *sorted((n for n in names if n not in near), key=imported.__contains__)]


def _own_frames(error: BaseException) -> str:
    """Format the traceback from the first frame of the user's own code on."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_libraries())]
    text = "".join(traceback.format_list(own)).rstrip()
    return f"Traceback of your code:\n{text}" if text else ""


def _libraries() -> tuple[str, ...]:
    """How the names of files begin that are not the user's own code."""
    import sysconfig  # half of what the plugin's import took, and only an error needs it

    places = (sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib"))
    return (str(Path(__file__).parent), *places, "<")
