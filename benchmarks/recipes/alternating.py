"""Every other pair of tests is listened to, as with ``hermetic_failures = full``; the others are not, as with ``off``.

What each test takes of the processor goes to the file that ``FAILURES_RESULT`` names. Of each pair the second test
counts: the first one pays for the change.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path
from time import process_time

import pytest
from sqlalchemy import Engine

from hermetic.pytest_plugin.state import HISTORY

taken: list[tuple[bool, float]] = []
"""Whether a test was listened to, and its seconds."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin without listening."""
    stop(session.config)


def stop(config: pytest.Config) -> None:
    """Listen no more; SQLAlchemy does not notice by itself that nobody does."""
    config.stash[HISTORY].stop()
    Engine._has_events = False


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure a test, from before its set-up to after its teardown."""
    number = len(taken)
    is_on = number // 2 % 4 in (1, 2)  # off, on, on, off: what drifts does so for both
    if number % 2 == 0 and is_on != (number > 0 and taken[-1][0]):
        item.config.stash[HISTORY].start() if is_on else stop(item.config)
    began = process_time()
    try:
        return (yield)
    finally:
        taken.append((is_on, process_time() - began))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was measured."""
    Path(os.environ["FAILURES_RESULT"]).write_text(json.dumps(taken[1::2]), encoding="utf-8")
