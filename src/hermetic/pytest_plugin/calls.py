"""What happens around the call of a test, inside its own event loop.

anyio ends its loop inside the call, so what the test opened is closed at the end of the test's own coroutine. A
hypothesis test is many calls: the baseline comes back before each example. A test with a frozen clock gets its
application started before the clock stops: FastAPI builds the routes of included routers at the first request, which
fails on freezegun's classes. Where a fixture stops the clock the test's loop does not run yet, so that the application
cannot be started; its routes can be built.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from hermetic.owners import Owner, owned_by
from hermetic.pytest_plugin import marks
from hermetic.pytest_plugin.state import OWNER
from hermetic.pytest_plugin.tracebacks import errors_as_failures
from hermetic.run import Run
from hermetic.settings import Background

_NOTHING = object()
_AS_IT_IS = nullcontext()
CLOCKS = ("freezegun", "time_machine")


@contextmanager
def wrapped_call(item: pytest.Item, run: Run) -> Iterator[None]:
    """Wrap the item's function for the time of its call."""
    if not isinstance(item, pytest.Function) or run.settings.mode != "on":
        yield
        return
    import_drivers(run)
    with pytest.MonkeyPatch.context() as patch:
        handle = getattr(item.obj, "hypothesis", None)
        if handle is not None:
            patch.setattr(handle, "inner_test", _example(handle.inner_test, run, _ending_of(item, run)))
        elif inspect.iscoroutinefunction(item.obj):
            ending = _ending_of(item, run, partial(_async_fixtures_of, item))
            patch.setattr(item, "obj", _async(item.obj, run, item.funcargs, ending))
        else:
            _close_elsewhere(run)  # no loop runs while the test does
        yield


def import_drivers(run: Run) -> None:
    """Import what cannot be imported once the clock stands, if a test of this run may stop it."""
    if run.settings.mode == "on" and _a_clock_may_stop():
        run.provider.import_drivers()


@dataclass(frozen=True)
class _Ending:
    """How the call of a test ends.

    Attributes:
        owner: The test.
        background: What becomes of tasks that it left running; None where they may go on.
        fixtures: Returns the functions of its own fixtures that may wait for such tasks.
    """

    owner: Owner
    background: Background | None
    fixtures: Callable[[], Iterable[Callable[..., Any]]]

    async def end(self, run: Run) -> None:
        """End what the test left running, and close what it opened, in its loop."""
        if self.background is not None:
            await run.background.end_call(self.background, self.fixtures)
        await run.loop_resources.close_here()


def _ending_of(
    item: pytest.Function, run: Run, fixtures: Callable[[], Iterable[Callable[..., Any]]] = tuple
) -> _Ending:
    is_boundary = marks.isolation(item, run.settings) == "test"
    background = marks.background(item, run.settings) if is_boundary else None
    return _Ending(item.stash[OWNER], background, fixtures)


def _async_fixtures_of(item: pytest.Function) -> Iterator[Callable[..., Any]]:
    """Give the functions of a test's own async fixtures that are set up and have a teardown."""
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        for each in definitions:
            is_up = each.scope == "function" and each.cached_result is not None
            if is_up and inspect.isasyncgenfunction(each.func):
                yield each.func


def _example(inner: Callable[..., Any], run: Run, ending: _Ending) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(inner):
        closing = _async(inner, run, {}, ending)

        @functools.wraps(inner)
        async def async_example(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            await run.restoring.restore_in_loop()
            await closing(*args, **kwargs)

        return async_example

    @functools.wraps(inner)
    def example(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        run.restoring.restore()
        inner(*args, **kwargs)

    return example


def _async(
    function: Callable[..., Any], run: Run, funcargs: dict[str, Any], ending: _Ending
) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with owned_by(ending.owner):  # anyio's runner has the context of whoever started it
            _note_loop(ending.owner)
            _close_elsewhere(run)
            if _a_clock_may_stop():
                await _start_before_the_clock_stops(funcargs)
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                run.tell_of_failure(ending.owner)
                await _end_after(error, run, ending)
                raise
            await ending.end(run)
            return result

    return call


def owned_fixture(
    fixturedef: pytest.FixtureDef[Any], owner: Owner, request: pytest.FixtureRequest
) -> AbstractContextManager[None]:
    """Have what an async fixture makes belong to it where anyio's runner runs it, in a context of its own.

    Args:
        fixturedef: The fixture.
        owner: It.
        request: Of whoever asks for it.
    """
    function = fixturedef.func
    if "anyio_backend" not in request.fixturenames or not (
        inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    ):
        return _AS_IT_IS
    return _function_of(fixturedef, _owned(function, owner))


@contextmanager
def _function_of(fixturedef: pytest.FixtureDef[Any], function: Callable[..., Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixturedef, "func", function)
        yield


def _owned(function: Callable[..., Any], owner: Owner) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def owned(*args: Any, **kwargs: Any) -> Any:
            with owned_by(owner):
                _note_loop(owner)
                return await function(*args, **kwargs)

        return owned

    @functools.wraps(function)
    async def owned_generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        _note_loop(owner)
        async with aclosing(function(*args, **kwargs)) as values:
            going = True
            while going:
                with owned_by(owner):
                    value = await anext(values, _NOTHING)
                going = value is not _NOTHING
                if going:
                    yield value

    return owned_generator


def _note_loop(owner: Owner) -> None:
    """Note in which loop somebody runs; under trio it is in none."""
    loop = asyncio._get_running_loop()
    owner.loop = None if loop is None else id(loop)


def _close_elsewhere(run: Run) -> None:
    with errors_as_failures():
        run.loop_resources.close_elsewhere()


def build_routes(app: Any) -> None:
    """Have FastAPI build the routes while the clock runs: looking for a name goes through all of them."""
    if _a_clock_may_stop():
        # What goes wrong is raised again by the first request.
        with suppress(Exception):
            app.url_path_for("hermetic: no route has this name")


def _a_clock_may_stop() -> bool:
    return any(clock in sys.modules for clock in CLOCKS)


async def _start_before_the_clock_stops(funcargs: dict[str, Any]) -> None:
    lifespan = getattr(funcargs.get("async_client"), "lifespan", None)
    if lifespan is not None:
        # What goes wrong is raised again by the first request, where the test can expect it.
        with suppress(Exception):
            await lifespan.start()


async def _end_after(error: BaseException, run: Run, ending: _Ending) -> None:
    """End the call; what goes wrong doing so must not hide the test's own failure."""
    try:
        await ending.end(run)
    except Exception as second:
        error.add_note(f"hermetic: while closing what the test opened: {second!r}")
