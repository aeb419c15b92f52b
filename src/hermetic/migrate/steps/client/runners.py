"""Who runs a converted test and its fixtures, and in which loop: what the project's own runner has to be told.

pytest-asyncio in auto mode takes every async test; in strict mode, and so does anyio's plugin, those with its mark. An
async fixture of a wide scope lives in the loop of that scope: a test that uses the client that it entered runs there.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Literal

from hermetic.migrate.step import Project, Review
from hermetic.migrate.steps.client.editing import Editing
from hermetic.migrate.steps.client.imported import Imports
from hermetic.migrate.steps.client.kinds import Targets
from hermetic.migrate.steps.client.values import Values
from hermetic.source.configuration import Configuration
from hermetic.source.fixtures import PYTEST, SCOPES, Fixture, Suite, Test
from hermetic.source.requirements import installed_version
from hermetic.source.runner import Runner, find_runner, read_async_settings
from hermetic.source.syntax import first_line, is_constant_alone, keyword, literal

Plugin = Literal["asyncio", "anyio"]
BACKEND = '\n\n\n@{pytest}.fixture(scope="{scope}")\ndef anyio_backend():\n    return "asyncio"'


def runner_of(project: Project) -> Runner:
    """Return who runs the async tests of a project; failing all signs, what is installed beside hermetic."""
    return find_runner(project.symbols, project.configuration, installed_version)


class Runners:
    """Tells the project's runner what is async now.

    Args:
        values: The kinds of the suite's values.
        suite: The fixtures and tests.
        configuration: pytest's settings.
        runner: Who runs async tests.
        functions: The functions that become async.
    """

    def __init__(
        self,
        values: Values,
        suite: Suite,
        configuration: Configuration,
        runner: Runner,
        functions: Targets,
    ) -> None:
        self._values = values
        self._suite = suite
        self._settings = read_async_settings(configuration)
        self._runner = runner
        self._functions = functions
        self._tests: dict[Path, list[Test]] = defaultdict(list)
        for test in values.tests:
            self._tests[test.file].append(test)

    def edit(self, editing: Editing, imports: Imports) -> None:
        """Make the edits of a file: its fixtures' decorators, and the marks of its tests."""
        for fixture in self._suite.fixtures:
            if fixture.file == editing.file and fixture.function in self._functions:
                self._fixture(fixture, editing, imports)
        tests = [each for each in self._tests[editing.file] if each.function in self._functions]
        if tests:
            self._mark(tests, editing, imports)
        if any(each.file == editing.file for each in self._wide):
            self._at_the_top(BACKEND.format(pytest=imports.name("pytest"), scope="session"), editing)

    @property
    def review(self) -> tuple[Review, ...]:
        """Where a conftest's new backend takes from async tests below it the runs that they had on another one."""
        found = []
        for fixture in self._wide:
            others = [each for each in self._values.tests if self._is_of_anyio(each, fixture.file.parent)]
            if others:
                text = (
                    f'the `anyio_backend` that this async fixture needs is "asyncio" alone: {_named(others)} '
                    "ran on each of anyio's backends"
                )
                found.append(Review(fixture.file, fixture.function.lineno, text))
        return tuple(found)

    def _is_of_anyio(self, test: Test, folder: Path) -> bool:
        """Whether a test below a folder is async as it is, and runs on each of anyio's backends."""
        return (
            test.is_async
            and folder in test.file.parents
            and ("anyio" in test.marks or self._settings.is_anyio_auto)
            and self._suite.find("anyio_backend", test.file, test.owner) is None
        )

    # fixtures

    def _fixture(self, fixture: Fixture, editing: Editing, imports: Imports) -> None:
        if self._plugin == "anyio":
            return
        scope = self._scope_of(fixture)
        needed = self._needed(fixture)
        made = fixture.decorator.func if isinstance(fixture.decorator, ast.Call) else fixture.decorator
        is_wider = SCOPES.index(needed) > SCOPES.index(scope)
        if fixture.maker == PYTEST and (is_wider or not self._settings.is_auto):
            editing.replace(made, f"{imports.name('pytest_asyncio')}.fixture")
        if is_wider and fixture.loop_scope is None:
            _add_argument(fixture.decorator, f'loop_scope="{needed}"', editing)

    def _scope_of(self, fixture: Fixture) -> str:
        """Return the scope of the loop in which a fixture runs as it is."""
        scope = fixture.loop_scope or self._settings.fixture_scope or fixture.scope
        return scope if scope in SCOPES else "function"

    def _needed(self, user: Fixture | Test) -> str:
        """Return the scope of the loop in which a fixture, or a test, has to run: that of the widest that it uses."""
        needed = self._settings.test_scope if isinstance(user, Test) else self._scope_of(user)
        if isinstance(user, Test):
            used: Iterable[Fixture] = self._suite.closure(user).values()
        else:
            used = [user, *self._suite.needed_by(user.requests, user.file, user.owner).values()]
        for each in used:
            if each.function in self._functions and each.scope in SCOPES:
                wanted = max(self._scope_of(each), each.scope or "function", key=SCOPES.index)
                if each.scope != "function":
                    needed = max(needed, wanted, key=SCOPES.index)
        return needed

    # tests

    @cached_property
    def _plugin(self) -> Plugin:
        """The plugin that runs what is converted; where the suite has tests of both, that of the most."""
        if not self._runner.anyio or self._settings.is_auto:
            return "asyncio"
        if not self._runner.asyncio:
            return "anyio"
        marks = [name for test in self._suite.tests for name in test.marks]
        return "anyio" if marks.count("anyio") > marks.count("asyncio") else "asyncio"

    def _mark(self, tests: list[Test], editing: Editing, imports: Imports) -> None:
        marks = {test.function: self._mark_of(test) for test in tests}
        wanted = [each for each in marks.values() if each]
        if self._plugin == "anyio" and not self._has_backend(editing.file):
            self._mark_backend(tests, marks, editing, imports)
        elif wanted and self._is_for_all(editing.file, list(marks.values())):
            pytest = imports.name("pytest")
            self._at_the_top(f"\n\npytestmark = {pytest}.mark.{wanted[0]}", editing)
        else:
            self._decorate(tests, marks, "", editing, imports)

    def _mark_of(self, test: Test) -> str:
        """Return the mark that a test needs, as it is written behind ``pytest.mark.``; empty for none."""
        if self._plugin == "anyio":
            return "" if "anyio" in test.marks or self._settings.is_anyio_auto else "anyio"
        needed = self._needed(test)
        is_wider = SCOPES.index(needed) > SCOPES.index(self._settings.test_scope)
        known = test.marks.get("asyncio")
        if known is not None:
            own = literal(keyword(known, "loop_scope")) or self._settings.test_scope
            is_wide_enough = own in SCOPES and SCOPES.index(own) >= SCOPES.index(needed)
            return "" if is_wide_enough else f'asyncio(loop_scope="{needed}")'
        if is_wider:
            return f'asyncio(loop_scope="{needed}")'
        return "" if self._settings.is_auto else "asyncio"

    def _is_for_all(self, file: Path, marks: list[str]) -> bool:
        """Whether all tests of a module need one and the same mark, which it can have itself."""
        module = self._values.symbols.sources.modules[file]
        return (
            len(marks) > 1
            and len(set(marks)) == 1
            and len(marks) == len(self._tests[file])
            and "pytestmark" not in self._values.symbols.scope(file).definitions
            and not module.mentions("TestCase")
        )

    def _mark_backend(
        self,
        tests: list[Test],
        marks: dict[ast.FunctionDef | ast.AsyncFunctionDef, str],
        editing: Editing,
        imports: Imports,
    ) -> None:
        """Mark tests that anyio's plugin would run on trio too: the client is asyncio's."""
        is_new = all(
            test.function in self._functions or not test.is_async for test in self._tests[editing.file]
        )
        pytest = imports.name("pytest")
        if not is_new:
            once = f'@{pytest}.mark.parametrize("anyio_backend", ["asyncio"])'
            self._decorate(tests, marks, once, editing, imports)
            return
        wanted = [each for each in marks.values() if each]
        top = ""
        if wanted and self._is_for_all(editing.file, list(marks.values())):
            top = f"\n\npytestmark = {pytest}.mark.anyio"
        else:
            self._decorate(tests, marks, "", editing, imports)
        self._at_the_top(top + BACKEND.format(pytest=pytest, scope="module"), editing)

    def _decorate(
        self,
        tests: list[Test],
        marks: dict[ast.FunctionDef | ast.AsyncFunctionDef, str],
        more: str,
        editing: Editing,
        imports: Imports,
    ) -> None:
        for test in tests:
            mark = marks[test.function]
            lines = [f"@{imports.name('pytest')}.mark.{mark}"] if mark else []
            lines += [more] if more else []
            for line in lines:
                start = editing.line_start(first_line(test.function))
                editing.insert(start, f"{editing.indent(test.function)}{line}\n")

    # anyio's backend

    @cached_property
    def _wide(self) -> list[Fixture]:
        """Async fixtures wider than anyio's backend, one for each conftest, which gets a backend of its own for it."""
        found = [
            each
            for each in self._suite.fixtures
            if self._plugin == "anyio"
            and each.function in self._functions
            and each.scope not in ("function", "class", "module")
            and each.file.name == "conftest.py"
            and self._suite.find("anyio_backend", each.file) is None
        ]
        return list({each.file: each for each in reversed(found)}.values())

    def _has_backend(self, file: Path) -> bool:
        """Whether a file has a backend, or will have one."""
        above = any(each.file.parent in file.parents for each in self._wide)
        return above or self._suite.find("anyio_backend", file) is not None

    def _at_the_top(self, text: str, editing: Editing) -> None:
        """Put a text behind the imports of a file."""
        body = self._values.symbols.sources.modules[editing.file].tree.body
        last = None
        for statement in body:
            if not isinstance(statement, ast.Import | ast.ImportFrom) and not is_constant_alone(statement):
                break
            last = statement
        if last is not None:
            editing.after(last, text)
        else:
            editing.insert(0, f"\n{text.strip()}\n\n\n")


def _named(tests: list[Test]) -> str:
    others = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return f"`{tests[0].function.name}`{others}"


def _add_argument(decorator: ast.expr, argument: str, editing: Editing) -> None:
    if not isinstance(decorator, ast.Call):
        editing.after(decorator, f"({argument})")
        return
    given = [*decorator.args, *decorator.keywords]
    if given:
        editing.after(given[-1], f", {argument}")
    else:
        start, end = editing.span(decorator.func)[1], editing.span(decorator)[1]
        editing.put(start, end, f"({argument})")
