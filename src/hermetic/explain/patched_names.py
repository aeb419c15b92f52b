"""A name that was patched where it is defined, while those who use it have it by a name of their own.

``from app.services import send`` gives a module a name of its own for the function; a patch of ``app.services.send``
changes another name. Said only where what answered a request of the test, or the test itself, comes by code that names
the one which was left as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from hermetic.causes.applications import PATCHED_ELSEWHERE
from hermetic.code import location_of, project_modules
from hermetic.events.application import RequestEnded
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, is_a
from hermetic.explain.history import History
from hermetic.explain.patches import Patched
from hermetic.functions import codes, with_callees
from hermetic.guards.applications import overriding_applications
from hermetic.guards.dependencies import dependencies_of, routes_of

SIMPLE = (bool, bytes, float, int, str, tuple, type(None))
"""What is the same object wherever it is equal: the name must be the same, too."""


class Use(NamedTuple):
    """Code that names what a patch has left as it is.

    Attributes:
        function: The function.
        name: What it calls it.
    """

    function: FunctionType
    name: str


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the patches that did not reach the code which this test had run."""
    if failure.phase != "call":
        return
    made = [each for each in history.patches.made if _was_not_used(each)]
    if not made:
        return
    ended = [each for each in history.of(RequestEnded) if each.owner.is_within(failure.owner)]
    routes = list(_routes(failure, {each.endpoint for each in ended}))
    for patched in made:
        found = _as_a_dependency(failure, patched, routes) or _by_another_name(
            failure, patched, history.patches.made, routes
        )
        if found is not None:
            yield found


def _was_not_used(patched: Patched) -> bool:
    """Whether nobody is known to have called what stood there."""
    return getattr(patched.replacement, "called", False) is not True


def _is_where_it_is_defined(patched: Patched) -> bool:
    """Whether it is a name of the module that defines it, or of a package around that."""
    name, module = patched.target.__name__, getattr(patched.original, "__module__", None)
    return not isinstance(module, str) or f"{module}.".startswith(f"{name}.")


def _as_a_dependency(failure: Failure, patched: Patched, routes: list[Any]) -> Explanation | None:
    """Say that a route has taken the function for its dependency when it was defined."""
    if not any(each is patched.original for each in dependencies_of(routes)):
        return None
    name = f"{patched.target.__name__}.{patched.name}"
    return Explanation(
        PATCHED_ELSEWHERE,
        (
            f"{_where(failure, patched)} replaces {name}, and the routes that depend on it keep the function that"
            " Depends() was given when they were defined: it is the real one that ran.",
        ),
        (f"app.dependency_overrides[{patched.name}] = ..., with the real {patched.name}",),
    )


def _by_another_name(
    failure: Failure, patched: Patched, all_made: list[Patched], routes: list[Any]
) -> Explanation | None:
    """Say that a module which ran has the original by a name of its own, which nobody has patched."""
    if not _is_where_it_is_defined(patched):
        return None
    others = {(id(each.target), each.name) for each in all_made}
    holders = [
        (module, name)
        for module in project_modules()
        for name, value in list(vars(module).items())
        if value is patched.original
        and module is not patched.target
        and (id(module), name) not in others
        and (not isinstance(value, SIMPLE) or name == patched.name)
    ]
    use = _use(failure, routes, holders) if holders else None
    if use is None:
        return None
    mine = f"{use.function.__module__}.{use.name}"
    return Explanation(
        PATCHED_ELSEWHERE,
        (
            f"{_where(failure, patched)} replaces {patched.target.__name__}.{patched.name}, and"
            f" {use.function.__qualname__} ({location_of(use.function)}) uses {mine}, which is still the real one:"
            " `from ... import` has given its module a name of its own.",
        ),
        (f'patch("{mine}"), the name that is looked up',),
    )


def _use(failure: Failure, routes: list[Any], holders: list[tuple[ModuleType, str]]) -> Use | None:
    """Return code that the test, or what answered a request of it, may have run, and that names one of these."""
    wanted = {(id(vars(module)), name) for module, name in holders}
    test = getattr(failure.owner, "function", None)
    answering = [each.endpoint for each in routes]
    for root in (*answering, *dependencies_of(routes), *([] if test is None else [test])):
        for function in with_callees(root):
            if function is not None:
                names = {name for code in codes(function.__code__) for name in code.co_names}
                found = next((each for each in names if (id(function.__globals__), each) in wanted), None)
                if found is not None:
                    return Use(function, found)
    return None


def _routes(failure: Failure, endpoints: Collection[int]) -> Iterator[Any]:
    """Give the routes of the applications that are known whose endpoints these are, as events number them."""
    given = [each.value for each in failure.fixtures]
    transports = [attribute(each, "_transport") for each in given]
    applications = [
        *overriding_applications(),
        *given,
        *(attribute(each, "app") for each in (*given, *transports)),
    ]
    for application in (each for each in applications if is_a(each, "Starlette")):
        for route in routes_of(application):
            if hasattr(route, "endpoint") and id(route.endpoint) in endpoints:
                yield route


def _where(failure: Failure, patched: Patched) -> str:
    """Return the line, or the function that a decorator is on."""
    return str(patched.location or failure.function or failure.owner.name)
