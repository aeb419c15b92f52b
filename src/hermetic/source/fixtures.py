"""A suite as pytest sees it: its fixtures and tests, their marks, and which fixture a name stands for in a file.

A fixture is looked for as pytest does: in the test's class and those that it inherits from, its module, the conftests
from there upwards, then in what is loaded as a plugin. Names that a module imports count as its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

from hermetic.source.bindings import parameters
from hermetic.source.configuration import Configuration
from hermetic.source.environ import outside
from hermetic.source.modules import Module
from hermetic.source.suite_modules import PYTHON_FILES
from hermetic.source.symbols import Class, Symbols, lineage_of
from hermetic.source.syntax import is_true, keyword, last_name, literal

Function = ast.FunctionDef | ast.AsyncFunctionDef
PYTEST, ASYNCIO = "pytest.fixture", "pytest_asyncio.fixture"
DECORATORS = {
    "pytest.fixture": PYTEST,
    "pytest.yield_fixture": PYTEST,
    "_pytest.fixtures.fixture": PYTEST,
    "pytest_asyncio.fixture": ASYNCIO,
    "pytest_asyncio.plugin.fixture": ASYNCIO,
}
SCOPES = ("function", "class", "module", "package", "session")
"""The narrowest first."""


@dataclass(frozen=True)
class Fixture:
    """A fixture.

    Attributes:
        name: How it is requested.
        file: The module that defines it.
        function: The function.
        owner: Its class, if it is a method.
        decorator: What makes it one.
        maker: Whose decorator that is: ``pytest.fixture`` or ``pytest_asyncio.fixture``.
        is_async: Whether it is a coroutine function or an async generator that nothing wraps.
        scope: Its scope; None where that is computed.
        loop_scope: The loop scope that it names itself; None where it names none, or computes it.
    """

    name: str
    file: Path
    function: Function
    owner: ast.ClassDef | None
    decorator: ast.expr
    maker: str
    is_async: bool
    scope: str | None = "function"
    loop_scope: str | None = None

    @property
    def is_autouse(self) -> bool:
        """Whether every test that sees it has it."""
        return is_true(self.argument("autouse"))

    @property
    def requests(self) -> tuple[str, ...]:
        """The fixtures that it asks for."""
        return _requested(self.function, self.owner)

    def argument(self, name: str) -> ast.expr | None:
        """Return an argument of its decorator."""
        return keyword(self.decorator, name)


@dataclass(frozen=True)
class Test:
    """A test.

    Attributes:
        file: The module.
        function: The function.
        owner: Its class.
        marks: The marks on it, its class and its module, by name: a mark's call, or its bare name.
    """

    file: Path
    function: Function
    owner: ast.ClassDef | None
    marks: dict[str, ast.expr]

    @property
    def is_async(self) -> bool:
        """Whether it is a coroutine function."""
        return isinstance(self.function, ast.AsyncFunctionDef)

    @property
    def requests(self) -> tuple[str, ...]:
        """The fixtures that it asks for, ``usefixtures`` included."""
        mark = self.marks.get("usefixtures")
        named = [literal(each) or "" for each in mark.args] if isinstance(mark, ast.Call) else []
        return (*_requested(self.function, self.owner), *named)


class Suite:
    """The fixtures and tests of a project.

    Args:
        symbols: The project's names.
        configuration: pytest's settings, which say what is collected.

    Attributes:
        fixtures: All fixtures, in the order of files and lines.
        tests: All tests that pytest collects: functions and methods of classes that are no ``unittest.TestCase``.
        runs_doctests: Whether pytest is told to run the examples in docstrings as well.
    """

    def __init__(self, symbols: Symbols, configuration: Configuration) -> None:
        self.symbols = symbols
        self._files = configuration.strings("python_files") or PYTHON_FILES
        self._functions = configuration.strings("python_functions") or ["test"]
        self._classes = configuration.strings("python_classes") or ["Test"]
        self.runs_doctests = "--doctest-modules" in configuration.strings("addopts")
        self._seen: dict[tuple[Path, str], list[Fixture]] = {}
        self._conftests: dict[Path, tuple[Path, ...]] = {}
        self._lineages: dict[ast.ClassDef, tuple[ast.ClassDef, ...]] = {}
        modules = symbols.sources.tests
        self.fixtures = [each for module in modules for each in self._fixtures_of(module)]
        self._made = {each.function for each in self.fixtures}
        self.tests = [each for module in modules for each in self._tests_of(module)]

    @cached_property
    def users(self) -> list[Test | Fixture]:
        """All that asks for fixtures."""
        return [*self.tests, *self.fixtures]

    @cached_property
    def functions(self) -> set[ast.AST]:
        """The functions that pytest calls itself."""
        return {each.function for each in self.users}

    @cached_property
    def by_name(self) -> dict[str, list[Fixture]]:
        """The fixtures of each name."""
        found: dict[str, list[Fixture]] = {}
        for each in self.fixtures:
            found.setdefault(each.name, []).append(each)
        return found

    def find(self, name: str, file: Path, owner: ast.ClassDef | None = None) -> Fixture | None:
        """Return the fixture that a name stands for in a file, or in a class of it; None for one of a plugin."""
        return next(self._named(name, file, owner), None)

    def given(self, name: str, user: Test | Fixture) -> Fixture | None:
        """Return the fixture that a test, or another fixture, is given for a name: to its own, what it overrides."""
        named = self._named(name, user.file, user.owner)
        return next((each for each in named if each.function is not user.function), None)

    def _named(self, name: str, file: Path, owner: ast.ClassDef | None) -> Iterator[Fixture]:
        """Yield the fixtures of a name that are seen in a file, or in a class of it, the nearest first."""
        if name not in self.by_name:
            return
        classes = self._lineage(file, owner) if owner is not None else ()
        of_class = next((each for each in classes if (each, name) in self._of_classes), None)
        if of_class is not None:
            yield self._of_classes[of_class, name]
        for place in self._places(file):
            yield from self._seen_in(place, name)[-1:]
        if name in self._of_plugins:
            yield self._of_plugins[name]

    def _lineage(self, file: Path, owner: ast.ClassDef) -> tuple[ast.ClassDef, ...]:
        """Return a class of a file and those that it inherits from; kept, since each test of it asks."""
        if owner not in self._lineages:
            lineage = lineage_of(Class(file, owner), self.symbols)
            self._lineages[owner] = tuple(each.definition for each in lineage)
        return self._lineages[owner]

    @cached_property
    def _of_classes(self) -> dict[tuple[ast.ClassDef, str], Fixture]:
        """The fixtures of classes."""
        return {(each.owner, each.name): each for each in self.fixtures if each.owner is not None}

    def _places(self, file: Path) -> tuple[Path, ...]:
        """Return where a file's fixtures may be, the nearest first: itself, and the conftests from there upwards."""
        if file.parent not in self._conftests:
            above = (place / "conftest.py" for place in file.parents)
            self._conftests[file.parent] = tuple(
                place for place in above if place in self.symbols.sources.modules
            )
        return (file, *self._conftests[file.parent])

    def closure(self, test: Test) -> dict[str, Fixture]:
        """Return the project's fixtures that a test has when it runs, by name."""
        names = [*test.requests, *self._autouse(test)]
        return self.needed_by(names, test.file, test.owner)

    def needed_by(
        self, names: Iterable[str], file: Path, owner: ast.ClassDef | None = None
    ) -> dict[str, Fixture]:
        """Return the project's fixtures that some names stand for in a file, and those that these ask for."""
        found: dict[str, Fixture] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            fixture = self.find(name, file, owner) if name not in found else None
            if fixture is not None:
                found[name] = fixture
                waiting += fixture.requests
        return found

    def is_used(self, fixture: Fixture) -> bool:
        """Whether a fixture is set up in some run: it is there for every test, or something asks for its name."""
        return fixture.is_autouse or self.is_requested(fixture.name)

    def is_requested(self, name: str) -> bool:
        """Whether a test or a fixture asks for a name."""
        return name in self._requested

    @cached_property
    def _requested(self) -> set[str]:
        return {name for each in self.users for name in each.requests}

    def _autouse(self, test: Test) -> Iterator[str]:
        for name in self._always:
            found = self.find(name, test.file, test.owner)
            if found is not None and found.is_autouse:
                yield name

    @cached_property
    def _always(self) -> dict[str, None]:
        """The names of the fixtures that nobody need ask for; large suites have the same one in each module."""
        return {each.name: None for each in self.fixtures if each.is_autouse}

    def _seen_in(self, place: Path, name: str) -> list[Fixture]:
        """Return the fixtures of a name that a module has; asked for each test of it, and of all below a conftest."""
        if place not in self.symbols.sources.modules:
            return []
        if (place, name) not in self._seen:
            named = self.by_name[name]
            words = {each.function.name for each in named}
            had = {origin for word in words for origin in ((place, word), self._imported(place, word))}
            self._seen[place, name] = [
                each for each in named if each.owner is None and (each.file, each.function.name) in had
            ]
        return self._seen[place, name]

    def _imported(self, place: Path, word: str) -> tuple[Path | None, str] | None:
        """Return where a function lies that a module imports under the function's own name."""
        if not self.symbols.sources.modules[place].mentions(word, "*"):
            return None
        found = self.symbols.lookup(place, word)
        return (found.file, word) if found is not None and found.name == word else None

    @cached_property
    def _of_plugins(self) -> dict[str, Fixture]:
        return {each.name: each for each in reversed(self.fixtures) if self._is_of_a_plugin(each)}

    def _is_of_a_plugin(self, fixture: Fixture) -> bool:
        """Whether a fixture lies in a module that is neither a conftest nor collected: ``pytest_plugins`` names it."""
        return fixture.file.name != "conftest.py" and not self._is_collected(fixture.file)

    def _is_collected(self, file: Path) -> bool:
        return any(fnmatch(file.name, pattern) for pattern in self._files)

    def _fixtures_of(self, module: Module) -> Iterator[Fixture]:
        if module.mentions("fixture"):
            for function, owner in _functions(module):
                for index, decorator in enumerate(function.decorator_list):
                    made = decorator.func if isinstance(decorator, ast.Call) else decorator
                    maker = DECORATORS.get(outside(module.path, made, self.symbols))
                    if maker is not None:
                        is_bare = index == len(function.decorator_list) - 1
                        yield Fixture(
                            self._text(decorator, "name", module.path) or function.name,
                            module.path,
                            function,
                            owner,
                            decorator,
                            maker,
                            isinstance(function, ast.AsyncFunctionDef) and is_bare,
                            self._text(decorator, "scope", module.path, "function"),
                            self._text(decorator, "loop_scope", module.path),
                        )
                        break

    def _text(self, decorator: ast.expr, name: str, file: Path, default: str | None = None) -> str | None:
        """Return a text that a decorator is given, by itself or by the name of a constant."""
        value = keyword(decorator, name)
        if isinstance(value, ast.Name | ast.Attribute):
            found = self.symbols.definition(self.symbols.resolve(file, value))
            value = found if isinstance(found, ast.expr) else value
        return default if value is None else literal(value)

    def _tests_of(self, module: Module) -> Iterator[Test]:
        if not self._is_collected(module.path):
            return
        fixtures = self._made
        shared = _module_marks(module, self.symbols)
        for function, owner in _functions(module):
            if function not in fixtures and _is_named(function.name, self._functions):
                if owner is not None and not self._is_test_class(owner, module):
                    continue
                own = [*(owner.decorator_list if owner else ()), *function.decorator_list]
                marks = {**shared, **dict(marks_in(own, module.path, self.symbols))}
                yield Test(module.path, function, owner, marks)

    def _is_test_class(self, owner: ast.ClassDef, module: Module) -> bool:
        return _is_named(owner.name, self._classes) and not any(
            "TestCase" in last_name(base) for base in owner.bases
        )


def marks_in(
    expressions: Iterable[ast.expr], file: Path, symbols: Symbols, depth: int = 3
) -> Iterator[tuple[str, ast.expr]]:
    """Yield the marks among expressions of a module, each with its name."""
    for each in expressions:
        made = each.func if isinstance(each, ast.Call) else each
        if isinstance(made, ast.Attribute) and last_name(made.value) == "mark":
            yield made.attr, each
        elif isinstance(made, ast.Name) and depth:
            named = symbols.definition(symbols.lookup(file, made.id))
            if isinstance(named, ast.Attribute | ast.Call):
                yield from marks_in([named], file, symbols, depth - 1)


def _module_marks(module: Module, symbols: Symbols) -> dict[str, ast.expr]:
    value = (
        symbols.scope(module.path).definitions.get("pytestmark") if module.mentions("pytestmark") else None
    )
    if not isinstance(value, ast.expr):
        return {}
    listed = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    return dict(marks_in(listed, module.path, symbols))


def _functions(module: Module) -> Iterator[tuple[Function, ast.ClassDef | None]]:
    """Yield the functions at the top of a module and of its classes, in the order of the text."""
    waiting: list[tuple[ast.stmt, ast.ClassDef | None]] = [
        (each, None) for each in reversed(module.tree.body)
    ]
    while waiting:
        statement, owner = waiting.pop()
        if isinstance(statement, Function):
            yield statement, owner
        elif isinstance(statement, ast.ClassDef):
            waiting += [(each, statement) for each in reversed(statement.body)]
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            waiting += [(each, owner) for each in reversed(statement.body)]


def _requested(function: Function, owner: ast.ClassDef | None) -> tuple[str, ...]:
    is_static = any(last_name(each) == "staticmethod" for each in function.decorator_list)
    named = [name for name, (_, default) in parameters(function).items() if default is None]
    return tuple(named[1:] if owner is not None and not is_static else named)


def _is_named(name: str, patterns: list[str]) -> bool:
    return any(name.startswith(pattern) or fnmatch(name, pattern) for pattern in patterns)
