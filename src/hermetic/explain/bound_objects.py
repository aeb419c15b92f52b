"""Clients, pools, locks and queues that belong to one event loop and were used in another: what, and who keeps it."""

from __future__ import annotations

import ast
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NamedTuple

from hermetic.causes.event_loops import OBJECT_OF_ANOTHER_LOOP
from hermetic.code import Location, project_modules
from hermetic.explain.failure import Explanation, Failure, UsedFixture
from hermetic.explain.frames import frames, is_by_test_client, places, project_frames
from hermetic.explain.history import History
from hermetic.explain.plugins import one_loop

BUSY = "another operation is in progress"
"""What asyncpg says of a second use, be it in the same loop or in another one."""

CALLED = 4
"""How many frames inside the project's line may be those of the object that it called."""


class Holder(NamedTuple):
    """Who keeps an object.

    Attributes:
        name: What the object is there: the fixture, or the global, with the attribute that leads to it.
        words: What that fixture or global is, with its line.
        fixture: The fixture whose value it is; None for a global.
    """

    name: str
    words: str
    fixture: UsedFixture | None = None


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
    here = failure.owner.loop
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


def holder_of(thing: object, failure: Failure) -> Holder | None:
    """Return who keeps an object, itself or as an attribute; None where no fixture and no global of a project does."""
    for fixture in failure.fixtures:
        path = _path(fixture.value, thing)
        if path is not None:
            return Holder(f"{fixture.name}{path}", f"{fixture.name} is the value of {fixture}", fixture)
    return next((holder for module in project_modules() if (holder := _global(thing, module))), None)


def _path(kept: object, thing: object) -> str | None:
    """Return how an object leads to another one: empty for the same, ``.name`` for an attribute of it."""
    if kept is thing:
        return ""
    for name, value in _attributes_of(kept).items():
        if value is thing:
            return f".{name}"
        for key, each in _state_of(value).items() if name == "state" else ():
            if each is thing:
                return f".state.{key}"
    return None


def _attributes_of(kept: object) -> dict[str, object]:
    """Return what an object has in its dictionary; a proxy may fail to tell, with whatever error."""
    with suppress(Exception):
        found = kept.__dict__
        return dict(found) if isinstance(found, dict) else {}
    return {}


def _state_of(state: object) -> dict[str, object]:
    """Return what Starlette's ``app.state`` holds."""
    values = _attributes_of(state).get("_state")
    return values if isinstance(values, dict) else {}


def _global(thing: object, module: ModuleType) -> Holder | None:
    for name, value in list(vars(module).items()):
        if isinstance(value, type | ModuleType):
            continue
        path = _path(value, thing)
        if path is not None and (at := _assignment(str(module.__file__), name)) is not None:
            return Holder(f"{name}{path}", f"{name} is a global of {module.__name__} ({at})")
    return None


def _assignment(file: str, name: str) -> Location | None:
    """Return the line of a module that makes a global; None where it comes from another module."""
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.parse(Path(file).read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return Location(file, node.lineno, "")
    return None
