"""What makes or drops an application's tables, or a whole database: ``create_all``, migrations, a server's, a file."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from hermetic.migrate.steps.database.handles import Handles
from hermetic.migrate.steps.database.side_effects import text_of
from hermetic.migrate.steps.database.staying import Staying
from hermetic.source.bindings import parameters
from hermetic.source.environ import outside
from hermetic.source.migrations import MAIN, PROCESSES
from hermetic.source.models import METADATA, SQLMODEL, is_base
from hermetic.source.symbols import Reference
from hermetic.source.syntax import last_name, literal

TABLES = frozenset({"create_all", "drop_all"})
SERVERS = frozenset({"create_database", "drop_database"})
MIGRATES = {"alembic.command.upgrade": ("head", "heads"), "alembic.command.downgrade": ("base",)}
REMOVES = frozenset({"remove", "unlink"})


@dataclass
class Making:
    """Tells what makes tables and databases.

    Args:
        handles: What expressions stand for.
        staying: Where it is noted what stays.
    """

    handles: Handles
    staying: Staying

    def is_of_tables(self, file: Path, function: ast.Attribute, on: ast.expr | None) -> bool:
        """Whether ``create_all`` and the like is of tables that the application has, on an engine that is known."""
        engine = self.handles.of(file, on) if on is not None else None
        found = self._metadata(file, function.value)
        text = ast.unparse(function)
        if (
            found is not None
            and found.file is not None
            and self.handles.symbols.sources.modules[found.file].is_test
        ):
            roots = engine.roots if engine else frozenset()
            self.staying.note(
                "HM862", file, function, f"{text}: the tests define these tables themselves", roots
            )
        elif engine is None and not self._is_given(file, on):
            self.staying.note(
                "HM861",
                file,
                function,
                f"{text} on {ast.unparse(on) if on else 'nothing'}, of which it is not known what it is",
            )
        elif found is None:
            self.staying.note(
                "HM861",
                file,
                function,
                f"{text}, whose tables are not known",
                engine.roots if engine else frozenset(),
            )
        else:
            return True
        return False

    def is_of_server(self, file: Path, call: ast.Call) -> bool:
        """Whether a call makes or drops a database on a server."""
        name = outside(file, call.func, self.handles.symbols)
        return name.startswith("sqlalchemy_utils.") and name.rpartition(".")[2] in SERVERS

    def migrates(self, file: Path, call: ast.Call) -> bool:
        """Whether a call runs all migrations, up or down."""
        name = outside(file, call.func, self.handles.symbols)
        if name in MIGRATES:
            return self.is_whole(file, call, name, call.args[1:])
        given = [*call.args, *(word.value for word in call.keywords if word.arg == "args")]
        listed = [
            part
            for each in given
            for part in (each.elts if isinstance(each, ast.List | ast.Tuple) else [each])
        ]
        words = [word for part in listed for word in (text_of(part) or "").split()]
        if name == MAIN or (last_name(call.func) in PROCESSES and "alembic" in words):
            for verb, name in (
                ("upgrade", "alembic.command.upgrade"),
                ("downgrade", "alembic.command.downgrade"),
            ):
                if verb in words:
                    return words[-1] in MIGRATES[name]
        return False

    def is_whole(self, file: Path, call: ast.Call, name: str, revisions: Sequence[ast.expr]) -> bool:
        """Whether a migration goes to the last revision, or to none; it is noted that another stays."""
        given = [*revisions, *(word.value for word in call.keywords if word.arg == "revision")]
        if given and literal(given[0]) in MIGRATES[name]:
            return True
        self.staying.note("HM865", file, call, f"{ast.unparse(call)}: not all migrations")
        return False

    def _is_given(self, file: Path, node: ast.expr | None) -> bool:
        """Whether a name is a parameter of a helper: whoever calls it gives it the engine or the connection."""
        function = self.handles.bindings.function(file, node) if node is not None else None
        if not isinstance(node, ast.Name) or function is None or node.id not in parameters(function):
            return False
        return self.handles.fixture_of(file, function, node.id) is None

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

    def removes_a_file(self, call: ast.Call) -> bool:
        """Whether a call removes a file that a URL of the project names."""
        if last_name(call.func) not in REMOVES:
            return False
        names = {PurePath(text).name for text in _texts(ast.walk(call))} - {""}
        return any(
            ":///" in text and PurePath(text).name in names
            for module in self.handles.symbols.sources.modules.values()
            if names and module.mentions(*(name.partition(".")[0] for name in names))
            for text in _texts(module.of(ast.Constant))
        )


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
