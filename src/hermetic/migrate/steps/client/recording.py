"""What is remembered of a module's uses: where they stand, what they need, and what keeps an ``await`` from there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from hermetic.causes import Cause, migration
from hermetic.migrate.steps.client.kinds import (
    NO_TARGETS,
    Client,
    ClientClass,
    Kinds,
    Made,
    Many,
    Method,
    Object,
    Produced,
    Row,
    Stack,
    Targets,
    bears,
)
from hermetic.migrate.steps.client.uses import Form, Obstacle, Unit, Use, Uses, line_of
from hermetic.migrate.steps.client.values import Values
from hermetic.source.syntax import last_name

CONSUMERS = frozenset(
    {"all", "any", "list", "set", "tuple", "sorted", "sum", "min", "max", "dict", "frozenset", "join"}
)


class Recorder:
    """Adds what is found in a module.

    Args:
        values: The kinds of the suite's values.
        file: The module.
        found: What is added to.
    """

    def __init__(self, values: Values, file: Path, found: Uses) -> None:
        self._values = values
        self._file = file
        self._found = found
        self._symbols = values.symbols
        self._module = values.symbols.sources.modules[file]
        self._parents = values.bindings.parents(file)

    def unit(self, node: ast.AST) -> Unit:
        """Return the unit in which a node stands."""
        return self._values.unit(self._file, node)

    def _needs(self, node: ast.expr, kinds: Kinds) -> None:
        """Note which units the unit of an expression uses."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return
        needs = self._found.needs[self.unit(node)]
        for each in kinds:
            if isinstance(each, Made) and not isinstance(each.function, ast.Lambda):
                needs.add(self._values.unit(each.file, each.function))
            elif isinstance(each, ClientClass | Client) and each.definition is not None:
                needs.add(self._unit_of_class(each.definition))
        if isinstance(node, ast.Name) and not self._values.is_local(self._file, node):
            found = self._symbols.lookup(self._file, node.id)
            if found is not None and found.file is not None:
                definition = self._symbols.definition(found)
                if not isinstance(definition, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    self._found.named[self.unit(node)].add(Unit(found.file, None, found.name))
        elif isinstance(node, ast.Attribute):
            self._needs_of_attribute(node, needs)

    def _needs_of_attribute(self, node: ast.Attribute, needs: set[Unit]) -> None:
        reference = (
            self._symbols.resolve(self._file, node) if not self._values.is_local(self._file, node) else None
        )
        if reference is not None and reference.file is not None:
            definition = self._symbols.definition(reference)
            if isinstance(definition, ast.expr):
                self._found.named[self.unit(node)].add(Unit(reference.file, None, reference.name))
        for each in self._values.of(self._file, node.value):
            if isinstance(each, Object):
                for file, method in self._values.methods(each.file, each.definition, node.attr):
                    needs.add(self._values.unit(file, method))
                for one in self._values.family(each.file, each.definition):
                    self._found.stored[self.unit(node)].add((one.definition, node.attr))

    def _unit_of_class(self, definition: ast.ClassDef) -> Unit:
        file = next(
            (each.path for each in self._values.looked_at.values() if definition in each.of(ast.ClassDef)),
            self._file,
        )
        return Unit(file, definition)

    def _add(self, form: Form, node: ast.AST, targets: Targets = NO_TARGETS, new: str = "") -> None:
        function = self._values.bindings.function(self._file, node)
        if isinstance(node, ast.comprehension):
            function = self._values.bindings.function(self._file, node.iter)
        place = self._values.place(self._file, node)
        use = Use(form, place, line_of(node), self.unit(node), function, targets, new)
        if use in self._found.found[-3:]:
            return  # of another method that the same call may be of
        self._found.found.append(use)
        if not self._is_ours(self._file):
            text = f"`{short(node)}` is outside the tests"
            self._stop(migration.NOT_OF_THE_TESTS, node, text, targets)
        if use.makes_async:
            self._can_be_there(node, targets)

    def _can_be_there(self, node: ast.AST, targets: Targets) -> None:
        """Note what keeps an ``await`` from standing where it would have to."""
        for cause, where in self._obstacles_at(node):
            self._stop(cause, node, f"`{short(node)}` {where}", targets)

    def _obstacles_at(self, node: ast.AST) -> Iterator[tuple[Cause, str]]:
        scope = next(iter(self._values.bindings.scopes(self._file, node)), None)
        if isinstance(scope, ast.Lambda):
            yield migration.IN_A_LAMBDA, "is in a lambda"
        elif scope is None or isinstance(scope, ast.ClassDef):
            yield migration.AT_IMPORT, "runs when the module is imported"
        generator = self._generator_around(node)
        if generator is not None and not self._is_consumed(generator):
            yield migration.CANNOT_BE_REWRITTEN, "is in a generator expression"

    def _generator_around(self, node: ast.AST) -> ast.GeneratorExp | None:
        """Return the generator expression that an ``await`` at a node makes asynchronous."""
        inner = node
        for outer in self._values.bindings.around(self._file, node):
            if isinstance(outer, ast.GeneratorExp):
                first = outer.generators[0]
                if inner is not first or not _is_within(node, first.iter):
                    return outer
            if isinstance(outer, ast.stmt | ast.Lambda):
                return None
            inner = outer
        return None

    def _is_consumed(self, generator: ast.GeneratorExp) -> bool:
        outer = self._parents.get(generator)
        return (
            isinstance(outer, ast.Call)
            and last_name(outer.func) in CONSUMERS
            and outer.args[:1] == [generator]
        )

    def _give_away(self, node: ast.expr, kinds: Kinds, cause: Cause, what: str) -> None:
        """Note that a value goes where it cannot be followed."""
        text = f"`{short(node)}` {what}"
        if bears(kinds) or any(isinstance(each, Method) for each in kinds):
            self._stop(cause, node, text)
            return
        functions = self._functions_in(kinds)
        if functions:
            self._stop(cause, node, text, functions)

    def _functions_in(self, kinds: Kinds) -> Targets:
        found: set[ast.AST | Stack] = set()
        for each in kinds:
            if isinstance(each, Made | Produced) and not isinstance(each.function, ast.Lambda):
                found.add(each.function)
            elif isinstance(each, Many):
                found |= self._functions_in(each.items)
            elif isinstance(each, Row):
                found |= {one for items in each.items for one in self._functions_in(items)}
        return frozenset(found)

    def _is_ours(self, file: Path) -> bool:
        return self._symbols.sources.modules[file].is_test

    def _managers(self, kinds: Kinds) -> Targets:
        return frozenset(
            each.function
            for each in kinds
            if isinstance(each, Produced) and each.is_entered and isinstance(each.function, ast.FunctionDef)
        )

    def _generators(self, kinds: Kinds) -> Targets:
        return frozenset(
            each.function
            for each in kinds
            if isinstance(each, Produced)
            and not each.is_entered
            and isinstance(each.function, ast.FunctionDef)
        )

    def _stop(self, cause: Cause, node: ast.AST, text: str, targets: Targets = NO_TARGETS) -> None:
        self._found.obstacles.append(Obstacle(cause, self.unit(node), line_of(node), text, targets))


def _is_within(node: ast.AST, outer: ast.AST) -> bool:
    return any(each is node for each in ast.walk(outer))


def short(node: ast.AST) -> str:
    text = re.sub(r"\s+", " ", ast.unparse(node))
    return text if len(text) < 60 else f"{text[:57]}..."
