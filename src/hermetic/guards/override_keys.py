"""An override whose key no dependency is, for a reason that can be seen: FastAPI looks for the very object.

What is not known to be a mistake is left alone: an override for routes that a setting has switched off, say.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from hermetic.causes import Cause
from hermetic.causes.applications import OVERRIDE_MATCHES_NOTHING, OVERRIDE_OF_NO_DEPENDENCY
from hermetic.code import project_modules
from hermetic.guards.dependencies import (
    Override,
    capitalized,
    dependencies_of,
    name_of,
    origin_of,
    routes_of,
)


class Unusable(NamedTuple):
    """Why an override is never used.

    Attributes:
        cause: The kind.
        lines: What there is to say.
        change: What to change.
    """

    cause: Cause
    lines: tuple[str, ...]
    change: tuple[str, ...]


def unusable(override: Override) -> Unusable | None:
    """Say of an override why the application on which it is set can have no use for it; None where it may have."""
    key = override.dependency
    used = list(dependencies_of(routes_of(override.application)))
    if any(each is key for each in used):
        return None
    return (
        _of_another_import(override, used)
        or _no_function(override)
        or _made_anew(override, used)
        or _mounted(override)
    )


def module_name_of(value: object) -> str:
    """Return by which name a loaded module holds a value; empty where none does."""
    for module in list(sys.modules.values()):
        for name, each in list(getattr(module, "__dict__", {}).items()):
            if each is value:
                return f"{module.__name__}.{name}"
    return ""


def _of_another_import(override: Override, used: list[Any]) -> Unusable | None:
    """Say that the key is of a file which the application has imported by another name."""
    key, origin = override.dependency, origin_of(override.dependency)
    if origin is None:
        return None
    for each in used:
        if each.__module__ != key.__module__ and origin_of(each) == origin:
            return Unusable(
                OVERRIDE_MATCHES_NOTHING,
                (
                    f"{capitalized(override)} is never used: the application depends on"
                    f" {name_of(each)}, and {origin[0]} is imported under two names.",
                ),
                (
                    f"from {each.__module__} import {each.__name__} where it is overridden: one file, one name",
                ),
            )
    return None


def _no_function(override: Override) -> Unusable | None:
    """Say that the key is what a dependency is wrapped in, or what calling it gave, or its name."""
    key = override.dependency
    wrapped = getattr(key, "dependency", None)
    if type(key).__name__ in ("Depends", "Security") and wrapped is not None:
        name = getattr(wrapped, "__name__", f"a {type(wrapped).__name__}")
        what = f"{type(key).__name__}({name})"
    elif inspect.iscoroutine(key) or inspect.isasyncgen(key) or inspect.isgenerator(key):
        what, name = f"what {key.__name__}() returned", key.__name__
    elif isinstance(key, str):
        what, name = f"the text {key!r}", key
    else:
        return None
    return Unusable(
        OVERRIDE_OF_NO_DEPENDENCY,
        (
            f"An override{_place(override)} is never used: its key is {what}, and FastAPI looks for {name} itself.",
        ),
        (f"dependency_overrides[{name}] = ...",),
    )


def _made_anew(override: Override, used: list[Any]) -> Unusable | None:
    """Say that the key is another one of what a factory, or a class, has made for the routes."""
    key, factory = (
        override.dependency,
        getattr(override.dependency, "__qualname__", "").rpartition(".<locals>.")[0],
    )
    if factory:
        alike = [each for each in used if origin_of(each) == origin_of(key) is not None]
        what, makes = "function", f"each call of {factory}()"
    else:
        alike = [each for each in used if type(each) is type(key) and not inspect.isroutine(key)]
        alike = [] if isinstance(key, type) else alike
        what, makes = "object", f"each call of {type(key).__name__}()"
    if not alike or any(each == key for each in alike) or _is_kept(key):
        return None
    return Unusable(
        OVERRIDE_OF_NO_DEPENDENCY,
        (
            f"An override{_place(override)} is never used: {makes} makes another {what}, and FastAPI looks for the very"
            " one that the routes have.",
        ),
        (
            f"give the one that the routes have a name, and override that: {makes.split()[-1]} is called once then",
        ),
    )


def _is_kept(key: object) -> bool:
    """Whether the project has a name for it: then it may be of routes that are not there now."""
    named = [value for module in project_modules() for value in _within(module)]
    return any(
        value is key or (isinstance(value, staticmethod) and value.__func__ is key)
        for value in (*named, *(each for value in named for each in _within(value)))
    )


def _within(value: object) -> list[Any]:
    """Return what a module, a class or an object has; nothing where it cannot be asked: a proxy of nothing."""
    try:
        return list(vars(value).values())
    except Exception:  # of whatever the project's code has there
        return []


def _mounted(override: Override) -> Unusable | None:
    """Say that the routes which depend on it are those of a mounted application, which has overrides of its own."""
    for path, application in _mounted_in(override.application):
        used = dependencies_of(routes_of(application))
        is_overridden = override.dependency in application.dependency_overrides
        if not is_overridden and any(each is override.dependency for each in used):
            name = module_name_of(application)
            return Unusable(
                OVERRIDE_OF_NO_DEPENDENCY,
                (
                    f"{capitalized(override)} is never used: the routes that depend on it are those of the application"
                    f"{f' {name}' if name else ''} mounted at {path}, which has overrides of its own.",
                ),
                (f"set it there: {name.rpartition('.')[2] or 'mounted'}.dependency_overrides[...] = ...",),
            )
    return None


def _mounted_in(application: Any) -> Iterator[tuple[str, Any]]:
    """Give the applications of FastAPI that are mounted in one, directly or in others, with their paths."""
    for route in routes_of(application):
        inner = getattr(route, "_base_app", None)
        if hasattr(inner, "dependency_overrides"):
            yield route.path, inner
            yield from ((route.path + path, each) for path, each in _mounted_in(inner))


def _place(override: Override) -> str:
    return "" if override.location is None else f" ({override.location})"
