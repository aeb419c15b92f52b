"""What is there twice: the fixtures, helpers and clients that tests of both kinds use.

A test that stays goes on with a synchronous client, and what it uses must give it one. Where a converted test uses that
too, the tests that stay get a copy of it as it was, under a name that says so: ``sync_client``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Set
from pathlib import Path

from hermetic.migrate.steps.client.editing import Editing
from hermetic.migrate.steps.client.imported import Imports
from hermetic.migrate.steps.client.uses import Unit
from hermetic.migrate.steps.client.values import Values
from hermetic.source.bindings import FUNCTIONS, parameters
from hermetic.source.fixtures import Fixture, Test
from hermetic.source.syntax import first_line, last_name, literal

PREFIX = "sync_"


def can_be_copied(values: Values, unit: Unit) -> bool:
    """Whether a unit may be there twice: a fixture or a helper at the top of a module, or a client made there."""
    module = values.symbols.sources.modules[unit.file]
    if _is_taken(values, unit):
        return False
    if unit.name:
        return _is_made_once(values, unit)
    node = unit.node
    if not isinstance(node, ast.FunctionDef) or node not in module.tree.body:
        return False
    users = values.users_of(node)
    if any(isinstance(each, Test) for each in users):
        return False
    fixtures = [each for each in users if isinstance(each, Fixture)]
    return all(
        not each.is_autouse
        and each.argument("name") is None
        and each.name not in each.requests
        and not _is_overridden(values, each)
        for each in fixtures
    )


def _is_overridden(values: Values, fixture: Fixture) -> bool:
    """Whether another fixture of the name takes its place for some who see it."""
    place = fixture.file.parent if fixture.file.name == "conftest.py" else fixture.file
    others = [each for each in values.suite.by_name[fixture.name] if each.function is not fixture.function]
    return any(each.file == place or place in each.file.parents for each in others)


def can_be_told(values: Values, unit: Unit) -> bool:
    """Whether all that a unit uses is named in it, and not computed."""
    node = unit.node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    if not values.symbols.sources.modules[unit.file].mentions("getfixturevalue"):
        return True
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return not any(last_name(each.func) == "getfixturevalue" for each in calls)


def name_of_copy(unit: Unit) -> str:
    """Return how the copy of a unit is called."""
    return f"{PREFIX}{unit.name or getattr(unit.node, 'name', '')}"


def _is_taken(values: Values, unit: Unit) -> bool:
    name = name_of_copy(unit)
    scope = values.symbols.scope(unit.file)
    return name in scope.definitions or name in scope.imports or name in values.suite.by_name


def _is_made_once(values: Values, unit: Unit) -> bool:
    """Whether a name of a module is given one value, by a call, and only functions use it."""
    module = values.symbols.sources.modules[unit.file]
    given = values.names(module.tree).given.get(unit.name, ())
    return (
        len(given) == 1
        and _statement(values, unit) is not None
        and not module.mentions("global")
        and not any(
            node.id == unit.name
            and isinstance(node.ctx, ast.Load)
            and not values.bindings.scopes(unit.file, node)
            for node in module.of(ast.Name)
        )
    )


def _statement(values: Values, unit: Unit) -> ast.Assign | ast.AnnAssign | None:
    """Return the statement at the top of a module that gives a name its value."""
    for statement in values.symbols.sources.modules[unit.file].tree.body:
        target: ast.expr | None = None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target = statement.target
        if isinstance(target, ast.Name) and target.id == unit.name:
            assert isinstance(statement, ast.Assign | ast.AnnAssign)
            return statement if isinstance(statement.value, ast.Call) else None
    return None


class Copies:
    """Makes the copies, and has the tests that stay use them.

    Args:
        values: The kinds of the suite's values.
        copied: What is there twice.
        staying: What stays, and is there once.
    """

    def __init__(self, values: Values, copied: Set[Unit], staying: Set[Unit]) -> None:
        self._values = values
        self._copied: dict[Path, list[Unit]] = defaultdict(list)
        self._staying: dict[Path, list[Unit]] = defaultdict(list)
        self._all = copied
        self._imported: set[tuple[ast.alias, Unit]] = set()
        for unit in copied:
            self._copied[unit.file].append(unit)
        for unit in staying:
            self._staying[unit.file].append(unit)

    @property
    def files(self) -> list[Path]:
        """The files that have a copy, or use one."""
        return [*self._copied, *self._staying] if self._all else []

    def edit(self, editing: Editing, imports: Imports) -> None:
        """Make the edits of a file."""
        if not self._all:
            return
        for unit in self._staying[editing.file]:
            for node, text in self._renames(unit, editing):
                editing.put(*self._span(node, editing), text)
        for unit in sorted(self._copied[editing.file], key=lambda each: each.name):
            self._copy(unit, editing, imports)

    def _copy(self, unit: Unit, editing: Editing, imports: Imports) -> None:
        node = unit.node if isinstance(unit.node, ast.FunctionDef) else _statement(self._values, unit)
        assert node is not None
        start = editing.line_start(first_line(node))
        end = editing.text.end(node)
        renames = [(*self._span(each, editing), text) for each, text in self._renames(unit, editing)]
        renames.append((*self._name_of(node, editing), name_of_copy(unit)))
        text, at = "", start
        for begin, stop, new in sorted(renames):
            text += editing.text.text[at:begin] + new
            at = stop
        text = (text + editing.text.text[at:end]).replace("\r\n", "\n").replace("\r", "\n")
        imports.keep({each.id for each in ast.walk(node) if isinstance(each, ast.Name)})
        between = "\n\n\n" if isinstance(node, ast.FunctionDef) else "\n"
        editing.after(node, f"{between}{text}")

    def _name_of(self, node: ast.stmt, editing: Editing) -> tuple[int, int]:
        if isinstance(node, ast.FunctionDef):
            start = editing.text.text.index(node.name, editing.text.start(node) + len("def"))
            return start, start + len(node.name)
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", node)
        return editing.span(target)

    def _span(self, node: ast.AST, editing: Editing) -> tuple[int, int]:
        start, end = editing.span(node)
        if isinstance(node, ast.arg):
            return start, start + len(node.arg)
        return (end - len(node.attr), end) if isinstance(node, ast.Attribute) else (start, end)

    def _renames(self, unit: Unit, editing: Editing) -> Iterator[tuple[ast.AST, str]]:
        """Yield the names in a unit that stand for what is copied, each with that of the copy."""
        root = unit.node or (_statement(self._values, unit) if unit.name else None)
        if root is None:
            return
        fixtures = dict(self._fixtures(unit))
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and not (unit.name and isinstance(node.ctx, ast.Store)):
                scope = self._values.binding_scope(unit.file, node)
                if scope is unit.node and node.id in fixtures:
                    yield node, fixtures[node.id]
                elif scope is None and (copy := self._of_module(unit.file, node, editing)):
                    yield node, copy
            elif isinstance(node, ast.Attribute):
                if copy := self._of_another(unit.file, node):
                    yield node, copy
            elif isinstance(node, ast.arg) and node.arg in fixtures and _is_parameter(node, unit.node):
                yield node, fixtures[node.arg]
            elif isinstance(node, ast.Constant) and self._is_used_fixture(unit, node):
                yield node, repr(fixtures[str(node.value)]).replace("'", '"')

    def _fixtures(self, unit: Unit) -> Iterator[tuple[str, str]]:
        """Yield the fixtures that a unit asks for and that are copied, each with the name of its copy."""
        for user in self._values.users_of(unit.node) if isinstance(unit.node, FUNCTIONS) else ():
            for name in user.requests:
                fixture = self._values.suite.given(name, user)
                if fixture is not None:
                    copied = Unit(fixture.file, fixture.function)
                    if copied in self._all:
                        yield name, name_of_copy(copied)

    def _is_used_fixture(self, unit: Unit, node: ast.Constant) -> bool:
        """Whether a text is an argument of ``usefixtures`` on a unit."""
        outer = self._values.bindings.parents(unit.file).get(node)
        is_named = isinstance(outer, ast.Call) and last_name(outer.func) == "usefixtures"
        return is_named and literal(node) in dict(self._fixtures(unit))

    def _of_module(self, file: Path, node: ast.Name, editing: Editing) -> str:
        found = self._values.symbols.lookup(file, node.id)
        unit = self._unit(found.file, found.name) if found is not None else None
        if unit is None:
            return ""
        if unit.file == file:
            return name_of_copy(unit)
        for statement in self._values.symbols.sources.modules[file].of(ast.ImportFrom):
            for alias in statement.names:
                if (alias.asname or alias.name) == node.id and (alias, unit) not in self._imported:
                    self._imported.add((alias, unit))
                    editing.after(alias, f", {name_of_copy(unit)}")
        return name_of_copy(unit)

    def _of_another(self, file: Path, node: ast.Attribute) -> str:
        if self._values.is_local(file, node):
            return ""
        found = self._values.symbols.resolve(file, node)
        unit = self._unit(found.file, found.name) if found is not None else None
        return name_of_copy(unit) if unit is not None else ""

    def _unit(self, file: Path | None, name: str) -> Unit | None:
        if file is None:
            return None
        definition = self._values.symbols.scope(file).definitions.get(name)
        is_function = isinstance(definition, ast.FunctionDef)
        unit = Unit(file, definition) if is_function else Unit(file, None, name)
        return unit if unit in self._all else None


def _is_parameter(argument: ast.arg, function: ast.AST | None) -> bool:
    listed = parameters(function).values() if isinstance(function, FUNCTIONS) else ()
    return any(argument is each for each, _ in listed)
