"""Errors of pytest, pytest-asyncio and anyio's plugin that name none of the project's settings: who runs what where."""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Iterable, Iterator

from hermetic.causes.event_loops import (
    BACKEND_TOO_NARROW,
    CONFIGURATION_NOT_READ,
    EVENT_LOOP_IS_GONE,
    FIXTURE_OUTLIVES_LOOP,
    FIXTURE_WITHOUT_RUNNER,
    NO_LOOP_RUNS,
    UNDER_TRIO,
)
from hermetic.code import Location, is_library, location_of
from hermetic.explain.failure import Explanation, Failure, UsedFixture
from hermetic.explain.frames import places, project_frames
from hermetic.explain.history import History
from hermetic.explain.runner import FIXTURES, MODE, TESTS, Ignored, Runner, Setting, is_narrower, widest

MISMATCH = re.compile(r"the (\w+) scoped fixture (\w+) with a (\w+) scoped request object")
LOOP = re.compile(r"_\w+_scoped_runner|_\w+_event_loop|event_loop")
UNHANDLED = re.compile(r"requested (?:an async fixture|async @pytest.fixture) '(\w+)'")
"""What pytest 9 says, and what pytest-asyncio warns of."""

WITHOUT_ASYNCIO = (
    "no running event loop",
    "no current event loop",
    "unrecognized yield message",
    "No module named 'trio'",
)

NO_LOOP = ("no running event loop", "There is no current event loop")


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Give what is known of a failure to set a test or a fixture up, or to run it at all."""
    del history
    for error in failure.chain():
        text = str(error)
        mismatch = MISMATCH.search(text)
        if mismatch is not None and LOOP.fullmatch(mismatch[2]):
            yield from _too_wide_for_its_loop(failure, text, mismatch[3])
        elif mismatch is not None and mismatch[2] == "anyio_backend":
            yield from _too_wide_for_anyio(failure, text, mismatch[3])
        elif getattr(error, "argname", None) == "event_loop":
            yield from _event_loop(failure, error)
        elif (name := _unhandled(failure, error)) is not None:
            yield from _without_runner(failure, name)
        elif failure.runner.backend == "trio" and any(each in text for each in WITHOUT_ASYNCIO):
            yield _under_trio(failure)
        elif any(each in text for each in NO_LOOP):
            yield from _no_loop(error)
    if failure.is_async and not failure.runner.runs and "no plugin runs it" in str(failure.error):
        yield from _not_read(
            failure.runner, MODE, "auto", f"{failure.owner.name} is async, and nobody runs it"
        )


def _too_wide_for_its_loop(failure: Failure, text: str, scope: str) -> Iterator[Explanation]:
    runner = failure.runner
    for fixture in _named(failure, text):
        loop = fixture.loop
        if loop is None or fixture.scope != scope or not is_narrower(loop.scope, fixture.scope):
            continue
        what = f"{fixture} would run in an event loop of the {loop.scope}, which ends before it"
        elsewhere = list(_not_read(runner, loop.key, fixture.scope, what))
        yield from elsewhere or [
            Explanation(
                FIXTURE_OUTLIVES_LOOP,
                (f"{what}.", f"The loop's scope: {loop}"),
                tuple(one_loop(failure, fixture.scope)),
            )
        ]
        return


def one_loop(failure: Failure, scope: str = "function") -> Iterator[str]:
    """Give the lines to write so that a test and all its async fixtures run in one event loop.

    Args:
        failure: The test's.
        scope: The narrowest scope that the loop may have.
    """
    runner = failure.runner
    loops = [fixture.loop for fixture in failure.fixtures if fixture.loop is not None]
    loops += [runner.loop] if runner.loop is not None else []
    scopes = [fixture.scope for fixture in failure.fixtures if fixture.loop is not None]
    wanted = widest([scope, *scopes, *(loop.scope for loop in loops)])
    lines = [loop.becoming(wanted, runner.configuration) for loop in loops if loop.scope != wanted]
    yield from dict.fromkeys(lines)


def _too_wide_for_anyio(failure: Failure, text: str, scope: str) -> Iterator[Explanation]:
    backend = failure.fixture("anyio_backend")
    fixture = next((each for each in _named(failure, text) if each.scope == scope), None)
    if fixture is None:
        return
    own = backend is not None and _is_the_projects(backend)
    what = f"{fixture} is run by anyio's plugin, and so needs anyio_backend, which is of a narrower scope."
    if own and backend is not None:
        change = f'{backend.location}: @pytest.fixture(scope="{scope}")'
    else:
        change = f'in a conftest: @pytest.fixture(scope="{scope}") def anyio_backend(): return "asyncio"'
    yield Explanation(BACKEND_TOO_NARROW, (what,), (change,))


def _event_loop(failure: Failure, error: BaseException) -> Iterator[Explanation]:
    version = failure.runner.versions.get("pytest-asyncio", "")
    if version.startswith("0."):
        return
    function = _function_of(error)
    fixture = next((each for each in failure.fixtures if function and each.location == function), None)
    is_async = failure.is_async if fixture is None else fixture.is_async
    who = f"{failure.owner.name} ({failure.function})" if fixture is None else str(fixture)
    at = failure.function if fixture is None else fixture.location
    gone = f"which pytest-asyncio 1.0 removed (here: {version})" if version else "which no plugin has"
    yield Explanation(
        EVENT_LOOP_IS_GONE,
        (f"{who} asks for the fixture event_loop, {gone}.",),
        tuple(_without_event_loop(failure, at, fixture, is_async)),
    )


def _without_event_loop(
    failure: Failure, at: Location | None, fixture: UsedFixture | None, is_async: bool
) -> Iterator[str]:
    if is_async:
        yield f"{at}: remove event_loop from the arguments; the loop is asyncio.get_running_loop()"
    else:
        by = " by @pytest_asyncio.fixture" if fixture is not None and failure.runner.mode == "strict" else ""
        yield f"{at}: make it async def{by}, without event_loop, and await what event_loop.run_until_complete() got"
    if fixture is not None:
        loop = fixture.loop or failure.runner.default_loop(FIXTURES, fixture.scope)
        if is_narrower(loop.scope, fixture.scope):
            yield loop.becoming(fixture.scope, failure.runner.configuration)


def _function_of(error: BaseException) -> Location | None:
    """Return where the function is defined that asked for a fixture which does not exist."""
    stack = getattr(error, "fixturestack", None) or ()
    return location_of(getattr(stack[-1], "func", None)) if stack else None


def _unhandled(failure: Failure, error: BaseException) -> str | None:
    """Return the fixture that was handed out as it is, as pytest before 9 does, or would have been."""
    found = UNHANDLED.search(str(error))
    if found is not None:
        return found[1]
    handed_out = (
        each for each in failure.fixtures if inspect.iscoroutine(each.value) or inspect.isasyncgen(each.value)
    )
    return next((each.name for each in handed_out if failure.phase == "call" and each.is_async), None)


def _without_runner(failure: Failure, name: str) -> Iterator[Explanation]:
    runner = failure.runner
    fixture = failure.fixture(name)
    if fixture is None or not fixture.is_async:
        return
    if "pytest-asyncio" in runner.versions:
        what = (
            f"{fixture} is async, and made by @pytest.fixture: in strict mode pytest-asyncio does not run it"
        )
        yield from list(_not_read(runner, MODE, "auto", what)) or [_in_strict_mode(failure, fixture, what)]
        return
    what = f"{fixture} is async, and no plugin is there that runs it."
    change: tuple[str, ...] = (
        "pip install 'hermetic[asyncio]', and asyncio_mode = auto in the configuration file",
    )
    if "anyio" in runner.versions:
        what = f"{fixture} is async; anyio's plugin runs it only for a test that uses anyio_backend."
        if failure.is_async:
            change = (f"{failure.function}: @pytest.mark.anyio on the test",)
        else:
            change = (f"{fixture.location}: give it the argument anyio_backend",)
    yield Explanation(FIXTURE_WITHOUT_RUNNER, (what,), change)


def _in_strict_mode(failure: Failure, fixture: UsedFixture, what: str) -> Explanation:
    runner = failure.runner
    mode = runner.settings.get(MODE)
    said = (
        f"asyncio_mode = {mode.value} ({mode.at or 'command line'})"
        if mode
        else (f"asyncio_mode is not set in {runner.configuration}, which makes it strict")
    )
    at = mode.at if mode is not None and mode.at is not None else runner.configuration
    plain = [each for each in failure.fixtures if each.is_async and each.loop is None]
    places = ", ".join(f"{each.location} ({each.name})" for each in plain)
    change = [f"{at}: asyncio_mode = auto; or @pytest_asyncio.fixture at {places}"]
    loop = runner.default_loop(FIXTURES, fixture.scope)
    if is_narrower(loop.scope, fixture.scope):
        change.append(loop.becoming(fixture.scope, runner.configuration))
        change.append(runner.default_loop(TESTS, "function").becoming(fixture.scope, runner.configuration))
    return Explanation(FIXTURE_WITHOUT_RUNNER, (f"{what}.", f"The mode: {said}"), tuple(change))


def _no_loop(error: BaseException) -> Iterator[Explanation]:
    """Explain it where the project's own function is the one that is not async."""
    frame = next(project_frames(error), None)
    if frame is None or not isinstance(error, RuntimeError | DeprecationWarning):
        return
    at = places(error)[0]
    if frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return
    line = linecache.getline(at.file, at.line).strip()
    what = f"{at} needs an event loop, and {at.function} is not async: none runs there."
    run = re.search(r"run_until_complete\((.+)\)", line)
    change = f"{at}: make {at.function} async def"
    if run is not None:
        change = f"{at}: asyncio.run({run[1]}); or await {run[1]}, in an async def {at.function}"
    yield Explanation(NO_LOOP_RUNS, (what,), (change,))


def _under_trio(failure: Failure) -> Explanation:
    backend = failure.fixture("anyio_backend")
    at = backend.location if backend is not None and _is_the_projects(backend) else None
    who = f"{backend}" if at else "the fixture anyio_backend of anyio's plugin"
    place = at or "in a conftest"
    return Explanation(
        UNDER_TRIO,
        (f"{failure.owner.name} runs under trio, as {who} says; SQLAlchemy and its drivers need asyncio.",),
        (f'{place}: @pytest.fixture(scope="session") def anyio_backend(): return "asyncio"',),
    )


def _is_the_projects(fixture: UsedFixture) -> bool:
    return fixture.location is not None and not is_library(fixture.location.file)


def not_read(runner: Runner, keys: Iterable[str]) -> Iterator[str]:
    """Give the lines about settings of loops that stand where pytest does not read them."""
    for file in runner.ignored:
        for key, setting in file.settings.items():
            if key in keys and key not in runner.settings:
                yield _stands(runner, file, key, setting)


def _stands(runner: Runner, file: Ignored, key: str, setting: Setting) -> str:
    why = file.why or f"which pytest does not read: it reads one file, {runner.configuration}"
    return f"{key} = {setting.value} stands in {setting.at}, {why}."


def _not_read(runner: Runner, key: str, value: str, what: str) -> Iterator[Explanation]:
    """Say that the setting that would have helped stands where pytest does not read it."""
    found = runner.ignored_setting(key, value)
    if found is not None:
        file, setting = found
        lacking = {name: each for name, each in file.settings.items() if name not in runner.settings}
        moved = "; ".join(f"{name} = {each.value}" for name, each in lacking.items())
        at = setting.at if file.path == runner.configuration else runner.configuration
        yield Explanation(
            CONFIGURATION_NOT_READ,
            (f"{what}.", _stands(runner, file, key, setting)),
            (f"{at}: {moved}{file.under}",),
        )


def _named(failure: Failure, text: str) -> list[UsedFixture]:
    """Return the fixtures whose functions pytest lists in a message, those that it lists last first."""
    functions = re.findall(r"def (\w+)\(", text)
    found = [each for each in failure.fixtures if each.is_async or each.loop is not None]
    listed = [
        each for name in functions for each in found if each.location and each.location.function == name
    ]
    return listed or found
