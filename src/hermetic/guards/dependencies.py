"""The dependencies of applications, and what stands in for them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from hermetic.code import Location, is_library, location_of

USED_BY_ONE = frozenset({"Session", "AsyncSession", "Connection", "AsyncConnection"})
"""The classes, by their names, of what only one can use at a time: who is handed it shares it with others."""


class Override(NamedTuple):
    """What stands in for a dependency.

    Attributes:
        application: In which application.
        dependency: What is overridden.
        function: What is called instead.
    """

    application: Any
    dependency: Any
    function: Any

    @property
    def location(self) -> Location | None:
        """Where what is called instead is defined; None where that is no function."""
        replacement = getattr(self.function, "hermetic_replacement", None)  # of our own client
        return location_of(self.function if replacement is None else replacement.target)

    def __str__(self) -> str:
        where, name = self.location, getattr(self.function, "__name__", "<lambda>")
        by = "" if name == "<lambda>" else f" by {name}"
        return f"the override of {name_of(self.dependency)}{by}" + ("" if where is None else f" ({where})")

    def held(self) -> Iterator[tuple[str, Any]]:
        """Give what it holds and could hand out, by the names that it has there."""
        function = self.function
        if isinstance(function, functools.partial):
            yield from function.keywords.items()
            yield from (("", each) for each in function.args)
            function = function.func
        code = getattr(function, "__code__", None)
        for name, cell in zip(
            getattr(code, "co_freevars", ()), getattr(function, "__closure__", None) or (), strict=False
        ):
            try:
                yield name, cell.cell_contents
            except ValueError:  # not set yet
                continue
        for default in getattr(function, "__defaults__", None) or ():
            yield "", default


def capitalized(override: Override) -> str:
    """Return what an override is called, at the begin of a sentence."""
    text = str(override)
    return text[0].upper() + text[1:]


def overrides_of(applications: Iterable[Any]) -> list[Override]:
    """Return every override that is in force in some applications."""
    return [
        Override(application, dependency, function)
        for application in applications
        for dependency, function in list(getattr(application, "dependency_overrides", {}).items())
    ]


def dependencies_of(routes: Iterable[Any]) -> Iterator[Any]:
    """Give what some routes depend on, themselves and through others."""
    following = [getattr(each, "dependant", None) for each in routes]
    while following:
        dependant = following.pop()
        if dependant is not None:
            yield from [] if dependant.call is None else [dependant.call]
            following += getattr(dependant, "dependencies", ())


def dependencies_towards(application: Any, endpoint: int) -> tuple[list[Any], list[Any]]:
    """Return what the route of an endpoint depends on by what it is included with, and what it does itself.

    Args:
        application: The application.
        endpoint: The number of the function that answers, as ``id`` gives it.
    """
    outer = [each.dependency for each in getattr(getattr(application, "router", None), "dependencies", ())]
    return next(_towards(application, endpoint, outer), ([], []))


def _towards(router: Any, endpoint: int, outer: list[Any]) -> Iterator[tuple[list[Any], list[Any]]]:
    for each in list(getattr(router, "routes", ())):
        if id(getattr(each, "endpoint", None)) == endpoint:
            listed = [depends.dependency for depends in getattr(each, "dependencies", ())]
            own = [found for found in dependencies_of([each]) if found not in (*outer, *listed)]
            yield list(dict.fromkeys([*outer, *listed])), own
        inner = _inner_of(each)
        if inner is not None:
            context = getattr(each, "include_context", None)
            more = [depends.dependency for depends in getattr(context, "dependencies", ())]
            yield from _towards(inner, endpoint, [*outer, *more])


def endpoints_of(application: Any) -> set[Location]:
    """Return where the functions are defined that answer the requests of an application."""
    found = (location_of(getattr(each, "endpoint", None)) for each in routes_of(application))
    return {each for each in found if each is not None and not is_library(each.file)}


def origin_of(dependency: Any) -> tuple[str, str] | None:
    """Return the file and the name of a function or a class, the same for each import of that file."""
    name = getattr(dependency, "__qualname__", None)
    where = location_of(dependency)
    if isinstance(dependency, type):
        file = getattr(sys.modules.get(dependency.__module__), "__file__", None)
    else:
        file = None if where is None else where.file
    return None if file is None or name is None else (file, f"{name}:{0 if where is None else where.line}")


def routes_of(application: Any) -> Iterator[Any]:
    """Give the routes of an application, and of the routers in it."""
    for each in list(getattr(application, "routes", ())):
        yield each
        inner = _inner_of(each)
        if inner is not None:
            yield from routes_of(inner)


def _inner_of(route: Any) -> Any:
    """Return the router that a route is; None where it is none."""
    inner = getattr(route, "app", None) or getattr(route, "original_router", None)
    return inner if any(kind.__name__ == "Router" for kind in type(inner).__mro__) else None


def name_of(function: Any) -> str:
    """Return what a function is called, with its module."""
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{getattr(function, '__module__', '?')}.{name}"
