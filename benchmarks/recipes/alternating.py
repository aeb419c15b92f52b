"""Every other pair of tests is listened to and watched, as by default; the others are not, with all of it ``off``.

What each test takes of the processor goes to the file that ``FAILURES_RESULT`` names; with ``FAILURES_BYTECODES``, how
many bytecodes it executes, which no other process disturbs. Of each pair the second test counts: the first one pays for
the change.
"""

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from time import process_time
from types import FrameType

import pytest

from hermetic.pytest_plugin.state import HISTORY, RUN
from hermetic.settings import GUARDS

PART = os.environ.get("FAILURES_PART", "all")
"""What alternates: ``recording``, ``guards``, or ``all`` of both."""

COUNTS = "FAILURES_BYTECODES" in os.environ

taken: list[tuple[bool, float]] = []
"""Whether a test was listened to and watched, and its seconds, or its bytecodes."""

executed = 0


def enter(frame: FrameType, event: str, argument: object) -> object:
    """Count what a function executes, in place of its lines."""
    frame.f_trace_lines, frame.f_trace_opcodes = False, True
    return count


def count(frame: FrameType, event: str, argument: object) -> object:
    """Count a bytecode."""
    global executed
    if event == "opcode":
        executed += 1
    return count


def amount() -> float:
    """Return what was taken so far."""
    return executed if COUNTS else process_time()


def is_on(number: int) -> bool:
    """Whether a test is, by its place in the run: off, on, on, off, so that what drifts does so for both."""
    return number // 2 % 4 in (1, 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test a mark that sets every guard."""
    marks = {
        False: pytest.mark.hermetic(**dict.fromkeys(GUARDS, "off")),
        True: pytest.mark.hermetic(**{name: guard.default for name, guard in GUARDS.items()}),
    }
    for number, item in enumerate(items):
        if PART != "recording":
            item.add_marker(marks[is_on(number)])


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin without listening."""
    if PART != "guards":
        session.config.stash[HISTORY].stop()


def switch(stash: pytest.Stash, *, on: bool) -> None:
    """Begin to listen and to watch, or do neither: watches that stay from test to test have to go for that."""
    if PART != "guards":
        stash[HISTORY].start() if on else stash[HISTORY].stop()
    if PART != "recording" and not on:
        stash[RUN].watches.stop()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure a test, from before its set-up to after its teardown."""
    number = len(taken)
    if number and is_on(number) != is_on(number - 1):
        switch(item.config.stash, on=is_on(number))
    began = amount()
    sys.settrace(enter if COUNTS else None)
    try:
        return (yield)
    finally:
        sys.settrace(None)
        taken.append((is_on(number), amount() - began))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was measured."""
    Path(os.environ["FAILURES_RESULT"]).write_text(json.dumps(taken[1::2]), encoding="utf-8")
