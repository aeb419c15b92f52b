"""What belongs to one event loop and was used in another: whose it is, where it was used, and why the loops differ."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

from hermetic.causes.event_loops import (
    CONNECTION_OF_ANOTHER_LOOP,
    OBJECT_OF_ANOTHER_LOOP,
    TEST_CLIENT_HAS_A_LOOP,
    TWO_PLUGINS,
)
from hermetic.code import Location
from hermetic.events import RequestEnded
from hermetic.explain.connections import Held
from hermetic.explain.failure import Explanation, Failure, UsedFixture, places
from hermetic.explain.frames import frames, project_frames
from hermetic.explain.history import History
from hermetic.explain.holders import Holder, holder_of
from hermetic.explain.runner import FIXTURES, TESTS
from hermetic.explain.running import one_loop

DIFFERENT = (
    "attached to a different loop",
    "is bound to a different event loop",
    "bound to a different loop",
)
BUSY = "another operation is in progress"
CLOSED = "Event loop is closed"
NO_TASK = "Timeout context manager should be used inside a task"

CALLED = 4
"""How many frames inside the project's line may be those of the object that it called."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Explain the first error of a failure that is about event loops, as far as is known whose loops they are."""
    for error in failure.chain():
        text = str(error)
        if any(each in text for each in (*DIFFERENT, BUSY, CLOSED, NO_TASK)):
            found = _of_connection(failure, history, error, text) or _of_object(failure, history, error, text)
            if found is not None:
                yield found
                return


class Use(NamedTuple):
    """A connection that was used in another loop than its own.

    Attributes:
        held: The connection.
        fixture: Whose it is, if a fixture's.
        user: Who used it, in words.
        at: The user's line.
    """

    held: Held
    fixture: UsedFixture | None
    user: str
    at: Location | None


def _of_connection(failure: Failure, history: History, error: BaseException, text: str) -> Explanation | None:
    held = next((each for frame in frames(error) for each in _held(frame, history)), None)
    if held is None:
        return None
    here = history.connections.loop_of(failure.owner)
    if BUSY in text and (here is None or here == held.opened_in):
        return None  # two at once, in one loop
    at = next(iter(places(error)), failure.function)
    use = Use(held, _fixture_of(failure, held), _user(failure, history), at)
    if _is_by_test_client(error):
        return _by_test_client(failure, use, error)
    return _two_plugins(failure, history, use) or _two_loops(failure, use)


def _held(frame: FrameType, history: History) -> Iterator[Held]:
    for name in ("self", "adapt_connection", "dbapi_connection", "connection"):
        found = frame.f_locals.get(name)
        if hasattr(type(found), "driver_connection") and (held := history.connections.of(found)) is not None:
            yield held


def _fixture_of(failure: Failure, held: Held) -> UsedFixture | None:
    owner = held.owner
    while owner.parent is not None and owner.kind in ("request", "lifespan"):
        owner = owner.parent
    return next((each for each in failure.fixtures if owner.name.startswith(f"fixture {each.name!r} ")), None)


def _user(failure: Failure, history: History) -> str:
    """Return who used it: the request that this error ended, or the test."""
    names = {type(each).__name__ for each in failure.chain()}
    requests = [each for each in history.of(RequestEnded) if each.error in names]
    last = f"{requests[-1].method} {requests[-1].path} of " if requests else ""
    return f"{last}{failure.owner.name}"


def _taken(use: Use) -> str:
    """Return who has the connection since when, and by which engine."""
    held = use.held
    who = str(use.fixture) if use.fixture is not None else held.owner.name
    made = f", of the engine made at {held.made_at}" if held.made_at is not None else ""
    if held.loop == held.opened_in:
        return f"{who} took a connection at {held.location}{made}"
    return f"{held.opened_by.name} opened a connection at {held.opened_at}{made}; its pool gave it to {who}"


def _is_by_test_client(error: BaseException) -> bool:
    return any(frame.f_globals.get("__name__") == "starlette.testclient" for frame in frames(error))


def _by_test_client(failure: Failure, use: Use, error: BaseException) -> Explanation:
    at = places(error)[-1] if failure.is_async else failure.function
    call = next((each for each in places(error) if each.file == getattr(failure.function, "file", "")), at)
    return Explanation(
        TEST_CLIENT_HAS_A_LOOP,
        (
            "TestClient runs the application in an event loop of its own, in a thread, where"
            f" {use.user} used a connection of another loop at {use.at}.",
            f"{_taken(use)}.",
        ),
        (
            f"{call}: call it by an async client, which stays in the test's loop: await async_client.get(...), or"
            ' AsyncClient(transport=ASGITransport(app=app), base_url="http://test")',
        ),
    )


def _two_plugins(failure: Failure, history: History, use: Use) -> Explanation | None:
    """Explain it where anyio ran the fixture and pytest-asyncio the test."""
    runner = failure.runner
    if runner.runs != "pytest-asyncio" or not runner.uses_anyio or use.fixture is None:
        return None
    if history.connections.loop_of(use.held.owner) in (None, history.connections.loop_of(failure.owner)):
        return None
    mark = runner.marks.get("anyio")
    by_mode = runner.settings.get("asyncio_mode")
    why = (
        f"asyncio_mode = {by_mode.value} ({by_mode.at or 'command line'})" if by_mode else "the mark asyncio"
    )
    if mark is not None:
        has, change = f"its mark pytest.mark.anyio ({mark})", f"{mark}: remove pytest.mark.anyio"
    else:
        has, change = "its fixture anyio_backend", f"{failure.function}: remove the argument anyio_backend"
    return Explanation(
        TWO_PLUGINS,
        (
            f"Two plugins run {failure.owner.name}: "
            f"pytest-asyncio the test, by {why}, and anyio its fixtures, by {has}.",
            f"{_taken(use)}, in the loop of anyio; {use.user} used it at {use.at}, in the loop of pytest-asyncio.",
        ),
        (change, *_as_one(failure)),
    )


def _as_one(failure: Failure) -> Iterator[str]:
    """Give what else is needed where pytest-asyncio is to run the fixtures, too."""
    runner = failure.runner
    fixtures, tests = (
        runner.default_loop(FIXTURES, "function"),
        runner.loop or runner.default_loop(TESTS, "function"),
    )
    wide = [each.scope for each in failure.fixtures if each.is_async]
    if any(scope != "function" for scope in wide) or fixtures.scope != tests.scope:
        for each in (fixtures, tests):
            if each.scope != "session":
                yield each.becoming("session", runner.configuration)


def _two_loops(failure: Failure, use: Use) -> Explanation:
    runner, fixture = failure.runner, use.fixture
    lines = [f"{_taken(use)}; {use.user} used it at {use.at}, in another event loop."]
    change: list[str] = []
    if fixture is not None and fixture.loop is not None:
        lines.append(f"The loop of {fixture.name}: {fixture.loop}")
    if runner.loop is not None:
        lines.append(f"The loop of the test: {runner.loop}")
    if fixture is not None and not fixture.is_async:
        change.append(f"{fixture.location}: make it async def: it runs a loop of its own")
        change += one_loop(failure, fixture.scope)
    elif use.held.loop != use.held.opened_in:
        change += one_loop(failure, "session")
        change.append("or hermetic = on, which keeps a pool for each loop, unless this engine is left alone")
    else:
        change += one_loop(failure)
    return Explanation(
        CONNECTION_OF_ANOTHER_LOOP,
        tuple(lines),
        tuple(change) or (f"{use.held.location}: take the connection in the loop that uses it",),
    )


def _of_object(failure: Failure, history: History, error: BaseException, text: str) -> Explanation | None:
    """Explain it for what is no connection of SQLAlchemy's: a client, a pool, a lock."""
    if BUSY in text:
        return None
    bound = next((loop for frame in frames(error) for loop in _loops_in(frame)), None)
    found = _projects_object(failure, error)
    if bound is None or found is None:
        return None
    here = history.connections.loop_of(failure.owner)
    if not bound.is_closed() and id(bound) == here:
        return None
    thing, holder = found
    kind = type(thing)
    which = "one that has ended" if bound.is_closed() else "not the one of the test"
    what = f"{holder.name} ({kind.__module__}.{kind.__qualname__})"
    used = f"{places(error)[0]} uses {what}, which belongs to another event loop"
    return Explanation(
        OBJECT_OF_ANOTHER_LOOP,
        (f"{used}: {which}.", f"It is {holder.words}.", *_scopes(failure, holder)),
        tuple(_change_for(failure, holder)),
    )


def _loops_in(frame: FrameType) -> Iterator[AbstractEventLoop]:
    """Give the loop that an innermost frame's own object is bound to."""
    thing = frame.f_locals.get("self")
    for candidate in (thing, getattr(thing, "_loop", None)):
        if isinstance(candidate, AbstractEventLoop):
            yield candidate


def _projects_object(failure: Failure, error: BaseException) -> tuple[Any, Holder] | None:
    """Return the object whose method the project's innermost line called, and who keeps it."""
    through = frames(error)
    frame = next(project_frames(error), None)
    inside = [] if frame is None else through[: through.index(frame)][::-1]
    for each in inside[:CALLED]:
        thing = each.f_locals.get("self")
        holder = None if thing is None else holder_of(thing, failure)
        if holder is not None:
            return thing, holder
    return None


def _scopes(failure: Failure, holder: Holder) -> Iterator[str]:
    if holder.fixture is not None and holder.fixture.loop is not None:
        yield f"The loop of {holder.fixture.name}: {holder.fixture.loop}"
    if failure.runner.loop is not None:
        yield f"The loop of the test: {failure.runner.loop}"


def _change_for(failure: Failure, holder: Holder) -> Iterator[str]:
    if holder.fixture is not None and holder.fixture.loop is not None:
        yield from one_loop(failure)
    elif holder.fixture is not None:
        yield f'{holder.fixture.location}: make the object anew for each test, scope="function"'
        yield from one_loop(failure, "session")
    else:
        yield from one_loop(failure, "session")
        yield "or make it where a loop runs: in the lifespan, or in an async fixture"
