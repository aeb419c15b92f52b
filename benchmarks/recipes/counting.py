"""Counts the bytecodes that a run of pytest executes, in all its threads: loaded by ``-p``, before hermetic is.

What pytest itself takes to be imported is not counted, nor the thread that looks around by the clock. What each
test takes, and the run as a whole, goes to the file that ``COUNTED`` names. It knows nothing of hermetic, of which an
earlier revision may be at work.
"""

import json
import os
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import pytest

executed = 0
taken: list[int] = []


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


def enter_thread(frame: FrameType, event: str, argument: object) -> object:
    """Count in a thread, unless it is one that looks around every half a second."""
    is_watch = threading.current_thread().name == "hermetic-stuck"
    sys.settrace(None if is_watch else enter)
    return None if is_watch else enter(frame, event, argument)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count a test, from before its set-up to after its teardown."""
    began = executed
    try:
        return (yield)
    finally:
        taken.append(executed - began)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Write what was counted."""
    sys.settrace(None)
    Path(os.environ["COUNTED"]).write_text(json.dumps({"run": executed, "tests": taken}), encoding="utf-8")


threading.settrace(enter_thread)
sys.settrace(enter)
