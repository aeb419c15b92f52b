"""A failed test as ``hermetic.explain`` wants to see it, and its explanations below the traceback."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from hermetic.code import Location
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.owners import Owner
from hermetic.pytest_plugin.state import OWNER

TITLE = "hermetic: why this failed"

RUNNER = (
    "asyncio_mode",
    "asyncio_default_fixture_loop_scope",
    "asyncio_default_test_loop_scope",
    "anyio_mode",
)
"""The keys of pytest's configuration that say which loop things run in."""


def failure_of(item: pytest.Item, call: pytest.CallInfo[None]) -> Failure:
    """Return what is known of a part of a test that raised."""
    assert call.excinfo is not None
    function = getattr(item, "function", None)
    return Failure(
        item.stash.get(OWNER, None) or Owner(item.nodeid, "test", "function"),
        call.when,
        call.excinfo.value,
        _location(function),
        inspect.iscoroutinefunction(function),
        tuple(_fixtures(item)),
        dict(_settings(item.config)),
        str(item.config.inipath or ""),
    )


def add_section(report: pytest.TestReport, title: str, text: str) -> None:
    """Show a text below the traceback, be there one or not."""
    add = getattr(report.longrepr, "addsection", None)
    if add is not None:
        add(title, text)  # --show-capture=no hides all others
    else:
        report.sections.append((title, text))


def _settings(config: pytest.Config) -> Iterator[tuple[str, str]]:
    for key in RUNNER:
        try:
            value = config.getini(key)
        except (KeyError, ValueError):  # a plugin's that is not there
            continue
        if value:
            yield key, str(value)


def _fixtures(item: pytest.Item) -> Iterator[UsedFixture]:
    info = getattr(item, "_fixtureinfo", None)
    definitions: dict[str, Sequence[pytest.FixtureDef[Any]]] = getattr(info, "name2fixturedefs", {})
    for name, overridden in definitions.items():
        function = overridden[-1].func
        is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
        yield UsedFixture(name, overridden[-1].scope, _location(function), is_async)


def _location(function: Any) -> Location | None:
    code = getattr(inspect.unwrap(function), "__code__", None) if function is not None else None
    return None if code is None else Location(code.co_filename, code.co_firstlineno, code.co_name)
