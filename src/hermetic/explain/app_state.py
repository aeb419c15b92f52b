"""An attribute of ``app.state`` that some test code sets, and the test that failed does not have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hermetic.causes.applications import STATE_IS_DELETED, STATE_OF_ANOTHER_TEST
from hermetic.code import Location, is_test_code
from hermetic.explain.definitions import files_below
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import place_of
from hermetic.explain.history import History
from hermetic.explain.lifespans import missing_state
from hermetic.explain.start_ups import start_ups


class Setting(NamedTuple):
    """A line of test code that sets an attribute of ``app.state``.

    Attributes:
        place: The line.
        function: The test or the fixture that it is in; None where it is the application's.
        is_patch: Whether monkeypatch sets it, which takes that back after the test.
    """

    place: str
    function: Location | None
    is_patch: bool = False

    def __str__(self) -> str:
        return f"{self.place} in {self.function.function}()" if self.function else self.place


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say where test code sets what is missing, where no start-up of the application does."""
    del history
    for error in failure.chain() if failure.root else ():
        found = missing_state(error)
        if found is None:
            continue
        application, name = found
        if any(each.sets_state(name) for each in start_ups(application)):
            return
        at = place_of(error, "The application")
        yield from _said(failure, at, name)
        return


def _said(failure: Failure, at: str, name: str) -> Iterator[Explanation]:
    used = [failure.function, *(each.location for each in failure.fixtures)]
    settings = [each for each in _settings(name, failure.root) if not _is_one_of(each.function, used)]
    own = [each for each in settings if each.function is None]
    patched = [each for each in settings if each.is_patch]
    if own and patched:
        yield Explanation(
            STATE_IS_DELETED,
            (
                f"{at} needs app.state.{name}, which {own[0]} had set.",
                f"It is gone: {patched[0]} patches it, and pytest's monkeypatch deletes it when the patch is undone.",
            ),
            (
                f"set app.state.{name} in a fixture that puts the old value back, in place of monkeypatch.setattr",
            ),
        )
    elif settings and not own:
        where = ", ".join(map(str, settings))
        yield Explanation(
            STATE_OF_ANOTHER_TEST,
            (
                f"{at} needs app.state.{name}, which no start-up of the application sets: only {where} does, which"
                " this test has no part in.",
            ),
            (f"set app.state.{name} in the lifespan, or in a fixture that this test asks for",),
        )


def _settings(name: str, root: str) -> Iterator[Setting]:
    """Give the lines of the project that set it: of the application, and of its tests and fixtures."""
    text = rf"\bstate\.{re.escape(name)}\s*(?::[^=\n]+)?=[^=]|\bstate\s*,\s*[\"']{re.escape(name)}[\"']"
    wanted, folder = re.compile(text), Path(root)
    for file in files_below(folder):
        source = file.read_text(encoding="utf-8", errors="replace")
        for found in wanted.finditer(source):
            line = source.count("\n", 0, found.start()) + 1
            place, is_patch = f"{file}:{line}", "," in found[0]
            if not is_test_code(file, folder):
                yield Setting(place, None)
            elif (function := _function_at(file, source, line)) is not None:
                yield Setting(place, function, is_patch)


def _is_one_of(function: Location | None, used: list[Location | None]) -> bool:
    known = [(each.file, each.line) for each in used if each is not None]
    return function is not None and (function.file, function.line) in known


def _function_at(file: Path, source: str, line: int) -> Location | None:
    """Return the test or the fixture that a line is in; None where it is in neither, and may run for any test."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (
            node.end_lineno or 0
        ):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            is_fixture = any("fixture" in ast.unparse(each) for each in node.decorator_list)
            if is_fixture or node.name.startswith("test"):
                return Location(str(file), first, node.name)
    return None
