"""A request that was refused by a dependency for which no override stands, though one stands for another.

Nobody tells which dependency refuses: FastAPI makes an answer of its exception. What is read is their code: the status,
and the words of the answer, have to stand in that of one, and of one only.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Iterator, Sequence
from types import FunctionType
from typing import Any

from hermetic.causes.applications import REFUSED_BY_ANOTHER_DEPENDENCY
from hermetic.code import location_of
from hermetic.events.application import RequestEnded
from hermetic.explain.answers import REFUSED, is_met, names_of
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, inherits, is_a, project_frames
from hermetic.explain.history import History
from hermetic.functions import codes, with_callees
from hermetic.guards.applications import overriding_applications
from hermetic.guards.dependencies import dependencies_towards, name_of

BY_SECURITY = ("Not authenticated", "Invalid authentication credentials", "Invalid authentication")
"""The words of FastAPI's own classes for what a request lacks."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the dependency that refused a request which the test does not expect to be refused."""
    ended = [each for each in history.of(RequestEnded) if each.owner.is_within(failure.owner)]
    refused = [each for each in ended if each.status in REFUSED]
    if failure.phase == "teardown" or not refused:
        return
    for application in _applications(failure):
        for request in refused:
            if is_met(failure, request, ended):
                by = _by_a_dependency if request.endpoint else _by_a_middleware
                found = list(by(application, request))
                if found:
                    yield from found
                    return


def _applications(failure: Failure) -> Iterator[Any]:
    """Give those of loaded modules, and those that the test and its fixtures have, or their clients."""
    held = [value for frame in project_frames(failure.error) for value in frame.f_locals.values()]
    held += [each.value for each in failure.fixtures]
    of_clients = [attribute(attribute(each, "_transport"), "app") for each in held]
    found = [each for each in (*held, *of_clients) if is_a(each, "FastAPI")]
    return iter({id(each): each for each in (*found, *overriding_applications())}.values())


def _by_a_dependency(application: Any, request: RequestEnded) -> Iterator[Explanation]:
    listed, own = dependencies_towards(application, request.endpoint)
    overridden = [each for each in (*listed, *own) if each in application.dependency_overrides]
    others = [each for each in (*listed, *own) if each not in overridden]
    able = [each for each in others if _may_answer(each, request.status, (*listed, *own))]
    words = _words_of(request.body)
    saying = [each for each in able if _says(each, words, (*listed, *own))] or able
    is_meant = any(not _is_generator(each) for each in overridden)
    if len(saying) != 1 or id(saying[0]) == request.endpoint:
        return
    refusing = saying[0]
    if is_meant or (refusing in listed and application.dependency_overrides):
        yield _explanation(request, refusing, overridden, is_listed=refusing in listed)


def _by_a_middleware(application: Any, request: RequestEnded) -> Iterator[Explanation]:
    """Name the middleware that answered in the place of an endpoint, which overrides do not reach."""
    middleware = [each.kwargs.get("dispatch", each.cls) for each in application.user_middleware]
    able = [each for each in middleware if _may_answer(each, request.status, ())]
    words = _words_of(request.body)
    saying = [each for each in able if _says(each, words, ())] or able
    if len(saying) == 1 and application.dependency_overrides:
        name, place = _called(saying[0])
        yield Explanation(
            REFUSED_BY_ANOTHER_DEPENDENCY,
            (
                f"{request.method} {request.path} was answered by {request.status}: {name}{place}, a middleware,"
                " refused it before any endpoint, and so any override, was asked.",
            ),
            (
                f"send what {name} asks for: headers= of the client; or a setting by which it is left out in tests",
            ),
        )


def _called(refusing: Any) -> tuple[str, str]:
    """Return the name of what refused, and its place, if it is the project's."""
    where = location_of(next(_functions(refusing, ()), None))
    return name_of(refusing).rpartition(".")[2], "" if where is None else f" ({where})"


def _explanation(
    request: RequestEnded, refusing: Any, overridden: Sequence[Any], *, is_listed: bool
) -> Explanation:
    name, place = _called(refusing)
    how = (
        ", which stands in dependencies=[...] of a router, the application or the route" if is_listed else ""
    )
    stands = ", ".join(map(name_of, overridden)) or "other dependencies"
    return Explanation(
        REFUSED_BY_ANOTHER_DEPENDENCY,
        (
            f"{request.method} {request.path} was answered by {request.status}: {name}{place} refused it{how}.",
            f"The overrides that are in force stand for {stands}, and none for that.",
        ),
        (f"dependency_overrides[{name}] = lambda: ..., as well; or send what it asks for",),
    )


def _may_answer(dependency: Any, status: int, others: Collection[Any]) -> bool:
    """Whether the code of a dependency, or of what it may call itself, has a status."""
    if inherits(type(dependency), "SecurityBase"):
        return getattr(dependency, "auto_error", True) is True
    return any(
        status in code.co_consts or any(map(names_of(status).fullmatch, code.co_names))
        for function in _functions(dependency, others)
        for code in codes(function.__code__)
    )


def _says(dependency: Any, words: str, others: Collection[Any]) -> bool:
    if inherits(type(dependency), "SecurityBase"):
        return words in BY_SECURITY
    functions = _functions(dependency, others)
    return any(words in code.co_consts for function in functions for code in codes(function.__code__))


def _functions(dependency: Any, others: Collection[Any]) -> Iterator[FunctionType]:
    """Give the functions of the project's that a dependency runs, but for the dependencies that FastAPI runs."""
    return (each for each in with_callees(dependency, others) if each is not None)


def _words_of(body: str) -> str:
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return detail if isinstance(detail, str) else ""


def _is_generator(function: Any) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
