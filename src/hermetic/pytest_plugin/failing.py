"""An error of ours fails the test with its message alone: what happened, why, what to do, and no traceback of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hermetic.errors import ConfigurationError, HermeticError
from hermetic.steps import leaves


@contextmanager
def errors_as_failures() -> Iterator[None]:
    """Fail the test with the message of a ``HermeticError`` that is raised inside, or with those of several."""
    try:
        yield
    except (HermeticError, BaseExceptionGroup) as error:
        errors = leaves(error)
        if not all(isinstance(each, HermeticError) for each in errors):
            raise
        # pytest.fail() would show this error a second time, as the context of its own.
        raise pytest.fail.Exception("\n\n".join(map(str, errors)), pytrace=False) from None


@contextmanager
def errors_as_usage_errors() -> Iterator[None]:
    """End the run, before there are tests, with the message of a ``ConfigurationError`` that is raised inside."""
    try:
        yield
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None
