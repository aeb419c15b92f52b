"""Find what ``hermetic_app`` names, and call it if it is a factory.

An import that fails is the user's error to read, so their own traceback is part of ours, without the frames of
the import machinery.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hermetic.errors import (
    ApplicationError,
    ConfigurationError,
    HermeticError,
    ImportFailed,
    MissingDependency,
    SchemaError,
)

Packages = Callable[[], Mapping[str, str]]
"""Returns what to install where a module is missing, by that module; asked only when one is."""


def resolve(path: str, *, key: str, packages: Packages) -> Any:
    """Import the object that ``module:attribute.path`` names.

    Args:
        path: ``package.module:attribute``; the attribute may have dots.
        key: The setting that named it, for messages.
        packages: What to install, for messages.

    Raises:
        ConfigurationError: The module does not import (its traceback is in the message), or has no such attribute.
    """
    module_name, _, attributes = path.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise _import_error(module_name, path, key, error, install_hints(error, packages)) from error
    for name in attributes.removesuffix("()").split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise _attribute_error(found, name, path, key) from None
    return found


def is_factory(path: str, found: Any) -> bool:
    """Whether what ``hermetic_app`` names has to be called to get the application.

    A function is a factory, whether or not ``()`` is written behind it, unless it takes what an ASGI application does.
    """
    return path.endswith("()") or (inspect.isroutine(found) and not _takes_a_scope(found))


def make(path: str, found: Any) -> Any:
    """Return the application, which is what was found, or what a factory returns.

    Args:
        path: What ``hermetic_app`` names.
        found: The object of that name.

    Raises:
        ConfigurationError: The factory needs arguments, is async or raises, or what there is cannot be called.
    """
    if is_factory(path, found):
        found = _called(path, found)
    if not callable(found):
        raise ApplicationError(
            f"hermetic_app = {path} is {type(found).__name__!r}, which is not an ASGI application.",
            hints=("name the FastAPI object, as in hermetic_app = backend.app.main:app",),
        )
    return found


def _called(path: str, factory: Any) -> Any:
    needed = _required(factory)
    name = path.rpartition(":")[2].removesuffix("()")
    if needed:
        raise ApplicationError(
            f"hermetic_app = {path}: the factory takes {', '.join(needed)}, which hermetic has not.",
            why="Tests that build the application themselves run all the same.",
            hints=(_override(name, ", ".join(needed)),),
        )
    try:
        made = factory()
    except (Exception, SystemExit) as error:
        raise ApplicationError(
            f"hermetic_app = {path}: the factory raised {type(error).__name__}: {error}",
            why=_own_frames(error),
            hints=(f"set ahead what it needs: hermetic_env = {_variable(error)}=value", _override(name, "")),
        ) from error
    if inspect.iscoroutine(made):
        made.close()
        raise ApplicationError(
            f"hermetic_app = {path}: the factory is async, and no event loop runs where it would be called.",
            hints=(f"make it there: asyncio.run({name}()) in a fixture hermetic_app of your conftest",),
        )
    return made


def _variable(error: BaseException) -> str:
    """Return the variable of the environment that is missing, if that is what an error says."""
    name = error.args[0] if isinstance(error, KeyError) and error.args else None
    return name if isinstance(name, str) and name.isidentifier() and name.isupper() else "NAME"


def _override(name: str, arguments: str) -> str:
    """Return the fixture by which a suite gives hermetic an application that it builds itself."""
    return (
        "have your own fixtures give it, in a conftest:\n"
        f"    @pytest.fixture\n"
        f"    def hermetic_app({arguments or '...'}):\n"
        f"        return {name}({arguments})"
    )


@contextmanager
def built_by(
    key: str,
    spec: str,
    *,
    place: str,
    packages: Packages,
    hints: Callable[[BaseException], tuple[str, ...]] = lambda error: (),
) -> Iterator[None]:
    """Name what makes the tables or the seed rows in the errors that it raises.

    Args:
        key: The setting that named it.
        spec: The setting's value.
        place: Where the database lies, for when there is no room.
        packages: What to install, for messages.
        hints: Says what to do about an error that only the database's backend knows.

    Raises:
        ConfigurationError: Something else was raised inside; the message has it, and the user's own frames.
    """
    try:
        yield
    except HermeticError:
        raise
    except Exception as error:
        raise SchemaError(
            f"{key} = {spec} raised {type(error).__name__}: {error}",
            why=_own_frames(error),
            hints=(*install_hints(error, packages), *_room_hints(error, place), *hints(error)),
        ) from error


@contextmanager
def driver_of(url: str, packages: Packages) -> Iterator[None]:
    """Say what to install where the driver of a URL is missing.

    Args:
        url: The URL.
        packages: What to install.

    Raises:
        ConfigurationError: It is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"{url} needs the driver {error.name}, which is not installed.",
            hints=install_hints(error, packages),
        ) from error


def install_hints(error: BaseException, packages: Packages) -> tuple[str, ...]:
    """Return what to install when ``error`` says that a known driver or package is missing."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return ()
    found = packages().get(error.name)
    return () if found is None else (f"pip install '{found}'",)


def _room_hints(error: BaseException, place: str) -> tuple[str, ...]:
    if "database or disk is full" not in str(error):
        return ()
    return (
        f"set hermetic_directory to a directory with more room than {place}",
        "in a container: docker run --shm-size=256m",
    )


def _required(function: Any) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [
        p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def _takes_a_scope(function: Any) -> bool:
    """Whether a function is an ASGI application itself, of today's form or of the older one in two steps."""
    needed = _required(function)
    return needed[:1] == ["scope"] or (len(needed) == 3 and inspect.iscoroutinefunction(function))


def _import_error(
    module_name: str, path: str, key: str, error: BaseException, hints: tuple[str, ...]
) -> ConfigurationError:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if not hints and missing and (module_name == missing or module_name.startswith(missing + ".")):
        hints = _missing_module_hints(missing)
    elif not hints:
        hints = (f"python -c 'import {module_name}' shows the same error",)
    return ImportFailed(
        f"{key} = {path}: importing {module_name} raised {type(error).__name__}: {error}",
        why=_own_frames(error),
        hints=hints,
    )


def _missing_module_hints(missing: str) -> tuple[str, ...]:
    """Say what a package has instead of a module, or, where the package is missing, what may be wrong with the path."""
    package, _, name = missing.rpartition(".")
    if package:
        import pkgutil

        found = sys.modules.get(package)
        folders = list(getattr(found, "__path__", ()))
        if not folders:
            return (f"{package} is {getattr(found, '__file__', 'a module')}, not a package",)
        names = [each.name for each in pkgutil.iter_modules(folders)]
        return (f"{package} in {', '.join(folders)} has: {_likely(name, names) or 'no module'}",)
    return (
        "is the project's root on the import path? In the ini file: pythonpath = .",
        f"searched: {', '.join(entry or '.' for entry in sys.path[:4])}, ...",
    )


def _attribute_error(found: Any, name: str, path: str, key: str) -> ConfigurationError:
    names = [
        each for each, value in getattr(found, "__dict__", {}).items() if _could_be_meant(each, value, found)
    ]
    return ImportFailed(
        f"{key} = {path}: {getattr(found, '__name__', found)!r} has no attribute {name!r}.",
        hints=(f"it has: {_likely(name, names)}",) if names else (),
    )


def _likely(name: str, names: Sequence[str]) -> str:
    """List the first few names that there are, those that look like the one that is not before the others."""
    import difflib

    near = difflib.get_close_matches(name, names, cutoff=0.4)  # "application" is to find "app"
    return ", ".join(list(dict.fromkeys([*near, *names]))[:8])


def _could_be_meant(name: str, value: Any, owner: Any) -> bool:
    """Whether a name of a module is an application, or a function of its own, and not just what it imported."""
    if name.startswith("_") or inspect.isclass(value):
        return False
    if inspect.isroutine(value):
        return bool(value.__module__ == getattr(owner, "__name__", None))
    with suppress(TypeError, ValueError):  # what cannot be called, or does not say how
        return _takes_a_scope(value)
    return False


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
