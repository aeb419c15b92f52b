"""What an application's start-up would have set, and is not there: the start-up did not run, or its state got lost."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

from hermetic.causes.applications import (
    HANDLER_BESIDE_LIFESPAN,
    LIFESPAN_NOT_RUN,
    LIFESPAN_OF_MOUNTED_APPLICATION,
    LIFESPAN_STATE_NOT_PASSED,
)
from hermetic.code import Location
from hermetic.events.application import StartUpBegan
from hermetic.explain.clients import Client, client_of
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import frames, is_a, place_of, project_frames, value
from hermetic.explain.history import History
from hermetic.explain.start_ups import StartUp, ignored_start_ups, start_ups


class Call(NamedTuple):
    """The call of an application in which an error came.

    Attributes:
        error: The error.
        applications: The applications through which it went, the innermost first: one may be mounted in another.
        scope: What it was called with.
    """

    error: BaseException
    applications: list[Any]
    scope: dict[str, Any]

    @property
    def application(self) -> Any:
        """The application that handled the request."""
        return self.applications[0]

    @property
    def is_mounted(self) -> bool:
        """Whether that is not the one which was called."""
        return self.application is not self.applications[-1]


class Lacking(NamedTuple):
    """Something that is not there, and the start-up that sets it.

    Attributes:
        what: What, as the project's code writes it: ``app.state.engine``.
        start_up: The function that sets it.
        place: Its line that does.
        is_passed: Whether it travels in the scope of a request: the state that a lifespan yields.
        is_ignored: Whether that start-up is a handler that never runs.
    """

    what: str
    start_up: StartUp
    place: Location
    is_passed: bool = False
    is_ignored: bool = False


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say which start-up did not run, or where its state was lost, where that is what the test failed by."""
    started = {each.application for each in history.of(StartUpBegan) if each.owner.is_within(failure.owner)}
    for error in failure.chain():
        call = _call(error)
        lacking = None if call is None else _lacking(call)
        if call is not None and lacking is not None:
            is_over = any(id(each) in started for each in call.applications)
            yield from _explanation(failure, call, lacking, is_over=is_over)
            return


def _call(error: BaseException) -> Call | None:
    called = [frame for frame in frames(error) if value(frame, "self", "Starlette") is not None]
    scopes = [scope for frame in called if isinstance(scope := frame.f_locals.get("scope"), dict)]
    if not scopes or scopes[0].get("type") == "lifespan":
        return None
    return Call(error, [frame.f_locals["self"] for frame in called], scopes[0])


def _lacking(call: Call) -> Lacking | None:
    ignored = ignored_start_ups(call.application)
    for start_up in (*start_ups(call.application), *ignored):
        found = next(filter(None, (find(call, start_up) for find in _WAYS)), None)
        if found is not None:
            return found._replace(is_ignored=start_up in ignored)
    return None


def _of_state(call: Call, start_up: StartUp) -> Lacking | None:
    """Find an attribute of ``app.state`` or ``request.state`` that is missing, and that a start-up sets."""
    found = _without_attribute(call)
    if found is None:
        return None
    state, name = found
    if state is getattr(call.application, "state", None):
        place = start_up.sets_state(name)
        return None if place is None else Lacking(f"app.state.{name}", start_up, place)
    if vars(state).get("_state") is call.scope.get("state"):
        place = start_up.names(name)
        return None if place is None else Lacking(f"request.state.{name}", start_up, place, is_passed=True)
    return None


def missing_state(error: BaseException) -> tuple[Any, str] | None:
    """Return the application whose ``app.state`` lacks an attribute, and its name, if that is what an error says."""
    call = _call(error)
    found = None if call is None else _without_attribute(call)
    if call is None or found is None or found[0] is not getattr(call.application, "state", None):
        return None
    return call.application, found[1]


def _without_attribute(call: Call) -> tuple[Any, str] | None:
    """Return Starlette's state that lacks an attribute, and its name, if that is what the error says."""
    innermost = frames(call.error)[0]
    state, name = value(innermost, "self", "State"), innermost.f_locals.get("key")
    return (state, name) if state is not None and isinstance(name, str) else None


def _global(call: Call, start_up: StartUp) -> Lacking | None:
    """Find a global that is None, in the innermost line of the project, and that a start-up sets."""
    for frame in list(project_frames(call.error))[:1]:
        for namespace in _namespaces(frame):
            for name in frame.f_code.co_names:
                if name in namespace and namespace[name] is None:
                    place = start_up.sets_global(namespace, name)
                    if place is not None:
                        return Lacking(name, start_up, place)
    return None


def _attribute(call: Call, start_up: StartUp) -> Lacking | None:
    """Find an attribute of a global object that is None or missing, in that line, and that a start-up sets."""
    for frame in list(project_frames(call.error))[:1]:
        for namespace in _namespaces(frame):
            for name in frame.f_code.co_names:
                for attribute in frame.f_code.co_names if name in namespace else ():
                    held = inspect.getattr_static(namespace[name], attribute, None)
                    place = start_up.sets_attribute(namespace[name], attribute) if held is None else None
                    if place is not None:
                        return Lacking(f"{name}.{attribute}", start_up, place)
    return None


def _item(call: Call, start_up: StartUp) -> Lacking | None:
    """Find a global dictionary without the key that is asked for, which a start-up puts there."""
    key = call.error.args[0] if isinstance(call.error, KeyError) and call.error.args else None
    for frame in list(project_frames(call.error))[:1] if isinstance(key, str) else ():
        for namespace in _namespaces(frame):
            for name in frame.f_code.co_names:
                held = namespace.get(name)
                place = start_up.fills(held, key) if isinstance(held, dict) and key not in held else None
                if place is not None:
                    return Lacking(f"{name}[{key!r}]", start_up, place)
    return None


def _namespaces(frame: FrameType) -> Iterator[dict[str, Any]]:
    """Give the names of a frame's module, and of the modules that it names."""
    yield frame.f_globals
    for name in frame.f_code.co_names:
        found = frame.f_globals.get(name)
        if is_a(found, "module"):
            yield vars(found)


def _object(call: Call, start_up: StartUp) -> Lacking | None:
    """Find the object in whose method it failed, where a lifespan names it: that sets it up."""
    if not start_up.is_lifespan:
        return None  # whether a handler has run nobody can see
    for frame in frames(call.error)[:3]:
        for name in ("self", "cls"):
            found = frame.f_locals.get(name)
            place = None if _is_never_set_up(found) else start_up.sets_up(found)
            if place is not None:
                what = found.__name__ if isinstance(found, type) else f"the {type(found).__name__}"
                return Lacking(what, start_up, place)
    return None


_WAYS = (_of_state, _global, _attribute, _item, _object)
"""How something may be lacking."""


def _is_never_set_up(found: object) -> bool:
    """Whether a start-up uses such a thing, as anybody does, and has it ready for nobody."""
    kind = found if isinstance(found, type) else type(found)
    return found is None or kind.__module__.partition(".")[0] in (
        "sqlalchemy",
        "logging",
        "fastapi",
        "starlette",
    )


def _explanation(failure: Failure, call: Call, lacking: Lacking, *, is_over: bool) -> Iterator[Explanation]:
    """Explain it.

    Args:
        failure: The failure.
        call: The call of the application.
        lacking: What is not there.
        is_over: Whether a start-up of it began in this test, and so has ended where none is running.
    """
    reads = place_of(call.error, "The application")
    sets = (
        f"{reads} needs {lacking.what}, which {lacking.start_up.location.function}() sets ({lacking.place})"
    )
    is_running, client = lacking.start_up.is_running, client_of(failure, call.error)
    if lacking.is_ignored:
        yield Explanation(
            HANDLER_BESIDE_LIFESPAN,
            (
                f"{sets}: a handler of the start-up, which never runs, for the application has a lifespan"
                f"{_of_lifespan(call.application)}, and that runs in place of all handlers.",
            ),
            (f"do what {lacking.start_up.location.function}() does in the lifespan, before its yield",),
        )
    elif call.is_mounted and not is_running:
        yield Explanation(
            LIFESPAN_OF_MOUNTED_APPLICATION,
            (
                f"{sets}: the start-up of a mounted application, which did not run.",
                "A server starts the outermost application, and that does not start what is mounted in it.",
            ),
            ("enter it in the outer lifespan: async with mounted.router.lifespan_context(mounted): yield",),
        )
    elif lacking.is_passed and not call.is_mounted:
        ran = "It runs, but its" if is_running else "Its"
        from_client = f"{ran} state did not reach this request: {client} passes none on."
        yield Explanation(LIFESPAN_STATE_NOT_PASSED, (f"{sets}.", from_client), _passing(client))
    elif not is_running and is_over:
        yield Explanation(
            LIFESPAN_NOT_RUN,
            (
                f"{sets}; it ran in this test, and had ended before this request.",
                f"The request came from {client}, after the block around the lifespan was left.",
            ),
            ("send the requests within the block: async with LifespanManager(app) as manager: ...",),
        )
    elif not is_running:
        from_client = f"The request came from {client}, which does not run it."
        yield Explanation(
            LIFESPAN_NOT_RUN, (f"{sets}; it did not run in this test.", from_client), _running(client)
        )


def _of_lifespan(application: Any) -> str:
    return next((f" ({each.location})" for each in start_ups(application)), "")


def _running(client: Client) -> tuple[str, ...]:
    match client.kind:
        case "TestClient":
            return ("with TestClient(app) as client: ...",)
        case "AsyncTestClient":
            return ("async with AsyncTestClient(app) as client: ..., or the fixture async_client",)
    return (
        "async with app.router.lifespan_context(app): ... around the client",
        "use the fixture async_client, which runs the lifespan",
    )


def _passing(client: Client) -> tuple[str, ...]:
    if client.kind == "ASGITransport":
        return (
            "async with LifespanManager(app) as manager: ... ASGITransport(app=manager.app)",
            "use the fixture async_client, which runs the lifespan and passes its state on",
        )
    return _running(client)
