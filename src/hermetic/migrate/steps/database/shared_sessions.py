"""Sessions that the application and the tests shared: it has its own now, and each sees what the other commits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from hermetic.migrate.steps.database.changes import Plan
from hermetic.migrate.steps.database.handles import Place
from hermetic.migrate.steps.database.overrides import OWN, entries, is_override
from hermetic.source.syntax import last_name

VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request", "send"})
READS = frozenset({"execute", "exec", "scalar", "scalars", "stream", "stream_scalars"})


class Shared:
    """Finds the sessions of a suite that the application was given.

    Args:
        plan: What is planned so far.

    Attributes:
        shared: The calls that make a session of the suite that the application is given.
        lent: Why the application goes on using a session of the suite, by the place of that.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.shared: dict[ast.expr, Place] = {}
        self.lent: dict[tuple[Path, int], str] = {}

    def find(self) -> None:
        """Note the sessions of the suite that the application was given, and those of which it has objects."""
        self.shared.clear()
        values = [(path, value) for path in self.plan.changes for value in self._overriding(path)]
        for path, value in values:
            found = self.plan.handles.handed_out(path, value)
            called = self.plan.handles.function(path, value)
            own = set(ast.walk(called[1])) if called is not None else set()
            if found is None or found.made is None or found.made.node in own:
                continue
            if self.plan.statements.overrides.is_session(path, value):
                self.shared[found.made.node] = found.made
        for path, value in values:
            called = self.plan.handles.function(path, value)
            found = self.plan.handles.handed_out(path, value)
            is_session = found is not None and found.kind == "session"
            if called is not None and not is_session:
                self._find_lent(called[0], called[1], path, value)

    def commit_for_the_application(self) -> None:
        """Have commit what only flushed, where the application read by the same session and now has its own."""
        for path, changes in self.plan.changes.items():
            module = self.plan.suite.symbols.sources.modules[path]
            for node in module.of(ast.Call) if module.mentions("flush") else ():
                function = node.func
                if isinstance(function, ast.Attribute) and function.attr == "flush" and not node.args:
                    handle = self.plan.handles.of(path, function.value)
                    is_shared = (
                        handle is not None and handle.made is not None and handle.made.node in self.shared
                    )
                    if handle is not None and is_shared and not self.plan.staying.blocked & handle.roots:
                        changes.replaced[function] = f"{ast.unparse(function.value)}.commit"

    def read_what_the_application_wrote(self) -> None:
        """Have tests read rows anew after a request, where its session was the tests' own and is another now."""
        for test in self.plan.suite.tests if self.shared else ():
            requests = [each.lineno for each in ast.walk(test.function) if _is_request(each)]
            for node in ast.walk(test.function) if requests else ():
                function = node.func if isinstance(node, ast.Call) else None
                if not isinstance(function, ast.Attribute) or node.lineno <= min(requests):  # type: ignore[attr-defined]
                    continue
                handle = self.plan.handles.of(test.file, function.value)
                if handle is None or handle.made is None or handle.made.node not in self.shared:
                    continue
                if not self.plan.staying.blocked & handle.roots and isinstance(node, ast.Call):
                    self.plan.changes[test.file].appended.update(_reading_anew(node, function.attr))

    def _find_lent(self, file: Path, function: ast.AST, path: Path, value: ast.expr) -> None:
        """Note the sessions by which an override finds what it hands the application."""
        for node in ast.walk(function):
            found = self.plan.handles.of(file, node) if isinstance(node, ast.Name) else None
            if found is not None and found.made is not None and found.made.node in self.shared:
                self.plan.staying.lent.add(found.made.node)
                self.lent[path, value.lineno] = (
                    "the application goes on using the session of the tests: "
                    f"{ast.unparse(value)} hands it objects of that"
                )

    def _overriding(self, path: Path) -> Iterator[ast.expr]:
        """Yield what a module puts in the place of dependencies."""
        module = self.plan.suite.symbols.sources.modules[path]
        for each in module.of(ast.Assign) if module.mentions(OWN) else ():
            if any(map(is_override, each.targets)):
                yield each.value
        for entry in entries(module, self.plan.suite.symbols):
            yield entry.value


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
