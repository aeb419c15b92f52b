"""What of a suite's own handling of its database goes, and what comes in its place, as edits of its files.

Statements that hermetic makes unnecessary go. Sessions stay, on another engine: ``hermetic_engine`` in a fixture, the
application's own where there is no fixture. What uses an engine or a connection in a way that is not known keeps all
that hangs on it as it is: half a recipe would test something else than either whole.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeGuard

from hermetic.migrate.imports import Wanted
from hermetic.migrate.steps.database.handles import MAKERS, OPENS, SESSIONS, Handle, Handles, Place
from hermetic.migrate.steps.database.statements import Reason, Statements
from hermetic.source.engines import ENGINES
from hermetic.source.fixtures import Fixture, Function, Suite
from hermetic.source.roots import find_root
from hermetic.source.sources import Module
from hermetic.source.syntax import keyword, last_name

ENGINE, DATABASE = "hermetic_engine", "hermetic_database"
LEFT_OUT = frozenset({"bind", "join_transaction_mode"})
OF_MAKERS = LEFT_OUT | {"class_", "autocommit", "future"}
CLASSES = {True: ("sqlalchemy.ext.asyncio", "AsyncSession"), False: ("sqlalchemy.orm", "Session")}
WHOLE = frozenset({"HM861", "HM865"})
"""The reasons for which the whole function stays."""


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


class Recipes:
    """Finds the recipes of a suite.

    Args:
        suite: The suite.
        kept: Fixtures that must stay, with the reason.
        fixed: The files that cannot be changed.

    Attributes:
        changes: By file.
        reasons: Why parts stay.
        lent: Why the application goes on using a session of the suite, by the place of that.
        shared: The calls that make a session of the suite that the application is given.
    """

    def __init__(
        self, suite: Suite, kept: Iterable[tuple[Fixture, Reason]] = (), fixed: Iterable[Path] = ()
    ) -> None:
        self.suite = suite
        self.handles = Handles(suite)
        self.statements = Statements(self.handles)
        self.changes: dict[Path, Changes] = {}
        self.reasons: dict[tuple[Path, int, str], Reason] = {}
        self.shared: dict[ast.expr, Place] = {}
        self.lent: dict[tuple[Path, int], str] = {}
        self._tests = {each.function for each in suite.tests}
        self._fixtures = {each.function: each for each in suite.fixtures}
        for fixture, reason in kept:
            self._keep(fixture, reason)
        for file in fixed:
            self._keep_file(file)
        self._settle()

    def _keep(self, fixture: Fixture, reason: Reason) -> None:
        self.statements.closed.add(fixture.file)
        for node in ast.walk(fixture.function):
            if isinstance(node, ast.Name | ast.Attribute | ast.Call):
                found = self.handles.of(fixture.file, node)
                self.statements.blocked |= found.roots if found else frozenset()
        self.reasons[reason.file, reason.line, reason.code] = reason

    def _keep_file(self, file: Path) -> None:
        self.statements.closed.add(file)
        for node in self.suite.symbols.sources.modules[file].nodes:
            if isinstance(node, ast.Name | ast.Call):
                found = self.handles.of(file, node)
                self.statements.blocked |= found.roots if found else frozenset()

    def _settle(self) -> None:
        """Find what goes, until nothing that stays needs it."""
        while True:
            self.changes = {module.path: Changes() for module in self.suite.symbols.sources.tests}
            self.statements.reasons.clear()
            for path in self.changes:
                module = self.suite.symbols.sources.modules[path]
                self._visit(path, module.tree.body)
                self._visit_dictionaries(module)
            before = self._extent()
            for reason in [*self.statements.reasons.values(), *self._conflicts()]:
                self.reasons[reason.file, reason.line, reason.code] = reason
                self.statements.blocked |= reason.roots
                if reason.roots:
                    self.statements.closed |= self._files_with(reason.roots)
                elif reason.code in WHOLE:
                    self._shut(reason)
            if before == self._extent():
                self._commit_for_the_application()
                self._read_what_the_application_wrote()
                return

    def _extent(self) -> tuple[int, ...]:
        """Return how much is known to stay."""
        told = self.statements
        known = (told.blocked, told.closed, told.shut, told.lent, told.remade, told.moved)
        return tuple(len(each) for each in known)

    def _shut(self, reason: Reason) -> None:
        """Leave the function as it is in which something of a recipe is not understood, and what it uses."""
        for node, found in self.statements.reasons.items():
            if found == reason:
                scopes = [
                    each
                    for each in self.handles.bindings.around(reason.file, node)
                    if isinstance(each, Function)
                ]
                self.statements.shut.update(scopes[-1:])
                for inner in ast.walk(scopes[-1]) if scopes else ():
                    if isinstance(inner, ast.Name | ast.Call):
                        handle = self.handles.of(reason.file, inner)
                        self.statements.blocked |= handle.roots if handle else frozenset()

    def _commit_for_the_application(self) -> None:
        """Have commit what only flushed, where the application read by the same session and now has its own."""
        for path, changes in self.changes.items():
            module = self.suite.symbols.sources.modules[path]
            for node in module.of(ast.Call) if module.mentions("flush") else ():
                function = node.func
                if isinstance(function, ast.Attribute) and function.attr == "flush" and not node.args:
                    handle = self.handles.of(path, function.value)
                    is_shared = (
                        handle is not None and handle.made is not None and handle.made.node in self.shared
                    )
                    if handle is not None and is_shared and not self.statements.blocked & handle.roots:
                        changes.replaced[function] = f"{ast.unparse(function.value)}.commit"

    def _read_what_the_application_wrote(self) -> None:
        """Have tests read rows anew after a request, where its session was the tests' own and is another now."""
        for test in self.suite.tests if self.shared else ():
            requests = [each.lineno for each in ast.walk(test.function) if _is_request(each)]
            for node in ast.walk(test.function) if requests else ():
                function = node.func if isinstance(node, ast.Call) else None
                if not isinstance(function, ast.Attribute) or node.lineno <= min(requests):  # type: ignore[attr-defined]
                    continue
                handle = self.handles.of(test.file, function.value)
                if handle is None or handle.made is None or handle.made.node not in self.shared:
                    continue
                if not self.statements.blocked & handle.roots and isinstance(node, ast.Call):
                    self.changes[test.file].appended.update(_reading_anew(node, function.attr))

    def _files_with(self, roots: frozenset[ast.expr]) -> set[Path]:
        """Return the files in which something has to do with an engine or a connection."""
        return {
            path
            for path in self.changes
            if any(
                handle.roots & roots
                for node in self.suite.symbols.sources.modules[path].nodes
                if isinstance(node, ast.Name | ast.Call)
                for handle in [self.handles.of(path, node)]
                if handle is not None
            )
        }

    @cached_property
    def _concerned(self) -> list[Path]:
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

    def _visit(self, file: Path, body: list[ast.stmt]) -> None:
        changes = self.changes[file]
        found = self.statements.superseded(file, body)
        changes.gone.update(found)
        for each in body:
            if each in found or each in self._tests or each in self.statements.shut:
                continue
            if isinstance(each, ast.ClassDef):
                self._visit_class(file, each)
                continue
            if isinstance(each, ast.With | ast.AsyncWith) and not self._holds_a_fixture(each):
                self._hold(file, each)
            for block in ("body", "orelse", "finalbody"):
                self._visit(file, getattr(each, block, []))
            for part in (*getattr(each, "handlers", []), *getattr(each, "cases", [])):
                self._visit(file, part.body)
            if isinstance(each, ast.With | ast.AsyncWith):
                self._visit_with(file, each)
            elif isinstance(each, ast.Try) and self._is_bare(each, changes):
                changes.unwrapped.add(each)

    def _visit_dictionaries(self, module: Module) -> None:
        """Take sessions out of dictionaries of overrides, which somebody applies somewhere."""
        if module.path in self.statements.closed:
            return
        for node in module.of(ast.Dict) if b"overrid" in module.text else ():
            for key, value in zip(node.keys, node.values, strict=True):
                found = self.suite.symbols.resolve(module.path, key) if key is not None else None
                if (
                    found is None
                    or found.file is None
                    or self.suite.symbols.sources.modules[found.file].is_test
                ):
                    continue
                is_function = isinstance(self.suite.symbols.definition(found), Function)
                if key is None or not is_function or self.statements.is_blocked(module.path, value):
                    continue
                if self.statements.is_session(module.path, value):
                    self.changes[module.path].entries[node].add(key)

    def _hold(self, file: Path, node: ast.With | ast.AsyncWith) -> None:
        """Note the connections of a block that does more than to hand one out."""
        for item in node.items:
            found = self.handles.of(file, item.context_expr)
            if found is not None and found.connection is not None:
                self.statements.held.add(found.connection.node)

    def _visit_class(self, file: Path, node: ast.ClassDef) -> None:
        for each in node.body:
            if isinstance(each, Function) and each in self._fixtures:
                self._visit(file, each.body)

    def _is_bare(self, node: ast.Try, changes: Changes) -> bool:
        """Whether nothing is left of a ``try`` but its body."""
        others = [*node.handlers, *node.orelse]
        return bool(node.finalbody) and not others and all(each in changes.gone for each in node.finalbody)

    def _visit_with(self, file: Path, node: ast.With | ast.AsyncWith) -> None:
        changes = self.changes[file]
        going = [item for item in node.items if self._item_goes(file, node, item)]
        if len(going) == len(node.items):
            changes.unwrapped.add(node)
        else:
            changes.items.update(going)

    def _item_goes(self, file: Path, node: ast.With | ast.AsyncWith, item: ast.withitem) -> bool:
        if self.statements.is_blocked(file, item.context_expr) or file in self.statements.closed:
            return False
        if self.statements._goes_when_called(file, item.context_expr):
            return True
        found = self.handles.of(file, item.context_expr)
        if found is None or found.kind not in ("connection", "transaction"):
            return False
        variable = item.optional_vars
        if isinstance(variable, ast.Name):
            uses = [each for each in self._kept(file, node.body) if _names(each, variable.id)]
            return all(self._bound_by(file, each) for each in uses) and self._holds_a_fixture(node)
        return found.kind == "transaction" or self._holds_a_fixture(node)

    def _holds_a_fixture(self, node: ast.AST) -> bool:
        return any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node))

    def _kept(self, file: Path, body: Iterable[ast.AST]) -> Iterator[ast.AST]:
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

    def _bound_by(self, file: Path, node: ast.AST) -> ast.Call | None:
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

    def _conflicts(self) -> list[Reason]:
        """Return why things must stay, and note what stands in the place of engines and connections."""
        found: list[Reason] = []
        self._find_shared()
        inlined = self._inlined_makers()
        for path in self._concerned:
            changes = self.changes[path]
            for node in list(self._kept(path, self.suite.symbols.sources.modules[path].tree.body)):
                if isinstance(node, ast.Name | ast.Attribute | ast.Call) and not isinstance(
                    getattr(node, "ctx", None), ast.Store
                ):
                    found += self._conflict(path, changes, node, inlined)
        return found

    def _conflict(
        self, file: Path, changes: Changes, node: ast.expr, inlined: set[ast.expr]
    ) -> Iterator[Reason]:
        handle = self.handles.of(file, node)
        if (
            handle is None
            or self.statements.blocked & handle.roots
            or any(node in ast.walk(each) for each in changes.replaced)
        ):
            return
        if isinstance(node, ast.Call) and handle.made is not None and handle.made.node is node:
            if handle.kind in ("session", "maker") and handle.roots:
                yield from self._moved(file, changes, node, handle, inlined)
            elif handle.kind == "engine" and handle.is_own and node not in self.statements.moved:
                yield from self._in_place(file, changes, node, handle)
            return
        call = self.handles.bindings.parents(file).get(node)
        if (
            (
                isinstance(node, ast.Name)
                and handle.kind == "maker"
                and handle.made
                and handle.made.node in inlined
            )
            and isinstance(call, ast.Call)
            and call.func is node
        ):
            return
        if handle.kind in ("connection", "transaction") and handle.connection is not None:
            yield from self._on_a_connection(file, node, handle)
        elif handle.kind == "engine" and handle.is_own and isinstance(node, ast.Name):
            yield from () if self._bound_by(file, node) else self._in_place(file, changes, node, handle)

    def _on_a_connection(self, file: Path, node: ast.expr, handle: Handle) -> Iterator[Reason]:
        """Say why a connection stays: something that stays uses it, and not only a session that is on it."""
        if isinstance(node, ast.Name) and self._bound_by(file, node):
            return
        statement = next(
            each
            for each in self.handles.bindings.around(file, node)
            if isinstance(each, ast.stmt | ast.withitem)
        )
        if isinstance(statement, ast.withitem) or self._is_in_kept_with(file, node, handle):
            return
        function = self.handles.bindings.function(file, node)
        fixture = self._fixtures.get(function) if isinstance(function, Function) else None
        if fixture is not None and self._is_result(file, node) and not self._is_used(fixture):
            self.changes[file].gone.add(fixture.function)
            return
        text = f"{ast.unparse(node)} is used for more than the session that is on it"
        yield Reason("HM860", file, node.lineno, text, handle.roots)

    def _is_in_kept_with(self, file: Path, node: ast.expr, handle: Handle) -> bool:
        """Whether a connection is opened by a ``with`` that stays, and no session is on it."""
        for each in self.handles.bindings.around(file, node):
            opened = each.items if isinstance(each, ast.With | ast.AsyncWith) else []
            inside = [inner for item in opened for inner in ast.walk(item.context_expr)]
            is_opened = handle.connection is not None and handle.connection.node in inside
            if is_opened and handle.connection is not None and handle.connection.node in self.statements.held:
                return True
            if is_opened and each not in self.changes[file].unwrapped:
                names = (inner for inner in ast.walk(each) if isinstance(inner, ast.Name))
                return not any(self._bound_by(file, inner) for inner in names)
        return False

    def _is_result(self, file: Path, node: ast.AST) -> bool:
        outer = self.handles.bindings.parents(file).get(node)
        return isinstance(outer, ast.Yield | ast.Return | ast.Tuple)

    def _is_used(self, fixture: Fixture) -> bool:
        """Whether something that stays uses what a fixture hands out."""
        for user in self.suite.users:
            for name in user.requests if user is not fixture else ():
                if self.handles.fixture_of(user.file, user.function, name) is fixture:
                    kept = self._kept(user.file, user.function.body)
                    if any(_names(each, name) and not self._bound_by(user.file, each) for each in kept):
                        return True
        return False

    def _moved(
        self, file: Path, changes: Changes, call: ast.Call, handle: Handle, inlined: set[ast.expr]
    ) -> Iterator[Reason]:
        """Put a session, or a sessionmaker, on the engine that stands in for the one that it is on."""
        if handle.connection is not None and handle.connection.node in self.statements.held:
            return
        function: ast.expr = call.func
        words = list(call.keywords)
        maker = self.handles.of(file, function) if not _is_class(call) else None
        if maker is not None and maker.made is not None and maker.made.node in inlined:
            if self._is_in_an_override(file, call):
                return
            made = maker.made.node
            assert isinstance(made, ast.Call)
            module, name = CLASSES[handle.is_async]
            of_class = keyword(made, "class_")
            text = ast.unparse(of_class) if of_class is not None else name
            if text not in self.suite.symbols.scope(file).names:
                changes.imports[module, text] = None
            words = [word for word in made.keywords if word.arg not in OF_MAKERS] + words
        elif maker is not None and self._given(call) is None:
            return  # it is the maker that moves
        else:
            text = ast.unparse(function)
        engine = self._stand_in(file, self._given(call) or call, handle, changes)
        if isinstance(engine, Reason):
            yield engine
            return
        is_inlined = maker is not None and self._given(call) is None
        given = [engine] if is_inlined or (call.args and keyword(call, "bind") is None) else []
        given += [
            f"bind={engine}" if word.arg == "bind" else ast.unparse(word)
            for word in words
            if word.arg not in LEFT_OUT - {"bind"}
        ]
        new = f"{text}({', '.join(given)})"
        if new != ast.unparse(call):
            changes.replaced[call] = new

    def _given(self, call: ast.Call) -> ast.expr | None:
        return keyword(call, "bind") or (call.args[0] if call.args else None)

    def _in_place(self, file: Path, changes: Changes, node: ast.expr, handle: Handle) -> Iterator[Reason]:
        """Put the engine that stands in where the suite's own is used."""
        if self._is_parameter_of_test(file, node):
            return
        engine = self._stand_in(file, node, handle, changes)
        if isinstance(engine, Reason):
            yield engine
        elif ast.unparse(node) != engine:
            changes.replaced[node] = engine

    def _is_parameter_of_test(self, file: Path, node: ast.expr) -> bool:
        function = self.handles.bindings.function(file, node)
        if not isinstance(node, ast.Name) or function is None or function not in self._tests:
            return False
        return self.handles.fixture_of(file, function, node.id) is not None

    def _stand_in(self, file: Path, node: ast.expr, handle: Handle, changes: Changes) -> str | Reason:
        """Return what stands for an engine at a place of a file, or why nothing can."""
        fixture = self._fixture_around(file, node)
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
            and self._fixture_around(file, made.node) is fixture
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
        statement = self.handles.bindings.parents(made.file).get(made.node)
        if not isinstance(statement, ast.Assign):
            return None
        target = statement.targets[0]
        is_seen = made.file == file or (made.file.name == "conftest.py" and made.file.parent in file.parents)
        if not (isinstance(target, ast.Name) and isinstance(made.node, ast.Call) and is_seen):
            return None
        if (
            self.handles.bindings.function(made.file, made.node) is not None
            or target.id in self.suite.by_name
        ):
            return None
        self.statements.moved.add(made.node)
        changes.parameters[fixture.function][target.id] = None
        there = self.changes[made.file]
        there.imports["pytest", ""] = None
        there.fixtures[statement] = (
            f'\n@pytest.fixture(scope="session")\ndef {target.id}({DATABASE}):\n'
            f"    {target.id} = {ast.unparse(made.node.func)}({DATABASE}.sync_url)\n"
            f"    yield {target.id}\n    {target.id}.dispose()"
        )
        return target.id

    def _remade(self, file: Path, made: Place, fixture: Fixture, changes: Changes) -> str:
        assert isinstance(made.node, ast.Call)
        self.statements.remade.add(made.node)
        changes.parameters[fixture.function][DATABASE] = None
        changes.replaced[made.node] = f"{ast.unparse(made.node.func)}({DATABASE}.sync_url)"
        parent = self.handles.bindings.parents(file).get(made.node)
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

    def _fixture_around(self, file: Path, node: ast.AST) -> Fixture | None:
        scopes = self.handles.bindings.scopes(file, node)
        return next((self._fixtures[each] for each in scopes if each in self._fixtures), None)

    def _applications(self, *, is_async: bool) -> list[tuple[Path, str]]:
        """Return the engines that the application makes when it is imported, by file and name."""
        found = []
        for module in self.suite.symbols.sources.production:
            if not module.mentions(*ENGINES):
                continue
            for name in self.suite.symbols.scope(module.path).definitions:
                handle = self.handles.of_name(module.path, name)
                if handle is not None and handle.kind == "engine" and handle.is_async == is_async:
                    found.append((module.path, name))
        return self._with_sessions(found) if len(found) > 1 else found

    def _with_sessions(self, engines: list[tuple[Path, str]]) -> list[tuple[Path, str]]:
        """Return those engines of the application that its sessions use."""
        symbols = self.suite.symbols
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
        symbols = self.suite.symbols
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
        own = self.handles.of_name(file, name) if taken else None
        if taken and not (own is not None and own.is_own):
            alias = f"app_{name}"
        changes.imports[module or path.stem, f"{name} as {alias}" if alias else name] = None
        return alias or name

    def _inlined_makers(self) -> set[ast.expr]:
        """Return the sessionmakers at the top of a module that only fixtures call: sessions are made without them."""
        anchored: set[ast.expr] = set()
        seen: set[ast.expr] = set()
        for path in self._concerned:
            for node in self._kept(path, self.suite.symbols.sources.modules[path].tree.body):
                handle = self.handles.of(path, node) if isinstance(node, ast.Name) else None
                if handle is None or handle.kind != "maker" or handle.made is None or not handle.is_own:
                    continue
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    continue
                made = handle.made
                outer = self.handles.bindings.parents(path).get(node)
                is_call = isinstance(outer, ast.Call) and outer.func is node
                is_top = self.handles.bindings.function(made.file, made.node) is None
                is_plain = isinstance(made.node, ast.Call) and last_name(made.node.func) in MAKERS
                is_spelt = made.file == path or all(
                    isinstance(word.value, ast.Constant) or word.arg in LEFT_OUT
                    for word in getattr(made.node, "keywords", [])
                )
                seen.add(made.node)
                fixture = self._fixture_around(path, node)
                is_made_there = is_call and is_top and is_plain and is_spelt and fixture and handle.is_async
                if not is_made_there and not self._is_in_an_override(path, node):
                    anchored.add(made.node)
        return seen - anchored

    def _is_in_an_override(self, file: Path, node: ast.AST) -> bool:
        """Whether a node stands in a function that nothing uses any more once the overrides are gone."""
        function = self.handles.bindings.function(file, node)
        if not isinstance(function, Function) or function in self._fixtures or function in self._tests:
            return False
        return not any(
            _names(each, function.name) or (isinstance(each, ast.Attribute) and each.attr == function.name)
            for path in self.changes
            for each in self._kept(path, self.suite.symbols.sources.modules[path].tree.body)
        )

    def _find_shared(self) -> None:
        """Note the sessions of the suite that the application was given, and those of which it has objects."""
        self.shared.clear()
        values = [(path, value) for path in self.changes for value in self._overriding(path)]
        for path, value in values:
            found = self.handles.handed_out(path, value)
            called = self.handles.function(path, value)
            own = set(ast.walk(called[1])) if called is not None else set()
            if found is None or found.made is None or found.made.node in own:
                continue
            if self.statements.is_session(path, value):
                self.shared[found.made.node] = found.made
        for path, value in values:
            called = self.handles.function(path, value)
            found = self.handles.handed_out(path, value)
            is_session = found is not None and found.kind == "session"
            if called is not None and not is_session:
                self._find_lent(called[0], called[1], path, value)

    def _find_lent(self, file: Path, function: ast.AST, path: Path, value: ast.expr) -> None:
        """Note the sessions by which an override finds what it hands the application."""
        for node in ast.walk(function):
            found = self.handles.of(file, node) if isinstance(node, ast.Name) else None
            if found is not None and found.made is not None and found.made.node in self.shared:
                self.statements.lent.add(found.made.node)
                self.lent[path, value.lineno] = (
                    "the application goes on using the session of the tests: "
                    f"{ast.unparse(value)} hands it objects of that"
                )

    def _overriding(self, path: Path) -> Iterator[ast.expr]:
        """Yield what a module puts in the place of dependencies."""
        module = self.suite.symbols.sources.modules[path]
        for each in module.of(ast.Assign) if module.mentions("dependency_overrides") else ():
            if any(_is_of_overrides(target) for target in each.targets):
                yield each.value
        for node in module.of(ast.Dict) if b"overrid" in module.text else ():
            for key, value in zip(node.keys, node.values, strict=True):
                found = self.suite.symbols.resolve(path, key) if key is not None else None
                if isinstance(self.suite.symbols.definition(found), Function):
                    yield value


def _is_of_overrides(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and last_name(target.value) == "dependency_overrides"


VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request", "send"})
READS = frozenset({"execute", "exec", "scalar", "scalars", "stream", "stream_scalars"})


def _is_request(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether a node sends a request, or hands a client to what may."""
    if not isinstance(node, ast.Call):
        return False
    owner = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr in VERBS else None
    given = [owner, *node.args, *(word.value for word in node.keywords)]
    return any("client" in last_name(each).lower() for each in given if each is not None)


def _reading_anew(call: ast.Call, method: str) -> dict[ast.expr, str]:
    """Return what is written behind a part of a call for its objects to get the values that the database has."""
    if method in READS and call.args:
        start = call.args[0]
        while isinstance(start, ast.Call) and isinstance(start.func, ast.Attribute):
            start = start.func.value
        is_select = isinstance(start, ast.Call) and last_name(start.func) == "select"
        if (
            is_select
            and isinstance(start, ast.Call)
            and any(isinstance(each, ast.Name) for each in start.args)
        ):
            return {call.args[0]: ".execution_options(populate_existing=True)"}
    if method in ("get", "get_one") and len(call.args) > 1:
        return {call.args[-1]: ", populate_existing=True"} if not call.keywords else {}
    if method == "query" and any(isinstance(each, ast.Name) for each in call.args):
        return {call: ".populate_existing()"}
    return {}


def _names(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)


def _is_class(call: ast.Call) -> bool:
    return last_name(call.func) in MAKERS or last_name(call.func).endswith("Session")
