"""What happens around the call of a test, inside its own event loop.

anyio ends its loop inside the call, so what the test opened is closed at the end of the test's own coroutine. A
hypothesis test is many calls: the baseline comes back before each example. A test with a frozen clock gets its
application started before the clock stops: FastAPI builds the routes of included routers at the first request, which
fails on freezegun's classes. Where a fixture stops the clock the test's loop does not run yet, so that the application
cannot be started; its routes can be built.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from hermetic.pytest_plugin.failing import errors_as_failures
from hermetic.run import Run

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
            patch.setattr(handle, "inner_test", _example(handle.inner_test, run))
        elif inspect.iscoroutinefunction(item.obj):
            patch.setattr(item, "obj", _async(item.obj, run, item.funcargs))
        else:
            _close_elsewhere(run)  # no loop runs while the test does
        yield


def import_drivers(run: Run) -> None:
    """Import what cannot be imported once the clock stands, if a test of this run may stop it."""
    if run.settings.mode == "on" and _a_clock_may_stop():
        run.import_drivers()


def _example(inner: Callable[..., Any], run: Run) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(inner):
        closing = _async(inner, run, {})

        @functools.wraps(inner)
        async def async_example(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            run.restore()
            await closing(*args, **kwargs)

        return async_example

    @functools.wraps(inner)
    def example(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        run.restore()
        inner(*args, **kwargs)

    return example


def _async(function: Callable[..., Any], run: Run, funcargs: dict[str, Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        _close_elsewhere(run)
        if _a_clock_may_stop():
            await _start_before_the_clock_stops(funcargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            await _close_after(error, run)
            raise
        await run.closer.close_here()
        return result

    return call


def _close_elsewhere(run: Run) -> None:
    with errors_as_failures():
        run.closer.close_elsewhere()


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


async def _close_after(error: BaseException, run: Run) -> None:
    """Close what is open; what goes wrong doing so must not hide the test's own failure."""
    try:
        await run.closer.close_here()
    except Exception as second:
        error.add_note(f"hermetic: while closing what the test opened: {second!r}")
