"""What the tests of explanations share: a failed test, and what is said of it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from hermetic.owners import Owner

TEST = Owner("tests/test_users.py::test_one", "test", "function")
FIXTURE = Owner("fixture 'session' (function scope)", "fixture", "function", TEST)


def said(error: BaseException, history: History) -> str:
    """Return all that is said of a test that failed by an error."""
    return "\n\n".join(explanations(Failure(TEST, "call", error), history))


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test in a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run
