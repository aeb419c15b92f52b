"""Which statements of a suite do by hand what hermetic does, and nothing else.

A statement is *superseded* where the whole of it is known: it makes or drops the application's tables, opens the one
connection or the transaction that is rolled back, clears tables, makes or drops a database, runs the migrations, leads
the application to the suite's engine. Whatever is in doubt stays.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.migrate.steps.database.handles import Handle, Handles
from hermetic.source.bindings import own_nodes, parameters
from hermetic.source.environ import outside
from hermetic.source.fixtures import Function
from hermetic.source.migrations import MAIN, PROCESSES
from hermetic.source.schema import METADATA, SQLMODEL, is_base
from hermetic.source.symbols import Reference
from hermetic.source.syntax import last_name, literal, statements

CLEARS = re.compile(
    r"\s*(truncate\b|delete\s+from\b|drop\s+(table|schema)\b|create\s+schema\s+(if\s+not\s+exists\s+)?\"?public\b"
    r"|alter\s+sequence\b.*\brestart\b|set\s+(session_replication_role|foreign_key_checks)\b"
    r"|pragma\s+foreign_keys\s*=|select\s+pg_terminate_backend\b)",
    re.IGNORECASE | re.DOTALL,
)
MAKES = re.compile(r"\s*(create|drop)\s+database\b", re.IGNORECASE)
RUNS = frozenset({"execute", "exec", "scalars", "exec_driver_sql"})
ENDS: dict[str, frozenset[str]] = {
    "engine": frozenset({"dispose"}),
    "connection": frozenset({"close", "rollback", "begin", "begin_nested", "start", "invalidate"}),
    "transaction": frozenset({"close", "rollback", "commit", "start"}),
    "session": frozenset({"begin", "begin_nested"}),
    "migrations": frozenset({"set_main_option", "set_section_option"}),
}
"""What is called on each kind for nothing but itself."""
TABLES = frozenset({"create_all", "drop_all"})
SERVERS = frozenset({"create_database", "drop_database"})
MIGRATES = {"alembic.command.upgrade": ("head", "heads"), "alembic.command.downgrade": ("base",)}
HANDING_ON = frozenset({"run", "run_until_complete", "run_in_executor", "to_thread", "run_sync", "wait_for"})
PATCHES = frozenset({"setattr", "patch", "object"})
REMOVES = frozenset({"remove", "unlink"})
FILES = (".db", ".sqlite", ".sqlite3")
SAVEPOINTS = frozenset({"after_transaction_end", "begin"})
OWN = "dependency_overrides"


@dataclass(frozen=True)
class Reason:
    """Why a part of a recipe stays.

    Attributes:
        code: Its code.
        file: Where it lies.
        line: The line.
        text: What stands there.
        roots: The calls that make what it is about; none for a statement alone.
    """

    code: str
    file: Path
    line: int
    text: str
    roots: frozenset[ast.expr] = frozenset()


@dataclass
class Statements:
    """Tells superseded statements.

    Args:
        handles: What expressions stand for.

    Attributes:
        blocked: The engines and connections of the suite that stay.
        closed: The files in which nothing of a recipe goes.
        shut: The functions that stay as they are.
        lent: The calls that make a session of which the application is given objects: it goes on having the session.
        remade: The calls that go on making an engine, on the application's database.
        held: The calls that open a connection by a block that stays: what ends it and its transactions does so, too.
        moved: The calls that make an engine at the top of a module, which becomes a fixture.
        reasons: Why a statement that belongs to a recipe was not taken for superseded.
    """

    handles: Handles
    blocked: set[ast.expr] = field(default_factory=set)
    closed: set[Path] = field(default_factory=set)
    shut: set[ast.AST] = field(default_factory=set)
    lent: set[ast.expr] = field(default_factory=set)
    remade: set[ast.expr] = field(default_factory=set)
    held: set[ast.expr] = field(default_factory=set)
    moved: set[ast.expr] = field(default_factory=set)
    reasons: dict[ast.AST, Reason] = field(default_factory=dict)
    _asked: set[ast.AST] = field(default_factory=set)

    def superseded(self, file: Path, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Return those statements of a body that are superseded as a whole."""
        found: list[ast.stmt] = []
        last_went = False
        for each in body:
            if self._is_commit(file, each):
                went = last_went
            elif isinstance(each, ast.Pass):
                went = False
            else:
                went = last_went = self.goes(file, each)
            if went:
                found.append(each)
        return [] if all(self._is_commit(file, each) for each in found) else found

    def goes_whole(self, file: Path, body: Sequence[ast.stmt]) -> bool:
        """Whether a body is superseded from its first statement to its last."""
        found = self.superseded(file, body)
        rest = [each for each in body if each not in found and not is_nothing(each)]
        return bool(found) and not rest

    def goes(self, file: Path, statement: ast.stmt) -> bool:
        """Whether a statement is superseded."""
        if file in self.closed or self.is_shut(file, statement) or self.is_blocked(file, statement):
            return False
        if isinstance(statement, ast.Expr):
            return self._goes_when_called(file, statement.value)
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            return self._is_assigned(file, statement)
        if isinstance(statement, ast.Delete):
            return all(_is_override(target) for target in statement.targets) and self._is_restored(
                file,
                statement,
                [target.slice for target in statement.targets if isinstance(target, ast.Subscript)],
            )
        if isinstance(statement, ast.If):
            others = not statement.orelse or self.goes_whole(file, statement.orelse)
            return others and self.goes_whole(file, statement.body)
        if isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            return not statement.orelse and self.goes_whole(file, statement.body)
        if isinstance(statement, ast.With | ast.AsyncWith):
            return all(self.handles.of(file, item.context_expr) for item in statement.items) and (
                self.goes_whole(file, statement.body)
            )
        if isinstance(statement, ast.Try):
            blocks = [block for block in (statement.body, statement.finalbody) if block]
            return not statement.orelse and all(self.goes_whole(file, block) for block in blocks)
        return isinstance(statement, Function) and self._is_listener(file, statement)

    def is_blocked(self, file: Path, node: ast.AST) -> bool:
        """Whether a node has to do with an engine or a connection that stays."""
        return bool(self.blocked) and any(
            self.blocked & handle.roots
            for inner in ast.walk(node)
            if isinstance(inner, ast.Name | ast.Attribute | ast.Call)
            for handle in [self.handles.of(file, inner)]
            if handle is not None
        )

    def is_shut(self, file: Path, node: ast.AST) -> bool:
        """Whether a node is, or stands in, a function that stays as it is."""
        return bool(self.shut) and any(
            each in self.shut for each in (node, *self.handles.bindings.around(file, node))
        )

    def is_emptied(self, file: Path, function: Function) -> bool:
        """Whether a function does nothing but what is superseded."""
        if function in self._asked or self.is_shut(file, function):
            return False
        self._asked.add(function)
        try:
            found = self.superseded(file, function.body)
            rest = [each for each in function.body if each not in found]
            return bool(found) and all(is_nothing(each) or self._is_read_only(file, each) for each in rest)
        finally:
            self._asked.discard(function)

    def overrides(self, file: Path, body: Iterable[ast.stmt]) -> Iterator[tuple[ast.stmt, ast.expr, bool]]:
        """Yield the overrides that a body sets: the statement, the dependency, and whether it is of a session."""
        for each in statements(list(body)):
            for target in each.targets if isinstance(each, ast.Assign) else ():
                if (
                    _is_override(target)
                    and isinstance(each, ast.Assign)
                    and isinstance(target, ast.Subscript)
                ):
                    yield each, target.slice, self.is_session(file, each.value)
            call = each.value if isinstance(each, ast.Expr) else None
            if isinstance(call, ast.Call) and last_name(call.func) in ("update", "setitem"):
                for key, value in _updated(call):
                    yield each, key, self.is_session(file, value)

    def is_session(self, file: Path, value: ast.expr) -> bool:
        """Whether an override hands out the suite's session, and does nothing else."""
        found = self.handles.handed_out(file, value)
        if found is None or found.kind not in ("session", "maker", "engine", "connection"):
            return False
        if found.made is not None and found.made.node in self.lent:
            return False
        called = self.handles.function(file, value)
        if called is None:
            return True
        where, function = called
        return isinstance(function, ast.Lambda) or all(
            self._is_plumbing(where, each) for each in statements(function.body)
        )

    def _is_plumbing(self, file: Path, statement: ast.stmt) -> bool:
        """Whether a statement of an override opens, hands out or ends a session, and nothing else."""
        if is_nothing(statement) or self.goes(file, statement):
            return True
        if isinstance(statement, ast.With | ast.AsyncWith):
            return all(self.handles.of(file, item.context_expr) for item in statement.items)
        if isinstance(statement, ast.AsyncFor | ast.For):
            return self.handles.of(file, statement.iter) is not None
        if isinstance(statement, ast.Try | ast.Raise | ast.Return | ast.Nonlocal | ast.Global | ast.If):
            return True
        value = getattr(statement, "value", None)
        if isinstance(statement, ast.Assign | ast.AnnAssign) and value is not None:
            return self.handles.of(file, value) is not None
        value = _awaited(value)
        if isinstance(value, ast.Yield | ast.YieldFrom):
            return True
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            return self.handles.of(file, value.func.value) is not None
        return False

    def _is_assigned(self, file: Path, statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> bool:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        value = statement.value
        if value is None:
            return False
        if all(map(_is_override, targets)):
            return self._goes_as_override(file, statement)
        if all(last_name(target) == OWN for target in targets):
            return isinstance(value, ast.Dict) and not value.keys and self._is_restored(file, statement, None)
        if any(self._is_of_migrations(file, target) for target in targets):
            return True
        found = self.handles.of(file, value)
        if all(isinstance(target, ast.Name) for target in targets):
            if (
                isinstance(found, Handle)
                and isinstance(_awaited(value), ast.Call)
                and not self._is_held(found)
            ):
                return found.kind in ("connection", "transaction", "migrations") or (
                    found.kind == "engine" and found.is_own and not (self.remade | self.moved) & found.roots
                )
            return False
        return len(targets) == 1 and self._leads(file, targets[0], value)

    def _is_of_migrations(self, file: Path, target: ast.expr) -> bool:
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
            found = self.handles.of(file, target) if isinstance(target, ast.Name | ast.Attribute) else None
            if found is not None and found.kind == "migrations":
                return True
        return False

    def _goes_as_override(self, file: Path, statement: ast.stmt) -> bool:
        told = [is_session for each, _, is_session in self.overrides(file, [statement])]
        return bool(told) and all(told)

    def _is_restored(self, file: Path, statement: ast.stmt, keys: list[ast.expr] | None) -> bool:
        """Whether what ends overrides ends none but those that go.

        Args:
            file: The file.
            statement: What ends them.
            keys: The dependencies; None for all.
        """
        function = self.handles.bindings.function(file, statement)
        body = (
            function.body
            if isinstance(function, Function)
            else self.handles.symbols.sources.modules[file].tree.body
        )
        set_there = list(self.overrides(file, body))
        going = {
            ast.unparse(key) for each, key, is_session in set_there if is_session and self.goes(file, each)
        }
        if keys is None:
            return bool(going) and going == {ast.unparse(key) for _, key, _ in set_there}
        return all(ast.unparse(key) in going for key in keys)

    def _goes_when_called(self, file: Path, value: ast.expr | None) -> bool:
        call = _awaited(value)
        if not isinstance(call, ast.Call):
            return False
        if isinstance(call.func, ast.Attribute):
            if call.func.attr in TABLES:
                given = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "bind")]
                return self._is_of_tables(file, call.func, given[0] if given else None)
            if self._is_of_handle(file, call, call.func):
                return True
        return (
            self._is_of_server(file, call)
            or self._migrates(file, call)
            or self._is_handed_on(file, call)
            or self._is_listening(file, call)
            or self._is_of_overrides(file, call)
            or self._is_patch(file, call)
            or _removes_a_file(call)
            or self._calls_emptied(file, call.func)
        )

    def _calls_emptied(self, file: Path, node: ast.expr) -> bool:
        called = self.handles.function(file, node)
        if called is None:
            return False
        where, function = called
        return isinstance(function, Function) and self.is_emptied(where, function)

    def _is_of_handle(self, file: Path, call: ast.Call, function: ast.Attribute) -> bool:
        owner = self.handles.of(file, function.value)
        if (
            function.attr == "delete"
            and _starts_at_query(function)
            and self._is_cleared(file, call, function)
        ):
            return True
        if owner is None:
            return False
        if function.attr in ENDS.get(owner.kind, ()):
            return not self._is_held(owner) and not (owner.kind == "engine" and self.remade & owner.roots)
        if owner.kind in ("connection", "session") and function.attr in RUNS and call.args:
            return self._is_clearing(file, call.args[0], call)
        if owner.kind == "connection" and function.attr == "execution_options":
            return True
        given = [word.value for word in call.keywords if word.arg == "bind"]
        bound = self.handles.of(file, given[0]) if given else None
        return owner.kind == "maker" and function.attr == "configure" and bool(bound and bound.roots)

    def _is_held(self, handle: Handle) -> bool:
        return handle.connection is not None and handle.connection.node in self.held

    def _is_cleared(self, file: Path, call: ast.Call, function: ast.Attribute) -> bool:
        chain = ast.unparse(function.value)
        return (".filter" not in chain and ".where" not in chain) or self._is_after_yield(file, call)

    def _is_of_tables(self, file: Path, function: ast.Attribute, on: ast.expr | None) -> bool:
        """Whether ``create_all`` and the like is of tables that the application has, on an engine that is known."""
        engine = self.handles.of(file, on) if on is not None else None
        found = self._metadata(file, function.value)
        text = ast.unparse(function)
        if found is not None and found.file is not None and self._is_test(found.file):
            roots = engine.roots if engine else frozenset()
            self._stays("HM862", file, function, f"{text}: the tests define these tables themselves", roots)
        elif engine is None and not self._is_given(file, on):
            self._stays(
                "HM861",
                file,
                function,
                f"{text} on {ast.unparse(on) if on else 'nothing'}, of which it is not known what it is",
            )
        elif found is None:
            self._stays(
                "HM861",
                file,
                function,
                f"{text}, whose tables are not known",
                engine.roots if engine else frozenset(),
            )
        else:
            return True
        return False

    def _is_given(self, file: Path, node: ast.expr | None) -> bool:
        """Whether a name is a parameter of a helper: whoever calls it gives it the engine or the connection."""
        function = self.handles.bindings.function(file, node) if node is not None else None
        if not isinstance(node, ast.Name) or function is None or node.id not in parameters(function):
            return False
        return self.handles.fixture_of(file, function, node.id) is None

    def _is_test(self, file: Path) -> bool:
        return self.handles.symbols.sources.modules[file].is_test

    def _metadata(self, file: Path, node: ast.expr) -> Reference | None:
        if isinstance(node, ast.Name):
            for scope in self.handles.bindings.scopes(file, node):
                local = self.handles.bindings.local(scope).get(node.id, [])
                if local:
                    return self._metadata(file, local[-1].value)
        if isinstance(node, ast.Attribute) and node.attr == "metadata":
            owner = self.handles.symbols.resolve(file, node.value)
            if owner is not None and (owner.name in SQLMODEL or is_base(owner, self.handles.symbols)):
                return owner
            if owner is not None and isinstance(self.handles.symbols.definition(owner), ast.ClassDef):
                return owner
        found = self.handles.symbols.resolve(file, node)
        made = self.handles.symbols.definition(found)
        if found is not None and found.file is not None and isinstance(made, ast.Call):
            return found if outside(found.file, made.func, self.handles.symbols) in METADATA else None
        if found is not None and found.file is not None and isinstance(made, ast.Attribute):
            return self._metadata(found.file, made)
        return None

    def _is_clearing(self, file: Path, statement: ast.expr, at: ast.AST) -> bool:
        """Whether what is executed clears tables, or makes or drops databases; rows of a test's own after a yield."""
        statement = _awaited(statement) or statement
        if isinstance(statement, ast.Name):
            for scope in self.handles.bindings.scopes(file, statement):
                local = self.handles.bindings.local(scope).get(statement.id, [])
                if local:
                    return all(self._is_clearing(file, each.value, at) for each in local)
            return False
        if isinstance(statement, ast.Call) and last_name(statement.func) == "text" and statement.args:
            statement = statement.args[0]
        text = _text(statement)
        if text is not None:
            has_condition = re.search(
                r"\bwhere\b", text, re.IGNORECASE
            ) and not text.lower().lstrip().startswith("select")
            return bool(MAKES.match(text) or CLEARS.match(text)) and (
                not has_condition or self._is_after_yield(file, at)
            )
        has_condition = False
        while isinstance(statement, ast.Call) and last_name(statement.func) in (
            "where",
            "filter",
            "execution_options",
        ):
            has_condition = has_condition or last_name(statement.func) != "execution_options"
            statement = statement.func.value if isinstance(statement.func, ast.Attribute) else statement
        is_delete = isinstance(statement, ast.Call) and last_name(statement.func) == "delete"
        return is_delete and (not has_condition or self._is_after_yield(file, at))

    def _is_after_yield(self, file: Path, node: ast.AST) -> bool:
        function = self.handles.bindings.function(file, node)
        return function is not None and any(
            isinstance(each, ast.Yield) and each.lineno < node.lineno  # type: ignore[attr-defined]
            for each in own_nodes(function)
        )

    def _is_of_server(self, file: Path, call: ast.Call) -> bool:
        name = outside(file, call.func, self.handles.symbols)
        return name.startswith("sqlalchemy_utils.") and name.rpartition(".")[2] in SERVERS

    def _migrates(self, file: Path, call: ast.Call) -> bool:
        name = outside(file, call.func, self.handles.symbols)
        if name in MIGRATES:
            return self._is_whole(file, call, name, call.args[1:])
        given = [*call.args, *(word.value for word in call.keywords if word.arg == "args")]
        listed = [
            part
            for each in given
            for part in (each.elts if isinstance(each, ast.List | ast.Tuple) else [each])
        ]
        words = [word for part in listed for word in (_text(part) or "").split()]
        if name == MAIN or (last_name(call.func) in PROCESSES and "alembic" in words):
            for verb, name in (
                ("upgrade", "alembic.command.upgrade"),
                ("downgrade", "alembic.command.downgrade"),
            ):
                if verb in words:
                    return words[-1] in MIGRATES[name]
        return False

    def _is_whole(self, file: Path, call: ast.Call, name: str, revisions: Sequence[ast.expr]) -> bool:
        given = [*revisions, *(word.value for word in call.keywords if word.arg == "revision")]
        if given and literal(given[0]) in MIGRATES[name]:
            return True
        self._stays("HM865", file, call, f"{ast.unparse(call)}: not all migrations")
        return False

    def _is_handed_on(self, file: Path, call: ast.Call) -> bool:
        """Whether something is called only to call what is superseded: ``run_sync(metadata.create_all)``."""
        if last_name(call.func) not in HANDING_ON:
            return False
        for index, each in enumerate(call.args):
            if isinstance(each, ast.Attribute) and each.attr in TABLES:
                owner = call.func.value if isinstance(call.func, ast.Attribute) else None
                return self._is_of_tables(file, each, owner)
            if isinstance(each, ast.Call) and self._goes_when_called(file, each):
                return True
            if isinstance(each, ast.Lambda) and self._goes_when_called(file, each.body):
                return True
            if isinstance(each, ast.Name | ast.Attribute):
                if outside(file, each, self.handles.symbols) in MIGRATES:
                    name = outside(file, each, self.handles.symbols)
                    return self._is_whole(file, call, name, call.args[index + 2 :])
                if self._calls_emptied(file, each):
                    return True
        return False

    def _is_listening(self, file: Path, call: ast.Call) -> bool:
        name = outside(file, call.func, self.handles.symbols)
        if name not in ("sqlalchemy.event.listen", "sqlalchemy.event.remove") or len(call.args) < 2:
            return False
        return self._is_of_savepoints(file, call, call.args)

    def _is_listener(self, file: Path, function: Function) -> bool:
        for each in function.decorator_list:
            name = outside(file, each.func, self.handles.symbols) if isinstance(each, ast.Call) else ""
            if isinstance(each, ast.Call) and name == "sqlalchemy.event.listens_for" and len(each.args) > 1:
                return self._is_of_savepoints(file, function, each.args)
        return False

    def _is_of_savepoints(self, file: Path, node: ast.AST, args: Sequence[ast.expr]) -> bool:
        target, event = self.handles.of(file, args[0]), literal(args[1])
        if event == "after_transaction_end":
            return True
        if target is None or not target.is_own:
            return False
        if event in ("connect", "begin") and _is_for_savepoints(node, args, self.handles, file):
            return True
        self._stays("HM864", file, node, f"a listener for {event!r} on the engine of the tests", target.roots)
        return False

    def _is_of_overrides(self, file: Path, call: ast.Call) -> bool:
        function = call.func
        if last_name(function) == "setitem" and len(call.args) == 3 and last_name(call.args[0]) == OWN:
            return self.is_session(file, call.args[2])
        if not isinstance(function, ast.Attribute) or last_name(function.value) != OWN:
            return False
        statement = self._statement(file, call)
        if function.attr == "update":
            return self._goes_as_override(file, statement)
        if function.attr == "clear":
            return self._is_restored(file, statement, None)
        return (
            function.attr == "pop" and bool(call.args) and self._is_restored(file, statement, call.args[:1])
        )

    def _statement(self, file: Path, node: ast.AST) -> ast.stmt:
        return next(each for each in self.handles.bindings.around(file, node) if isinstance(each, ast.stmt))

    def _is_patch(self, file: Path, call: ast.Call) -> bool:
        """Whether a call puts the suite's engine, sessionmaker or session in the place of the application's."""
        if last_name(call.func) == "setenv" and len(call.args) == 2:
            return self._names_a_made_database(file, call.args[1])
        if last_name(call.func) not in PATCHES:
            return False
        if len(call.args) == 3 and literal(call.args[1]) is not None:
            target = ast.Attribute(call.args[0], literal(call.args[1]) or "", ast.Load())
            return self._leads(file, target, call.args[2])
        if len(call.args) == 2 and literal(call.args[0]) is not None:
            module = (literal(call.args[0]) or "").rpartition(".")[0]
            located = self.handles.symbols.locate(module, file) if module else None
            return located is not None and self._is_reach(file, call.args[1], located)
        return False

    def _leads(self, file: Path, target: ast.expr, value: ast.expr) -> bool:
        """Whether a module of the application is given the suite's engine or what comes of it."""
        if not isinstance(target, ast.Attribute):
            return False
        owner = self.handles.symbols.resolve(file, target.value)
        if owner is None or owner.file is None or owner.name:
            return False
        return self._is_reach(file, value, owner.file)

    def _is_reach(self, file: Path, value: ast.expr, module: Path) -> bool:
        if self._is_test(module):
            return False
        found = self.handles.handed_out(file, value)
        return found is not None and found.kind in ("engine", "maker", "session", "connection")

    def _names_a_made_database(self, file: Path, value: ast.expr) -> bool:
        """Whether a value is the name of a database that the same function makes."""
        function = self.handles.bindings.function(file, value)
        if not isinstance(value, ast.Name) or function is None:
            return False
        return any(
            isinstance(node, ast.JoinedStr)
            and MAKES.match(_text(node) or "")
            and any(isinstance(part, ast.Name) and part.id == value.id for part in ast.walk(node))
            for node in own_nodes(function)
        )

    def _is_commit(self, file: Path, statement: ast.stmt) -> bool:
        call = _awaited(statement.value) if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        owner = self.handles.of(file, call.func.value) if call.func.attr in ("commit", "flush") else None
        is_one = owner is not None and owner.kind in ("session", "connection")
        return is_one and not self.is_blocked(file, statement)

    def _is_read_only(self, file: Path, statement: ast.stmt) -> bool:
        """Whether a statement only names what the superseded ones use."""
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            return all(isinstance(each, ast.Name) for each in targets) and is_pure(statement.value)
        return isinstance(statement, ast.Return) and (
            statement.value is None
            or (isinstance(statement.value, ast.Constant) and statement.value.value is None)
        )

    def _stays(
        self, code: str, file: Path, node: ast.AST, text: str, roots: frozenset[ast.expr] = frozenset()
    ) -> None:
        self.reasons[node] = Reason(code, file, node.lineno, text, roots)  # type: ignore[attr-defined]


PURE_CALLS = frozenset(
    {
        "getenv",
        "get",
        "join",
        "replace",
        "format",
        "str",
        "Path",
        "make_url",
        "getcwd",
        "resolve",
        "dirname",
        "Config",
    }
    | {
        "get_running_loop",
        "get_event_loop",
        "text",
        "delete",
        "MonkeyPatch",
        "set",
        "uuid4",
        "create",
        "as_posix",
    }
    | {"abspath", "render_as_string", "URL", "rsplit", "split", "strip", "lower", "reversed", "sessionmaker"}
    | {"async_sessionmaker", "scoped_session", "get_settings", "int", "list", "sorted"}
)
"""The last names of calls whose result is all that they are for."""


def is_pure(value: ast.expr | None) -> bool:
    """Whether an expression is there for its value alone."""
    return value is not None and all(
        not isinstance(node, ast.Await | ast.Yield | ast.YieldFrom)
        and (not isinstance(node, ast.Call) or last_name(node.func) in PURE_CALLS)
        for node in ast.walk(value)
    )


def is_nothing(statement: ast.stmt) -> bool:
    """Whether a statement does nothing: ``pass``, a docstring, a ``yield`` or a ``return`` of nothing, an import."""
    if isinstance(statement, ast.Expr):
        value = statement.value
        is_bare = isinstance(value, ast.Yield) and (value.value is None or _is_none(value.value))
        return is_bare or isinstance(value, ast.Constant)
    if isinstance(statement, ast.Return):
        return statement.value is None or _is_none(statement.value)
    return isinstance(statement, ast.Pass | ast.Import | ast.ImportFrom | ast.Nonlocal | ast.Global)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _awaited(value: ast.expr | None) -> ast.expr | None:
    return value.value if isinstance(value, ast.Await) else value


def _text(node: ast.expr) -> str | None:
    """Return a text, holes and all."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return literal(node)


def _is_override(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and last_name(target.value) == OWN


def _updated(call: ast.Call) -> Iterator[tuple[ast.expr, ast.expr]]:
    if last_name(call.func) == "setitem" and len(call.args) == 3 and last_name(call.args[0]) == OWN:
        yield call.args[1], call.args[2]
    if isinstance(call.func, ast.Attribute) and last_name(call.func.value) == OWN and call.args:
        given = call.args[0]
        for key, value in zip(given.keys, given.values, strict=True) if isinstance(given, ast.Dict) else ():
            if key is not None:
                yield key, value


def _starts_at_query(function: ast.expr) -> bool:
    while isinstance(function, ast.Attribute | ast.Call):
        if isinstance(function, ast.Attribute) and function.attr == "query":
            return True
        function = function.value if isinstance(function, ast.Attribute) else function.func
    return False


def _removes_a_file(call: ast.Call) -> bool:
    """Whether a call removes a file that is a database by its name."""
    if last_name(call.func) not in REMOVES:
        return False
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(FILES)
        for node in ast.walk(call)
    )


def _is_for_savepoints(node: ast.AST, args: Sequence[ast.expr], handles: Handles, file: Path) -> bool:
    """Whether a listener is the one that makes SAVEPOINT work with SQLite's driver, as SQLAlchemy's manual has it."""
    if not isinstance(node, Function):
        found = handles.function(file, args[2]) if len(args) > 2 else None
        if found is None or isinstance(found[1], ast.Lambda):
            return False
        node = found[1]
    code = " ".join(ast.unparse(each) for each in node.body if not is_nothing(each))
    return (
        re.fullmatch(r"\w+\.isolation_level = None|\w+\.exec(ute|_driver_sql)\(.*BEGIN.*\)", code) is not None
    )
