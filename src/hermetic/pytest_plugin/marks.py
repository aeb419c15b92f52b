"""``@pytest.mark.hermetic``, checked against a real signature, and async tests that no plugin runs."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, cast, get_args

import pytest

from hermetic.errors import ConfigurationError
from hermetic.pytest_plugin.options import MARK
from hermetic.run import NEVER
from hermetic.settings import Background, Isolation, Level, Settings, one_of

_KINDS = {"isolation": Isolation, "background": Background}


def signature() -> inspect.Signature:
    """Return the mark's signature: its arguments are bound to it."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature([inspect.Parameter(name, keyword, default=None) for name in MARK])


def check(item: pytest.Item) -> None:
    """Refuse a mark that is not of the signature.

    Raises:
        pytest.UsageError: Names the test and what the mark takes.
    """
    for mark in item.iter_markers("hermetic"):
        try:
            for name, value in signature().bind(*mark.args, **mark.kwargs).arguments.items():
                if value is not None:
                    one_of(name, value, get_args(_KINDS.get(name, Level)), "the mark hermetic")
        except (ConfigurationError, TypeError) as error:
            raise pytest.UsageError(
                f"{item.nodeid}: {_spoken(error)}\n\nhint: the mark's signature is hermetic{signature()}"
            ) from None


def fail_wrong(item: pytest.Item) -> None:
    """Fail a test whose mark is not of the signature."""
    try:
        check(item)
    except pytest.UsageError as error:
        pytest.fail(str(error), pytrace=False)


def isolation(item: pytest.Item, settings: Settings) -> Isolation:
    """Return the isolation of a test: the closest mark's, or the project's."""
    return cast(Isolation, _closest(_given(item), "isolation", settings.isolation))


def boundary(item: pytest.Item, settings: Settings) -> Hashable:
    """What the baseline's return is counted by: equal for two tests in a row, the second finds what the first left."""
    chosen = isolation(item, settings)
    if chosen == "test":
        return NEVER
    if chosen == "none":
        return "none"
    node = item.getparent(pytest.Class if chosen == "class" else pytest.Module)
    return node.nodeid if node is not None else NEVER


def levels(item: pytest.Item, settings: Settings) -> dict[str, Level]:
    """Return the level of each guard for a test: the closest mark's, or the project's."""
    given = _given(item)
    if not given:  # as of nearly all tests
        return dict(settings.guards)
    return {name: cast(Level, _closest(given, name, level)) for name, level in settings.guards.items()}


def background(item: pytest.Item, settings: Settings) -> Background:
    """Return what becomes of tasks that this test left running: the closest mark's word, or the project's."""
    return cast(Background, _closest(_given(item), "background", settings.background))


def refuse_without_runner(function: pytest.Function) -> None:
    """Fail an async test that no plugin is going to run, and say what to install or to write."""
    if not inspect.iscoroutinefunction(function.obj) or hasattr(function.obj, "hypothesis"):
        return
    manager = function.config.pluginmanager
    hints = []
    if manager.hasplugin("asyncio"):
        hints.append("mark it with @pytest.mark.asyncio, or set asyncio_mode = auto in the ini file")
    else:
        hints.append("pip install 'hermetic[asyncio]' and set asyncio_mode = auto in the ini file")
    hints.append(
        "or use anyio's plugin: @pytest.mark.anyio and a fixture anyio_backend that returns 'asyncio'"
    )
    lines = "\n".join(f"hint: {hint}" for hint in hints)
    pytest.fail(f"{function.nodeid} is async, and no plugin runs it.\n\n{lines}", pytrace=False)


def _spoken(error: Exception) -> str:
    return f"the mark hermetic: {error}" if isinstance(error, TypeError) else str(error)


def _given(item: pytest.Item) -> list[Mapping[str, Any]]:
    """Return the arguments of a test's marks, the closest first: as ``iter_markers`` does, in a tenth of the time."""
    found: list[Mapping[str, Any]] = []
    node: pytest.Item | pytest.Collector | None = item
    while node is not None:
        for mark in node.own_markers:
            if mark.name == "hermetic":
                found.append(mark.kwargs)
        node = node.parent
    return found


def _closest(given: Iterable[Mapping[str, Any]], name: str, default: str) -> str:
    values = [arguments[name] for arguments in given if arguments.get(name) is not None]
    return str(values[0]) if values else default
