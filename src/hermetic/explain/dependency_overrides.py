"""Dependencies that a test has overridden: by what, with what in it, and whether the override is ever used."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any

from hermetic.causes import causes
from hermetic.causes.applications import (
    OVERRIDE_IS_NO_FUNCTION,
    OVERRIDE_IS_NOT_RUN,
    OVERRIDE_TAKES_PARAMETERS,
)
from hermetic.events.application import OverrideUnused, RequestEnded
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import frames, inherits, objects_through, places, project_frames
from hermetic.explain.history import History
from hermetic.guards.applications import overriding_applications
from hermetic.guards.dependencies import Override, name_of, overrides_of
from hermetic.guards.override_keys import unusable

UNPROCESSABLE = 422
_UNRUN = ("async_generator", "generator", "coroutine")
SPECIAL = ("Request", "WebSocket", "HTTPConnection", "Response", "BackgroundTasks", "SecurityScopes")
"""What FastAPI gives to a parameter of such a type itself."""


def overrides(error: BaseException | None = None) -> list[Override]:
    """Return every override that is in force: of the applications of loaded modules, and of the one that failed."""
    applications = overriding_applications()
    for found in () if error is None else objects_through(error, "FastAPI"):
        if not any(found is each for each in applications):
            applications.append(found)
    return overrides_of(applications)


def held_by_overrides(error: BaseException) -> Iterator[tuple[Override, str, Any]]:
    """Give what each of them holds and could hand out, with the name that it has there."""
    for override in overrides(error):
        for name, held in override.held():
            yield override, name, held


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name an override that no dependency has for its key, or whose parameters a request would have to give."""
    requests = [each for each in history.of(RequestEnded) if each.owner.is_within(failure.owner)]
    if not requests and next(objects_through(failure.error, "FastAPI"), None) is None:
        return
    for unused in history.of(OverrideUnused):
        yield Explanation(causes()[unused.code], unused.lines, unused.change)
    for override in overrides(failure.error):
        yield from _matches_nothing(override)
        yield from _is_not_called(override, failure.error)
        yield from _is_no_function(override, failure)
    refused = [each for each in requests if each.status == UNPROCESSABLE]
    for override in overrides() if refused else ():
        yield from _takes_parameters(override, refused)


def _matches_nothing(override: Override) -> Iterator[Explanation]:
    """Name one whose key is the dependency of no route."""
    found = unusable(override)
    if found is not None:
        yield Explanation(*found)


def _is_not_called(override: Override, error: BaseException) -> Iterator[Explanation]:
    """Name one that returns a generator, or a coroutine, which FastAPI runs only where it is the override itself."""
    code = getattr(override.function, "__code__", None)
    names = (*code.co_names, *code.co_freevars) if type(code) is CodeType else ()  # a mock's is one, too
    for frame in [*project_frames(error)][:1]:
        for found in frame.f_locals.values():
            kind = type(found).__name__
            if (
                kind in _UNRUN
                and found.__name__ in names
                and not inspect.isgeneratorfunction(override.function)
            ):
                at = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                yield Explanation(
                    OVERRIDE_IS_NOT_RUN,
                    (
                        f"{at} got the {kind} {found.__name__}() rather than what it gives: {override} calls it and"
                        " returns it, and FastAPI runs only an override that is such a function itself.",
                    ),
                    (
                        f"dependency_overrides[{name_of(override.dependency)}] = {found.__name__}, without a lambda",
                    ),
                )
                return


def _is_no_function(override: Override, failure: Failure) -> Iterator[Explanation]:
    """Name one that FastAPI could not call, where it was about to."""
    tried = [each for error in failure.chain() if isinstance(error, TypeError) for each in frames(error)]
    if not callable(override.function) and any(
        each.f_locals.get("call") is override.function for each in tried
    ):
        kind, name = type(override.function).__name__, name_of(override.dependency)
        sent = next((f", at the request of {at}" for at in places(failure.error)[::-1]), "")
        yield Explanation(
            OVERRIDE_IS_NO_FUNCTION,
            (
                f"The override of {name} is an object of the class {kind}, which cannot be called: FastAPI calls what"
                f" stands for a dependency{sent}.",
            ),
            (f"dependency_overrides[{name}] = lambda: ..., with that {kind}",),
        )


def _takes_parameters(override: Override, refused: list[RequestEnded]) -> Iterator[Explanation]:
    """Name one whose parameters FastAPI reads from the query, so that each request without them is refused."""
    names = [name for name in _required(override.function) if name not in _parameters(override.dependency)]
    bodies = [body for each in refused if (body := getattr(each, "body", ""))]
    if bodies:
        names = [
            name for name in names if any(f'"query","{name}"' in body.replace(" ", "") for body in bodies)
        ]
    if names:
        request = refused[-1]
        many = "parameters" if len(names) > 1 else "parameter"
        yield Explanation(
            OVERRIDE_TAKES_PARAMETERS,
            (
                f"{request.method} {request.path} was answered by 422: {override} has the {many} {', '.join(names)},"
                " which FastAPI reads from the query of the request.",
            ),
            (
                f"an override without parameters: lambda: ..., or {names[0]}=Depends(...) for what it depends on",
            ),
        )


def _required(function: Any) -> Iterator[str]:
    """Give the parameters that a request would have to have."""
    for name, parameter in _parameters(function).items():
        kind = parameter.annotation
        is_special = isinstance(kind, type) and any(inherits(kind, each) for each in SPECIAL)
        is_injected = getattr(kind, "__metadata__", ()) != ()
        if parameter.default is inspect.Parameter.empty and not is_special and not is_injected:
            yield name


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function, eval_str=True).parameters)
    except Exception:  # an annotation that cannot be read, or a builtin: nothing is known of it
        return {}
