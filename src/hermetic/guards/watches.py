"""What guards watch while a test runs, and how what they find becomes a failure of that test: one shape for all.

A guard finds what passes though it is broken. To add one:

1. Enter its name, its default and what it finds in ``settings.GUARDS``. That is its ini key ``hermetic_NAME``, its flag
   and its argument of the mark, each ``error``, ``warn`` or ``off``. The default is ``off`` where a healthy suite can
   do what it finds.
2. Give what it finds a code: a ``Cause`` in ``causes/guards.py``, with a section in ``docs/causes.md``.
3. Write a ``Watch``, a file in ``guards/``. Its ``end`` returns a ``Breach`` for each finding, whose message is
   ``CAUSE.told(lines, change)``; the first line says who did what. What belongs to a living wider fixture, a lifespan
   or the process is none: ask ``owner.is_test_level`` and ``owner.accountable``.
4. Enter it in ``Run.watches``, and its key in ``docs/configuration.md`` under ``## Keys``.

The rest is done for all of them alike: a level is the closest mark's, else the project's. With ``error`` the test fails
at its teardown with the messages, with ``warn`` it gets a ``HermeticWarning`` for each; in mode ``observe`` the report
at the end of the run lists them. A watch is made when the first test needs it: one that is off costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from hermetic.events.lifecycle import Breach
from hermetic.owners import Owner
from hermetic.settings import Level
from hermetic.steps import every_step


class Watch(Protocol):
    """What one guard watches. Between ``end`` and the next ``begin`` it notes nothing."""

    def begin(self, test: Owner) -> None:
        """A test begins: its baseline is there, its fixtures are not."""

    def end(self, test: Owner) -> Iterable[Breach]:
        """Its own fixtures are over, and nothing that it changed was undone yet: return what was found."""

    def stop(self) -> None:
        """The run is over: leave nothing behind."""


class Watches:
    """The watches of a run.

    Args:
        makers: Makes each guard's, by its name in ``settings.GUARDS``.

    Attributes:
        levels: The level of each guard for the test that began last.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Watch]]) -> None:
        self._makers = makers
        self.levels: Mapping[str, Level] = {}
        self._made: dict[str, Watch] = {}
        self._not_off: list[Watch] = []
        self._begun: list[Watch] = []

    def begin(self, test: Owner, levels: Mapping[str, Level]) -> None:
        """Have those watch that are not off for this test."""
        if self._begun:  # a test that had no end: nothing of it is to be found here
            self.end(test)
        if levels != self.levels:  # most tests have those of the one before
            self.levels, self._not_off = {**levels}, [*self._made_for(levels)]
        self._begun = self._not_off
        for watch in self._begun:
            watch.begin(test)

    def _made_for(self, levels: Mapping[str, Level]) -> Iterator[Watch]:
        for name, make in self._makers.items():
            if levels[name] != "off":
                if name not in self._made:
                    self._made[name] = make()
                yield self._made[name]

    def end(self, test: Owner) -> list[Breach]:
        """Have them watch no longer; return what they found."""
        found: list[Breach] = []
        failed: list[BaseException] = []
        begun, self._begun = self._begun, []
        for watch in reversed(begun):
            try:
                found += watch.end(test)
            except BaseException as error:
                failed.append(error)
        if failed:
            _raise(failed)
        return found

    def stop(self) -> None:
        """Have them leave nothing behind."""
        with every_step() as step:
            while self._made:
                with step:
                    self._made.popitem()[1].stop()
            self.levels = {}


def _raise(errors: Iterable[BaseException]) -> None:
    __tracebackhide__ = True
    with every_step() as step:
        for error in errors:
            with step:
                raise error
