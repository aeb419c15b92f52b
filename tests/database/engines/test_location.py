"""Where in the user's code something happens."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import timeit
from collections.abc import Callable
from typing import Any

from sqlalchemy.util import greenlet_spawn

from hermetic.code import UNKNOWN, Location, Walk
from hermetic.database.engines.location import project_location, thread_location, user_location


def test_the_callers_line() -> None:
    """Called directly, it is the caller."""
    found = user_location()
    assert (found.file, found.function) == (__file__, "test_the_callers_line")


def test_of_another_thread() -> None:
    """It is where that thread waits; one that has ended is nowhere."""
    begun, may_end = threading.Event(), threading.Event()

    def waits() -> None:
        begun.set()
        may_end.wait()

    thread = threading.Thread(target=waits)
    thread.start()
    begun.wait()
    found = thread_location(thread.ident or 0)
    may_end.set()
    thread.join()
    assert found.file in (__file__, threading.__file__)
    assert thread_location(thread.ident or 0) == UNKNOWN


def test_out_of_a_greenlet() -> None:
    """A stack that ends at SQLAlchemy's greenlet goes on in the greenlet's parent."""

    async def main() -> Location:
        return await greenlet_spawn(user_location)

    found = asyncio.run(main())
    assert (found.file, found.function) == (__file__, "main")


def test_through_nested_tasks() -> None:
    """asyncio's own frames are passed over."""

    async def inner() -> Location:
        return await greenlet_spawn(user_location)

    async def main() -> Location:
        return await asyncio.create_task(inner())

    assert asyncio.run(main()).function == "inner"


def test_generated_code_is_passed_over() -> None:
    """Code without a file, as decorators and dataclasses generate it, is nobody's."""
    scope: dict[str, Callable[[], Location]] = {"user_location": user_location}
    exec(compile("def generated(): return user_location()", "<string>", "exec"), scope)
    assert scope["generated"]().function == "test_generated_code_is_passed_over"


def test_a_stack_of_libraries() -> None:
    """Where no frame is the user's, the innermost that counts for one is taken; where there is none, none."""
    found = Walk(is_second=lambda file: True).here()
    assert (found.file, found.function) == (__file__, "test_a_stack_of_libraries")
    walk = Walk(is_second=lambda file: file == __file__, ends=("_pytest.python",))
    assert walk.here().function == walk.here().function == "test_a_stack_of_libraries"
    assert Walk(ends=(__name__,)).here() == UNKNOWN


def test_whoever_runs_the_tests() -> None:
    """A script of the project that runs pytest has nothing to do with what a library does in a test."""
    scope: dict[str, Any] = {"__name__": "_pytest.runner", "here": project_location}
    exec(compile("def runs(): return here()", contextlib.__file__, "exec"), scope)
    assert scope["runs"]() == UNKNOWN


def test_code_without_a_module() -> None:
    """Code that is run in a dictionary which has no ``__name__`` is told by its file."""
    scope: dict[str, Any] = {"here": user_location}
    exec(compile("def place(): return here()", "/shop/generated.py", "exec"), scope)
    assert str(scope["place"]()) == "/shop/generated.py:1"


def test_frames_that_are_not_looked_at() -> None:
    """So many frames are passed over, from that of the look-up itself on."""

    def asked(above: int) -> str:
        return user_location(above).function

    assert [asked(0), asked(2)] == ["asked", "test_frames_that_are_not_looked_at"]


def test_it_is_cheap() -> None:
    """A look-up takes microseconds, also from thirty frames below the user's."""

    def deep(levels: int) -> float:
        return deep(levels - 1) if levels else min(timeit.repeat(user_location, number=100, repeat=5)) / 100

    assert deep(30) < 100e-6
