"""An async generator in place of what it yields: a dependency that somebody called without FastAPI, which runs it."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator
from types import AsyncGeneratorType, FrameType, GeneratorType
from typing import Any

from hermetic import expressions
from hermetic.causes.messages import WRONG_KIND
from hermetic.code import Location
from hermetic.explain.failure import Explanation, Failure, UsedFixture, with_article
from hermetic.explain.frames import attribute, project_lines
from hermetic.explain.history import History

_AWAITED = re.compile(
    r"object (async_generator|generator) can't be used in 'await' expression"
    r"|'(async_generator|generator)' object can't be awaited"
)
_ENTERED = re.compile(
    r"'(async_generator|generator)' object does not support the (asynchronous )?context manager"
)
KINDS = {
    "async_generator": ("async with asynccontextmanager", "async def"),
    "generator": ("with contextmanager", "def"),
}
"""How each kind is entered, and in what kind of function."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the generator, who has called its function, and what gives what it yields."""
    del history
    for error in failure.chain():
        line = next(project_lines(error), None)
        if line is None:
            continue
        if isinstance(error, TypeError) and (awaited := _AWAITED.match(str(error))) is not None:
            yield _of_a_line(awaited[1] or awaited[2], "awaits", line[1])
        elif (
            isinstance(error, TypeError | AttributeError)
            and (entered := _ENTERED.match(str(error))) is not None
        ):
            yield _of_a_block(entered[1], "async with" if entered[2] else "with", line[1])
        elif isinstance(error, AttributeError):
            yield from _used(failure, attribute(error, "obj"), *line)


def _used(failure: Failure, found: object, frame: FrameType, at: Location) -> Iterator[Explanation]:
    """Explain it where a fixture hands the generator out, or the function itself has called for it."""
    if not isinstance(found, AsyncGeneratorType | GeneratorType):
        return
    fixture = next((each for each in failure.fixtures if each.value is found and each.location), None)
    function = Location(at.file, frame.f_code.co_firstlineno, at.function)
    if fixture is not None:
        yield _of_a_fixture(found, fixture, at)
    elif (made := expressions.kept(function, (found.__name__,))) is not None:
        yield _of_a_line(type(found).__name__, "has", at, found.__name__, made)


def _of_a_line(
    kind: str, does: str, at: Location, name: str = "", made: Location | None = None
) -> Explanation:
    called = name or expressions.awaits(at)
    entered = KINDS[kind][0]
    return Explanation(
        WRONG_KIND,
        (
            f"{at} {does} the {kind} that {called or 'a dependency'}() makes, in place of what it yields: FastAPI runs"
            " a dependency that yields, and nobody else does.",
        ),
        (f"{made or at}: {entered}({called or '...'})() as ..., of contextlib",),
    )


def _of_a_block(kind: str, used: str, at: Location) -> Explanation:
    name = re.search(r"with\s+([A-Za-z_][\w.]*)", linecache.getline(at.file, at.line))
    return Explanation(
        WRONG_KIND,
        (
            f"{at} enters, by `{used}`, {with_article(kind)}: FastAPI enters what a dependency yields, and nobody else"
            " does.",
        ),
        (f"{at}: {KINDS[kind][0]}({name[1] if name else '...'})(), of contextlib",),
    )


def _of_a_fixture(
    found: AsyncGeneratorType[Any, Any] | GeneratorType[Any, Any, Any], fixture: UsedFixture, at: Location
) -> Explanation:
    kind, name = type(found).__name__, found.__name__
    entered, function = KINDS[kind]
    return Explanation(
        WRONG_KIND,
        (
            f"{at} has the {kind} that {name}() makes, in place of what it yields: the {fixture} hands it out, and only"
            " FastAPI runs a dependency that yields.",
        ),
        (
            f"{fixture.location}: {function} {fixture.name}, with `{entered}({name})() as value: yield value`,"
            " of contextlib",
        ),
    )
