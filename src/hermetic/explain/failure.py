"""A failed part of a test, as whoever explains it sees it, and what an explanation is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hermetic.causes import Cause
from hermetic.code import Location
from hermetic.explain.runner import LoopScope, Runner
from hermetic.owners import Owner
from hermetic.steps import leaves

Phase = Literal["collect", "setup", "call", "teardown"]


class Explanation(NamedTuple):
    """What a failure means here.

    Attributes:
        cause: Its kind.
        lines: What happened, with names and places; the first line alone must make sense.
        change: What to change, a line each.
    """

    cause: Cause
    lines: tuple[str, ...]
    change: tuple[str, ...]

    def __str__(self) -> str:
        return self.cause.told(self.lines, self.change)


class UsedFixture(NamedTuple):
    """A fixture of the test that failed.

    Attributes:
        name: Its name.
        scope: Its scope.
        location: Where it is defined; None for those without a file.
        is_async: Whether it is a coroutine function or an async generator.
        loop: Of which scope the event loop is in which pytest-asyncio runs it; None where it does not.
        value: What it gave; None where it gave nothing.
    """

    name: str
    scope: str
    location: Location | None
    is_async: bool
    loop: LoopScope | None = None
    value: object = None

    def __str__(self) -> str:
        return f"fixture {self.name!r} ({self.scope} scope, {self.location})"


@dataclass(frozen=True)
class Failure:
    """A part of a test that failed. It is looked at once, in the hook that reports it, and not kept.

    Attributes:
        owner: The test.
        phase: The part.
        error: What it raised.
        function: Where the test is defined.
        is_async: Whether it is a coroutine function.
        fixtures: Those that it asked for, itself or through others.
        runner: Who runs its async code.
        root: The project's folder.
        isolation: How often the baseline comes back for it.
    """

    owner: Owner
    phase: Phase
    error: BaseException
    function: Location | None = None
    is_async: bool = False
    fixtures: tuple[UsedFixture, ...] = ()
    runner: Runner = field(default_factory=Runner)
    root: str = ""
    isolation: str = "test"

    def fixture(self, name: str) -> UsedFixture | None:
        """Return a fixture that it asked for, by its name."""
        return next((each for each in self.fixtures if each.name == name), None)

    def chain(self) -> Iterator[BaseException]:
        """Give the error, what it was raised from or during, and, of groups, each member's."""
        seen: set[int] = set()
        following = leaves(self.error)
        while following:
            here = following.pop(0)
            if id(here) not in seen:
                seen.add(id(here))
                yield here
                for other in (here.__cause__, here.__context__):
                    following += [] if other is None else leaves(other)


def with_article(kind: str) -> str:
    """Return the name of a class as a sentence has it: ``an AsyncSession``."""
    return f"{'an' if kind[0] in 'aAeEiIoO' else 'a'} {kind}"
