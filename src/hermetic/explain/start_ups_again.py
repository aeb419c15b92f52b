"""A start-up of an application that fails because the application was started before, and what that made is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hermetic.causes.applications import LIFESPAN_RUN_AGAIN
from hermetic.code import Location
from hermetic.events.application import StartUpBegan
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import is_a, objects_through, project_lines
from hermetic.explain.history import History
from hermetic.explain.start_ups import StartUp, start_ups
from hermetic.owners import Owner


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say who had started an application before, where the test failed in a start-up of it, or in its end."""
    for error in failure.chain():
        for application in _applications(error):
            found = _failed(error, application)
            if found is not None:
                yield from _explanation(failure, history, application, *found)
                return


def _applications(error: BaseException) -> Iterator[Any]:
    """Give the applications that an error came through, and those that are an argument on its way."""
    found: dict[int, Any] = {id(each): each for each in objects_through(error, "Starlette")}
    for frame, _ in project_lines(error):
        for value in frame.f_locals.values():
            if is_a(value, "Starlette"):
                found.setdefault(id(value), value)
    yield from found.values()


def _failed(error: BaseException, application: Any) -> tuple[StartUp, Location] | None:
    """Return the start-up that an error came through, and the innermost line of the project then."""
    lines = list(project_lines(error))
    for start_up in start_ups(application):
        if any(frame.f_code is start_up.function.__code__ for frame, _ in lines):
            return start_up, lines[0][1]
    return None


def _explanation(
    failure: Failure, history: History, application: Any, start_up: StartUp, place: Location
) -> Iterator[Explanation]:
    began = [each.owner for each in history.of(StartUpBegan) if each.application == id(application)]
    earlier = began[:-1]
    goes_on = start_up.is_lifespan and start_up.is_running
    if not earlier and not goes_on:
        return
    rest = "which has not ended" if goes_on else "and what that made is still there"
    before = f"first for {_starter(earlier[0])}" if earlier else "first before this test"
    now = f", now for {_starter(began[-1])}" if began else ""
    name = start_up.location.function
    yield Explanation(
        LIFESPAN_RUN_AGAIN,
        (
            f"{place}: {name}() ({start_up.location}), in the lifespan of an application, runs for the second time:"
            f" {before}, {rest}{now}.",
        ),
        (
            "run the lifespan in one fixture, and have the clients ask for that",
            "use the fixture async_client, or hermetic_lifespan for a client of your own: it runs once for each test",
        ),
    )


def _starter(lifespan: Owner) -> str:
    """Return who has started a lifespan."""
    return lifespan.name if lifespan.parent is None else lifespan.parent.name
