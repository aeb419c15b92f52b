"""A coroutine in place of what it returns: somebody forgot to await it, or keeps it to await it again."""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Iterator
from types import CoroutineType, FrameType

from hermetic import expressions
from hermetic.causes.guards import NEVER_AWAITED
from hermetic.causes.messages import COROUTINE_KEPT, WRONG_KIND
from hermetic.code import Location, location_of
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, frames, is_a, named, project_lines
from hermetic.explain.history import History
from hermetic.guards.coroutines import Coroutine, is_of_a_mock

SAYS = re.compile(r"'coroutine'|\bcoroutine object\b|\btype coroutine\b")
"""What errors say of a coroutine that is used as what it is not."""

AWAITED_BEFORE = "cannot reuse already awaited coroutine"


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the coroutine that an error is about, the line that made it, and the call with its ``await``."""
    del history
    for error in failure.chain():
        line = next(project_lines(error), None)
        if line is not None and AWAITED_BEFORE in str(error):
            yield from _of_a_cache(*line)
        if line is not None and SAYS.search(str(error)):
            is_handed = _is_handed(error, line[0])
            yield from _of_a_fixture(failure, error, line[1]) if is_handed else [_explanation(error, *line)]
            return


def _explanation(error: BaseException, frame: FrameType, at: Location) -> Explanation:
    function = Location(at.file, frame.f_code.co_firstlineno, at.function)
    endpoint = _endpoint(error, frame)
    if endpoint is not None:
        at = function = endpoint
    coroutine = _unstarted(error)
    if (coroutine is not None and is_of_a_mock(coroutine)) or _calls_a_mock(frame, at):
        return _of_a_mock(at)
    names = () if coroutine is None else (coroutine.__name__,)
    kept = expressions.kept(function, names) if names and not expressions.awaited(at, names) else None
    made = kept or at
    change = expressions.awaited(made, names) or "await the call that made it"
    which = "a coroutine" if coroutine is None else f"the coroutine {coroutine.__qualname__}"
    where = "" if made == at else f" It was made at {made}."
    return Explanation(
        NEVER_AWAITED,
        (f"{at} has {which} in place of what that returns: nobody awaited it.{where}",),
        (f"{made}: {change}",),
    )


def _calls_a_mock(frame: FrameType, at: Location) -> bool:
    """Whether a line calls a method of a mock that stands for an async function."""
    for name, method in re.findall(r"\b(\w+)\.(\w+)\(", linecache.getline(at.file, at.line)):
        children = attribute(named(frame, name), "__dict__") or {}
        if is_a(children.get("_mock_children", {}).get(method), "AsyncMock"):
            return True
    return False


def _of_a_mock(at: Location) -> Explanation:
    return Explanation(
        WRONG_KIND,
        (
            f"{at} has a coroutine of an AsyncMock, which nobody awaits: what is reached through an AsyncMock is an"
            " AsyncMock, too, and stands for functions that are async.",
        ),
        ("a MagicMock for what is not: mock.execute.return_value = MagicMock(), of what is awaited",),
    )


def _of_a_fixture(failure: Failure, error: BaseException, at: Location) -> Iterator[Explanation]:
    """Explain it where a fixture that is no coroutine function hands out what it has not awaited."""
    coroutine = _unstarted(error)
    for fixture in failure.fixtures:
        if coroutine is not None and fixture.value is coroutine and not fixture.is_async and fixture.location:
            names = (coroutine.__name__,)
            made = expressions.kept(fixture.location, names) or fixture.location
            call = expressions.awaited(made, names) or "await the call that made it"
            by = " by @pytest_asyncio.fixture" if failure.runner.mode == "strict" else ""
            yield Explanation(
                NEVER_AWAITED,
                (
                    f"{at} has the coroutine {coroutine.__qualname__} in place of what that returns: the {fixture}"
                    " hands it out, and nobody awaited it.",
                ),
                (f"{made}: {call}, in an async def {fixture.name}{by}",),
            )


def _of_a_cache(frame: FrameType, at: Location) -> Iterator[Explanation]:
    """Explain it where the line calls an async function that functools keeps the coroutines of."""
    line = linecache.getline(at.file, at.line)
    for name in frame.f_code.co_names:
        function = frame.f_globals.get(name)
        kept = attribute(function, "__wrapped__") if hasattr(function, "cache_info") else None
        if inspect.iscoroutinefunction(kept) and re.search(rf"\b{name}\(", line):
            yield Explanation(
                COROUTINE_KEPT,
                (
                    f"{at} awaits a coroutine that was awaited before: {name} ({location_of(kept)}) is async, and"
                    " functools.lru_cache keeps the coroutine of its first call.",
                ),
                (f"{location_of(kept)}: without lru_cache; keep what {name} gives, and not the coroutine",),
            )


def _unstarted(error: BaseException) -> Coroutine | None:
    """Return the coroutine that an error is about; None where it is gone: nothing but the stack had it."""
    answers = (
        each.get("input") for each in attribute(error, "_errors") or ()
    )  # FastAPI's, of an endpoint's answer
    values = (value for frame in frames(error) for value in frame.f_locals.values())
    for value in (attribute(error, "obj"), *answers, *values):
        if isinstance(value, CoroutineType) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
            return value
    return None


def _is_handed(error: BaseException, frame: FrameType) -> bool:
    """Whether the coroutine is an argument: whoever handed it over has not awaited it, and may be a library."""
    code = frame.f_code
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    coroutine = _unstarted(error)
    return coroutine is not None and any(frame.f_locals.get(name) is coroutine for name in arguments)


def _endpoint(error: BaseException, project: FrameType) -> Location | None:
    """Return the endpoint whose answer FastAPI was looking at, further in than the innermost line of the project's."""
    for frame in frames(error):
        if frame is project:
            return None
        found = location_of(attribute(frame.f_locals.get("dependant"), "call"))
        if found is not None:
            return found
    return None
