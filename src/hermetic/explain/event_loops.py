"""What belongs to one event loop and was used in another: whose it is, where it was used, and why the loops differ."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType
from typing import NamedTuple

from hermetic.causes.event_loops import (
    CONFIGURATION_NOT_READ,
    CONNECTION_OF_ANOTHER_LOOP,
    CONNECTION_WITHOUT_LOOP,
    TEST_CLIENT_HAS_A_LOOP,
    TWO_PLUGINS,
)
from hermetic.code import Location, is_library
from hermetic.events.application import RequestEnded
from hermetic.explain.bound_objects import BUSY, of_object, projects_object
from hermetic.explain.connections import Held
from hermetic.explain.failure import Explanation, Failure, UsedFixture
from hermetic.explain.frames import frames, is_by_test_client, objects_through, places
from hermetic.explain.history import History
from hermetic.explain.plugins import not_read, one_loop
from hermetic.explain.runner import ANYIO_MODE, FIXTURES, MODE, TESTS
from hermetic.owners import Owner

DIFFERENT = (
    "attached to a different loop",
    "is bound to a different event loop",
    "bound to a different loop",
)
CLOSED = "Event loop is closed"
NO_TASK = "Timeout context manager should be used inside a task"


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Explain the first error of a failure that is about event loops, as far as is known whose loops they are."""
    for error in failure.chain():
        text = str(error)
        found = None
        if isinstance(error, AssertionError):
            found = _without_loop(failure, history, error)
        elif type(error).__name__ == "InterfaceError" and BUSY in text:
            found = _of_connection(failure, history, error, is_busy=True) or of_object(
                failure, history, error
            )
        elif isinstance(error, RuntimeError) and any(each in text for each in (*DIFFERENT, CLOSED, NO_TASK)):
            found = _of_connection(failure, history, error) or of_object(failure, history, error)
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
        by: The fixture that used it, if one did.
    """

    held: Held
    fixture: UsedFixture | None
    user: str
    at: Location | None
    by: UsedFixture | None = None


def _of_connection(
    failure: Failure, history: History, error: BaseException, *, is_busy: bool = False
) -> Explanation | None:
    held = next((each for frame in frames(error) for each in _held(frame, history)), None)
    if held is None:
        return None
    here = failure.owner.loop
    if is_busy and (here is None or here == held.opened_in):
        return None  # two at once, in one loop
    at = next(iter(places(error)), failure.function)
    by = _fixture_at(failure, at)
    use = Use(held, _fixture_of(failure, held), _user(failure, history, by), at, by)
    if is_busy and by is not None and by.loop == getattr(use.fixture, "loop", None):
        return None  # left over from an earlier use, which failed and was explained
    if is_by_test_client(error):
        return _by_test_client(failure, use, error)
    if by is None and here == held.opened_in:
        return None  # something else is of another loop
    return _two_plugins(failure, history, use) or _two_loops(failure, use)


def _without_loop(failure: Failure, history: History, error: BaseException) -> Explanation | None:
    """Explain what SQLAlchemy says of a connection that is gone, where it went with its loop."""
    handles = objects_through(error, "_ConnectionFairy")
    held = next((each for handle in handles if (each := history.connections.ended(handle)) is not None), None)
    if held is None:
        return None
    at = next(iter(places(error) or places(failure.error)), failure.function)
    fixture = _fixture_of(failure, held)
    found = projects_object(failure, error) or projects_object(failure, failure.error)
    kept = None if found is None else found[1]
    whose = f"It is of {fixture or held.owner.name}."
    if fixture is None and kept is not None:
        whose = f"The session is {kept.name}: {kept.words}."
    loops = [] if failure.runner.loop is None else [f"The loop of the test: {failure.runner.loop}"]
    return Explanation(
        CONNECTION_WITHOUT_LOOP,
        (
            f"{at} uses a connection that ended with its event loop, the one of {_test_of(held.opened_by)}, which had"
            f" taken it at {held.location}.",
            whose,
            *loops,
        ),
        (*one_loop(failure, "session"), "or a session of its own for each test"),
    )


def _test_of(owner: Owner) -> str:
    """Return the name of the test in which somebody did something, or of who did it."""
    here: Owner | None = owner
    while here is not None and here.kind != "test":
        here = here.parent
    return owner.name if here is None else here.name


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


def _fixture_at(failure: Failure, at: Location | None) -> UsedFixture | None:
    """Return the fixture in whose function a line is."""
    if at is None or failure.phase == "call":
        return None
    for each in failure.fixtures:
        if each.location is not None and (each.location.file, each.location.function) == (
            at.file,
            at.function,
        ):
            return each
    return None


def _user(failure: Failure, history: History, by: UsedFixture | None) -> str:
    """Return who used it: a fixture, the request that this error ended, or the test."""
    if by is not None:
        return str(by)
    names = {type(each).__name__ for each in failure.chain()}
    requests = [each for each in history.of(RequestEnded) if each.error in names]
    last = f"{requests[-1].method} {requests[-1].path} of " if requests else ""
    return f"{last}{failure.owner.name}"


def _taken(use: Use) -> str:
    """Return who has the connection since when, and by which engine."""
    held = use.held
    who = held.owner.name if use.fixture is None or _is_a_library_s(use.fixture) else str(use.fixture)
    made = f", of the engine made at {held.made_at}" if held.made_at is not None else ""
    if held.loop == held.opened_in:
        return f"{who} took a connection at {held.location}{made}"
    return f"{held.opened_by.name} opened a connection at {held.opened_at}{made}; its pool gave it to {who}"


def _is_a_library_s(fixture: UsedFixture) -> bool:
    """Whether no line of the project defines it: unittest's class set-up is a fixture of pytest's."""
    return fixture.location is None or is_library(fixture.location.file)


def _by_test_client(failure: Failure, use: Use, error: BaseException) -> Explanation:
    at = places(error)[-1] if failure.is_async else failure.function
    call = next((each for each in places(error) if each.file == getattr(failure.function, "file", "")), at)
    within = "" if failure.is_async else ", in an async def test"
    return Explanation(
        TEST_CLIENT_HAS_A_LOOP,
        (
            "TestClient runs the application in an event loop of its own, in a thread, where"
            f" {use.user} used a connection of another loop at {use.at}.",
            f"{_taken(use)}.",
        ),
        (
            f"{call}: call it by an async client, which stays in the test's loop: await async_client.get(...), or"
            f' AsyncClient(transport=ASGITransport(app=app), base_url="http://test"){within}',
            *one_loop(failure),
        ),
    )


def _two_plugins(failure: Failure, history: History, use: Use) -> Explanation | None:
    """Explain it where anyio ran the fixture and pytest-asyncio the test."""
    runner = failure.runner
    if runner.runs != "pytest-asyncio" or not runner.uses_anyio or use.fixture is None:
        return None
    if use.held.owner.loop in (None, failure.owner.loop):
        return None
    mark = runner.marks.get("anyio")
    anyio_mode = runner.settings.get(ANYIO_MODE)
    by_mode = runner.settings.get(MODE)
    why = (
        f"asyncio_mode = {by_mode.value} ({by_mode.at or 'command line'})" if by_mode else "the mark asyncio"
    )
    if anyio_mode is not None and anyio_mode.value == "auto":
        at = anyio_mode.at or "command line"
        has, change = f"anyio_mode = auto ({at})", f"{at}: remove anyio_mode = auto"
    elif mark is not None:
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
    ignored = list(not_read(runner, (FIXTURES, TESTS)))
    if fixture is not None and fixture.loop is not None:
        lines.append(f"The loop of {fixture.name}: {fixture.loop}")
    if use.by is not None:
        lines += [] if use.by.loop is None else [f"The loop of {use.by.name}: {use.by.loop}"]
    elif runner.loop is not None:
        lines.append(f"The loop of the test: {runner.loop}")
    if fixture is not None and _is_a_library_s(fixture):
        change.append(
            f"{use.held.location}: not there, but in the test, or in its asyncSetUp, which is in its loop"
        )
    elif fixture is not None and not fixture.is_async:
        change.append(f"{fixture.location}: make it async def: it runs a loop of its own")
        change += one_loop(failure, fixture.scope)
    elif use.held.loop != use.held.opened_in:
        change += one_loop(failure, "session")
        change.append("or hermetic = on, which keeps a pool for each loop, unless this engine is left alone")
    else:
        change += one_loop(failure)
    return Explanation(
        CONFIGURATION_NOT_READ if ignored else CONNECTION_OF_ANOTHER_LOOP,
        (*lines, *ignored),
        tuple(change) or (f"{use.held.location}: take the connection in the loop that uses it",),
    )
