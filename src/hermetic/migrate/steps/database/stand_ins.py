"""The engine that stands in for one of the suite's: hermetic's in a fixture, else the application's own."""

from __future__ import annotations

import ast
from pathlib import Path

from hermetic.migrate.steps.database.changes import Changes, Plan
from hermetic.migrate.steps.database.handles import MAKERS, SESSIONS, Handle, Place
from hermetic.migrate.steps.database.staying import Reason
from hermetic.source.engines import ENGINES
from hermetic.source.fixtures import Fixture
from hermetic.source.roots import find_root
from hermetic.source.syntax import keyword, last_name

ENGINE, DATABASE = "hermetic_engine", "hermetic_database"


class StandIns:
    """Finds the engines.

    Args:
        plan: What is planned so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def stand_in(self, file: Path, node: ast.expr, handle: Handle, changes: Changes) -> str | Reason:
        """Return what stands for an engine at a place of a file, or why nothing can."""
        fixture = self.plan.fixture_around(file, node)
        if fixture is not None and handle.is_async:
            changes.parameters[fixture.function][ENGINE] = None
            return ENGINE
        if handle.connection is not None and not handle.is_own:
            return self._named(file, handle, changes)
        found = self._applications(is_async=handle.is_async)
        if len(found) == 1:
            return self._imported(file, node, found[0], changes)
        made = handle.engine
        is_here = made is not None and made.file == file and not found and self._is_plain(made)
        if (
            made is not None
            and is_here
            and fixture is not None
            and self.plan.fixture_around(file, made.node) is fixture
        ):
            return self._remade(file, made, fixture, changes)
        if made is not None and fixture is not None and not found and self._is_plain(made):
            name = self._as_fixture(file, made, fixture, changes)
            if name is not None:
                return name
        why = (
            "the application makes none when it is imported" if not found else "the application makes several"
        )
        text = f"{ast.unparse(node)}: no engine can stand in for that of the tests here; {why}"
        return Reason("HM863" if not found else "HM866", file, node.lineno, text, handle.roots)

    def _is_plain(self, made: Place) -> bool:
        """Whether an engine is made by SQLAlchemy's own function, which takes a URL."""
        return isinstance(made.node, ast.Call) and last_name(made.node.func) in ENGINES

    def _as_fixture(self, file: Path, made: Place, fixture: Fixture, changes: Changes) -> str | None:
        """Have a fixture make an engine that the top of a module made, for other fixtures; None where none can."""
        statement = self.plan.handles.bindings.parents(made.file).get(made.node)
        if not isinstance(statement, ast.Assign):
            return None
        target = statement.targets[0]
        is_seen = made.file == file or (made.file.name == "conftest.py" and made.file.parent in file.parents)
        if not (isinstance(target, ast.Name) and isinstance(made.node, ast.Call) and is_seen):
            return None
        if (
            self.plan.handles.bindings.function(made.file, made.node) is not None
            or target.id in self.plan.suite.by_name
        ):
            return None
        self.plan.staying.moved.add(made.node)
        changes.parameters[fixture.function][target.id] = None
        there = self.plan.changes[made.file]
        there.imports["pytest", ""] = None
        there.fixtures[statement] = (
            f'\n@pytest.fixture(scope="session")\ndef {target.id}({DATABASE}):\n'
            f"    {target.id} = {ast.unparse(made.node.func)}({DATABASE}.sync_url)\n"
            f"    yield {target.id}\n    {target.id}.dispose()"
        )
        return target.id

    def _remade(self, file: Path, made: Place, fixture: Fixture, changes: Changes) -> str:
        assert isinstance(made.node, ast.Call)
        self.plan.staying.remade.add(made.node)
        changes.parameters[fixture.function][DATABASE] = None
        changes.replaced[made.node] = f"{ast.unparse(made.node.func)}({DATABASE}.sync_url)"
        parent = self.plan.handles.bindings.parents(file).get(made.node)
        target = parent.targets[0] if isinstance(parent, ast.Assign) else None
        return ast.unparse(target) if target is not None else changes.replaced[made.node]

    def _named(self, file: Path, handle: Handle, changes: Changes) -> str | Reason:
        """Return the name of the application's engine on which a connection was opened."""
        place = handle.engine
        if place is not None and place.file == file and not isinstance(place.node, ast.Call):
            return ast.unparse(place.node)
        found = self._applications(is_async=handle.is_async)
        connection = handle.connection
        assert connection is not None
        if len(found) == 1:
            return self._imported(file, connection.node, found[0], changes)
        text = f"{ast.unparse(connection.node)}: its engine has no name that can be used here"
        return Reason("HM863", file, connection.node.lineno, text, handle.roots)

    def _applications(self, *, is_async: bool) -> list[tuple[Path, str]]:
        """Return the engines that the application makes when it is imported, by file and name."""
        found = []
        for module in self.plan.suite.symbols.sources.production:
            if not module.mentions(*ENGINES):
                continue
            for name in self.plan.suite.symbols.scope(module.path).definitions:
                handle = self.plan.handles.of_name(module.path, name)
                if handle is not None and handle.kind == "engine" and handle.is_async == is_async:
                    found.append((module.path, name))
        return self._with_sessions(found) if len(found) > 1 else found

    def _with_sessions(self, engines: list[tuple[Path, str]]) -> list[tuple[Path, str]]:
        """Return those engines of the application that its sessions use."""
        symbols = self.plan.suite.symbols
        used = {
            (found.file, found.name)
            for module in symbols.sources.production
            if module.mentions(*MAKERS, *SESSIONS)
            for call in module.of(ast.Call)
            if last_name(call.func) in MAKERS | SESSIONS
            for given in [keyword(call, "bind"), *call.args[:1]]
            if given is not None and (found := symbols.resolve(module.path, given)) is not None
        }
        return [each for each in engines if each in used] or engines

    def _imported(self, file: Path, node: ast.expr, engine: tuple[Path, str], changes: Changes) -> str:
        """Have a file import the application's engine, and return the name that it has there."""
        path, name = engine
        symbols = self.plan.suite.symbols
        scope = symbols.scope(file)
        for local in scope.imports:
            found = symbols.lookup(file, local)
            if found is not None and (found.file, found.name) == (path, name):
                return local
        root = find_root(path, symbols.sources)
        module = root.dotted(path) if root else None
        old = node.id if isinstance(node, ast.Name) else ""
        is_bound_here = bool(old) and old in scope.definitions
        alias = old if is_bound_here and old != name else ""
        taken = name in scope.names and not (is_bound_here and old == name) and not alias
        own = self.plan.handles.of_name(file, name) if taken else None
        if taken and not (own is not None and own.is_own):
            alias = f"app_{name}"
        changes.imports[module or path.stem, f"{name} as {alias}" if alias else name] = None
        return alias or name
