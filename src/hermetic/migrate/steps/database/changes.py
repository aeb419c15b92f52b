"""The changes of a suite's files that are planned so far, and what stays beside them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hermetic.migrate.imports import Wanted
from hermetic.migrate.steps.database.handles import MAKERS, OPENS, SESSIONS, Handles
from hermetic.migrate.steps.database.statements import Statements
from hermetic.migrate.steps.database.staying import Staying
from hermetic.source.engines import ENGINES
from hermetic.source.fixtures import Fixture, Function, Suite


@dataclass
class Changes:
    """What is to be changed in one file.

    Attributes:
        gone: The statements that go, fixtures among them.
        unwrapped: The ``with`` and ``try`` whose body stands without them.
        items: Those items of ``with`` that go.
        entries: The entries of dictionaries that go, by their keys.
        replaced: What stands in the place of an expression.
        appended: What stands behind one.
        fixtures: What stands in the place of a statement: a fixture of the name that it bound.
        parameters: The fixtures that a function asks for besides.
        imports: What is to be imported.
    """

    gone: set[ast.stmt] = field(default_factory=set)
    unwrapped: set[ast.stmt] = field(default_factory=set)
    items: set[ast.withitem] = field(default_factory=set)
    entries: dict[ast.Dict, set[ast.expr]] = field(default_factory=lambda: defaultdict(set))
    replaced: dict[ast.expr, str] = field(default_factory=dict)
    appended: dict[ast.expr, str] = field(default_factory=dict)
    fixtures: dict[ast.stmt, str] = field(default_factory=dict)
    parameters: dict[Function, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    imports: dict[Wanted, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(
            self.gone
            or self.unwrapped
            or self.items
            or self.entries
            or self.replaced
            or self.fixtures
            or self.appended
        )


class Plan:
    """Knows what is planned.

    Args:
        suite: The suite.

    Attributes:
        changes: By file.
    """

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.handles = Handles(suite)
        self.staying = Staying(self.handles)
        self.statements = Statements(self.handles, self.staying)
        self.changes: dict[Path, Changes] = {}
        self.tests = {each.function for each in suite.tests}
        self.fixtures = {each.function: each for each in suite.fixtures}

    @cached_property
    def concerned(self) -> list[Path]:
        """The files with an engine, a connection or a sessionmaker of the suite in them, by whatever name."""
        words = set(ENGINES | MAKERS | SESSIONS | OPENS)
        for fixture in self.suite.fixtures:
            found = self.handles.of_fixture(fixture)
            if found is not None and found.roots and found.kind != "session":
                words.add(fixture.name)
        tests = self.suite.symbols.sources.tests
        for module in tests:
            for name in self.suite.symbols.scope(module.path).definitions if module.mentions(*words) else ():
                found = self.handles.of_name(module.path, name)
                if found is not None and found.roots:
                    words.add(name)
        return [module.path for module in tests if module.mentions(*words)]

    def kept(self, file: Path, body: Iterable[ast.AST]) -> Iterator[ast.AST]:
        """Yield the nodes of what stays of a body."""
        changes = self.changes[file]
        waiting = list(body)
        while waiting:
            node = waiting.pop()
            if node in changes.gone or node in changes.items:
                continue
            yield node
            inside = list(ast.iter_child_nodes(node))
            if node in changes.unwrapped and isinstance(node, ast.With | ast.AsyncWith):
                inside = list(node.body)
            waiting.extend(inside)

    def bound_by(self, file: Path, node: ast.AST) -> ast.Call | None:
        """Return the call that makes a session or a sessionmaker on an engine or a connection, which a node is."""
        parents = self.handles.bindings.parents(file)
        outer = parents.get(node)
        if isinstance(outer, ast.keyword):
            if outer.arg != "bind":
                return None
            outer = parents.get(outer)
        elif not (isinstance(outer, ast.Call) and node in outer.args[:1]):
            return None
        found = self.handles.of(file, outer) if isinstance(outer, ast.Call) else None
        is_made = found is not None and found.kind in ("session", "maker") and found.made is not None
        return outer if is_made and isinstance(outer, ast.Call) and found.made.node is outer else None  # type: ignore[union-attr]

    def fixture_around(self, file: Path, node: ast.AST) -> Fixture | None:
        """Return the fixture in which a node stands; None elsewhere."""
        scopes = self.handles.bindings.scopes(file, node)
        return next((self.fixtures[each] for each in scopes if each in self.fixtures), None)


def names(node: ast.AST, name: str) -> bool:
    """Whether a node reads a name."""
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
