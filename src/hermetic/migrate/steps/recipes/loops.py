"""Fixtures called ``event_loop``: pytest-asyncio asks for none since its version 1, and so they do nothing.

They made one loop for a whole run, or for a module; the setting ``asyncio_default_test_loop_scope`` does so now.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from hermetic.migrate.step import Review
from hermetic.source.configuration import Configuration
from hermetic.source.fixtures import Fixture, Suite
from hermetic.source.runner import read_async_settings
from hermetic.source.syntax import last_name

NAME = "event_loop"
MAKES = frozenset({"new_event_loop", "get_event_loop", "get_event_loop_policy", "set_event_loop", "close"})


def dead_loops(suite: Suite) -> Iterator[Fixture]:
    """Yield the fixtures that make an event loop, where nothing asks for it."""
    if suite.is_requested(NAME) or _is_named_in_a_text(suite):
        return
    for fixture in suite.by_name.get(NAME, ()):
        calls = [node for node in ast.walk(fixture.function) if isinstance(node, ast.Call)]
        own = [call for call in calls if call not in ast.walk(fixture.decorator)]
        if own and all(last_name(call.func) in MAKES for call in own) and not fixture.is_autouse:
            yield fixture


def reviewed(fixture: Fixture, configuration: Configuration) -> Iterator[Review]:
    """Yield what a person had better look at: tests that shared a loop, and would no longer."""
    if (
        fixture.scope not in (None, "function")
        and read_async_settings(configuration).test_scope == "function"
    ):
        text = (
            f"the fixture event_loop meant one event loop for each {fixture.scope}; "
            f"asyncio_default_test_loop_scope = {fixture.scope} says so since pytest-asyncio 1"
        )
        yield Review(fixture.file, fixture.function.lineno, text)


def _is_named_in_a_text(suite: Suite) -> bool:
    """Whether something may ask for it by its name: ``request.getfixturevalue("event_loop")``."""
    return any(
        node.value == NAME
        for module in suite.symbols.sources.tests
        if module.mentions(NAME)
        for node in module.of(ast.Constant)
    )
