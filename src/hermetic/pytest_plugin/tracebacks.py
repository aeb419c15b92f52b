"""An error of ours fails the test with its message alone: what happened, why, what to do, and no traceback of ours."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from hermetic.errors import ConfigurationError, HermeticError, ServerUnavailable
from hermetic.steps import leaves

OWN = f"{Path(__file__).parent.parent}{os.sep}"


class errors_as_failures:  # a class because as a generator it would cost four times as much in each test
    """Fail the test with the message of a ``HermeticError`` that is raised inside, or with those of several."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, HermeticError | BaseExceptionGroup):
            return
        errors = leaves(error)
        if all(isinstance(each, HermeticError) for each in errors):
            # pytest.fail() would show this error a second time, as the context of its own.
            raise pytest.fail.Exception("\n\n".join(map(str, errors)), pytrace=False) from None


@contextmanager
def errors_as_usage_errors() -> Iterator[None]:
    """End the run, before there are tests, with the message of a ``ConfigurationError`` that is raised inside."""
    try:
        yield
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None


def error_of_ours(excinfo: pytest.ExceptionInfo[BaseException] | None) -> HermeticError | None:
    """Return the error of ours with which a test failed, itself or as ``errors_as_failures`` shows it."""
    error = excinfo.value if excinfo is not None else None
    if isinstance(error, pytest.fail.Exception):
        error = error.__context__
    return error if isinstance(error, HermeticError) else None


def show_the_project_alone(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave libraries, and us, out of the traceback of an error of ours: it is the project's line that asked.

    pytest leaves out what lies before the test; what lies below its first line is unlinked here.
    """
    from hermetic.code import is_library  # not above: an inert plugin does without

    entry: TracebackType | None = excinfo.tb
    last = None
    while entry is not None:
        following = entry.tb_next
        if not is_library(entry.tb_frame.f_code.co_filename):
            if last is not None:
                last.tb_next = entry
            entry.tb_next, last = None, entry
        entry = following


def hide_own_frames(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave us out of every traceback of a failure, those of causes, contexts and groups included.

    pytest leaves out what marks itself as hidden, and only where it draws the traceback itself: Python's own drawing,
    ``--tb=native``, shows it all. Where nothing but frames of ours is left, they stay.
    """
    for error in _chain(excinfo.value):
        error.__traceback__ = _without_own(error.__traceback__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error, what it was raised from or during, and the members of groups."""
    seen: set[int] = set()
    following: list[BaseException | None] = [error]
    while following:
        here = following.pop()
        if here is not None and id(here) not in seen:
            seen.add(id(here))
            yield here
            following += [here.__cause__, here.__context__]
            following += here.exceptions if isinstance(here, BaseExceptionGroup) else ()


def _without_own(first: TracebackType | None) -> TracebackType | None:
    kept, entry = [], first
    while entry is not None:
        if not entry.tb_frame.f_code.co_filename.startswith(OWN):
            kept.append(entry)
        entry = entry.tb_next
    if not kept:  # an error that nobody raised, a given cause, has no traceback at all
        return first
    for before, after in zip(kept, [*kept[1:], None], strict=True):
        before.tb_next = after
    return kept[0]


class UnavailableServers:
    """The servers that are not there: said whole by the first test that asks for one, in a line by the others."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def shorten(self, report: pytest.TestReport, error: HermeticError) -> None:
        """Refer to the test that failed for want of the same server before, if there is one.

        Why it is not there may be said otherwise each time: a connection is refused, or takes too long.
        """
        if not isinstance(error, ServerUnavailable):
            return
        first = self._first.setdefault(error.what, report.nodeid)
        if first != report.nodeid:
            report.longrepr = f"{error.what} [{error.code}] See {first}."


@contextmanager
def bracket() -> Generator[None, None, None]:
    """Do what stands before and after a fixture's set-up: what fails there is marked as no failure of a fixture."""
    try:
        with errors_as_failures():
            yield
    except BaseException as error:
        error.is_of_a_bracket = True  # type: ignore[attr-defined]
        raise


@contextmanager
def finished_unless_its_own(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, None, None]:
    """Finish a fixture when its bracket fails, or that of one that it asks for.

    Else pytest gives its value, or an error that is the test's, to the next test.
    """
    try:
        yield
    except BaseException as error:
        if getattr(error, "is_of_a_bracket", False):
            if fixturedef.cached_result is None:  # not set up at all: what pytest takes for finished
                fixturedef.cached_result = (None, None, None)
            fixturedef.finish(request)  # type: ignore[arg-type]
        raise
