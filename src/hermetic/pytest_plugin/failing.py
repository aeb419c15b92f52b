"""An error of ours fails the test with its message alone: what happened, why, what to do, and no traceback of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hermetic.errors import ConfigurationError, HermeticError


@contextmanager
def errors_as_failures() -> Iterator[None]:
    """Fail the test with the message of a ``HermeticError`` that is raised inside."""
    try:
        yield
    except HermeticError as error:
        # pytest.fail() would show this error a second time, as the context of its own.
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@contextmanager
def errors_as_usage_errors() -> Iterator[None]:
    """End the run, before there are tests, with the message of a ``ConfigurationError`` that is raised inside."""
    try:
        yield
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None
