"""Clients, pools, locks and queues that belong to one event loop and were used in another: what, and who keeps it."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Iterator
from types import FrameType
from typing import Any

from hermetic.causes.event_loops import OBJECT_OF_ANOTHER_LOOP
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import frames, is_by_test_client, places, project_frames
from hermetic.explain.history import History
from hermetic.explain.holders import Holder, holder_of
from hermetic.explain.running import one_loop

BUSY = "another operation is in progress"
"""What asyncpg says of a second use, be it in the same loop or in another one."""

CALLED = 4
"""How many frames inside the project's line may be those of the object that it called."""


def of_object(failure: Failure, history: History, error: BaseException) -> Explanation | None:
    """Explain it for what is no connection of SQLAlchemy's: a client, a pool, a lock."""
    bound = next((loop for frame in frames(error) for loop in _loops_in(frame)), None)
    found = projects_object(failure, error)
    if bound is None or found is None or not _is_elsewhere(failure, history, bound, error):
        return None
    thing, holder = found
    kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
    what = f"a {kind}" if holder is None else f"{holder.name} ({kind})"
    which = "an event loop that has ended" if bound.is_closed() else "another event loop"
    return Explanation(
        OBJECT_OF_ANOTHER_LOOP,
        (f"{places(error)[0]} uses {what}, which belongs to {which}.", *_kept(failure, holder)),
        tuple(_change_for(failure, holder, error)),
    )


def _is_elsewhere(failure: Failure, history: History, bound: AbstractEventLoop, error: BaseException) -> bool:
    here = history.connections.loop_of(failure.owner)
    if BUSY in str(error):  # two at once in one loop are told the same
        return here is not None and id(bound) != here
    return bound.is_closed() or id(bound) != here


def _loops_in(frame: FrameType) -> Iterator[AbstractEventLoop]:
    """Give the loop that an innermost frame's own object is bound to."""
    thing = frame.f_locals.get("self")
    for candidate in (thing, getattr(thing, "_loop", None)):
        if isinstance(candidate, AbstractEventLoop):
            yield candidate


def projects_object(failure: Failure, error: BaseException) -> tuple[Any, Holder | None] | None:
    """Return the object whose method the project's innermost line called, and who keeps it, if that is known."""
    through = frames(error)
    frame = next(project_frames(error), None)
    inside = [] if frame is None else through[: through.index(frame)][::-1]
    things = [each for one in inside[:CALLED] if (each := one.f_locals.get("self")) is not None]
    for thing in things:
        holder = holder_of(thing, failure)
        if holder is not None:
            return thing, holder
    return (things[0], None) if things else None


def _kept(failure: Failure, holder: Holder | None) -> Iterator[str]:
    if holder is not None:
        yield f"{holder.words}."
    if holder is not None and holder.fixture is not None and holder.fixture.loop is not None:
        yield f"The loop of {holder.fixture.name}: {holder.fixture.loop}"
    if failure.runner.loop is not None:
        yield f"The loop of the test: {failure.runner.loop}"


def _change_for(failure: Failure, holder: Holder | None, error: BaseException) -> Iterator[str]:
    fixture = None if holder is None else holder.fixture
    if fixture is not None and fixture.loop is not None:
        yield from one_loop(failure)
        return
    if fixture is not None:
        yield f"{fixture.location}: make it anew for each test, in an async fixture of the function's scope"
    else:
        yield "make it where a loop runs: in the lifespan, or in an async fixture"
    if is_by_test_client(error):
        yield "or have one loop for all requests of a client: with TestClient(app) as client"
    lines = list(one_loop(failure, "session"))
    if lines:
        yield f"or have one loop for all tests: {'; '.join(lines)}"
