"""Whether code gives up without a value: ``url = os.getenv("URL")``, ``if not url: raise``.

What is read is a variable, anywhere, or a field, which a validator of its settings class demands where pytest runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hermetic.source.bindings import Bindings
from hermetic.source.syntax import assignments, last_name, literal, nodes_of, statements

GIVING_UP = frozenset({"exit", "_exit", "abort"})


def is_demanded(file: Path, node: ast.AST, bindings: Bindings) -> bool:
    """Whether code around a read of the environment raises, or ends the process, where it has given nothing."""
    parents = bindings.parents(file)
    scope = bindings.function(file, node) or bindings.symbols.sources.modules[file].tree
    names = set(_names(node, parents))
    body = [] if isinstance(scope, ast.Lambda) else scope.body
    for statement in statements(body):
        if any(isinstance(outer, ast.If) for outer in _around(statement, scope, parents)):
            continue  # asked for in some cases only
        if isinstance(statement, ast.If) and gives_up(statement.body):
            if _says_missing(statement.test, names, node):
                return True
        elif isinstance(statement, ast.Assert) and _mentions(statement.test, names, node):
            return True
    outer = parents.get(node)
    return (
        isinstance(outer, ast.BoolOp) and isinstance(outer.values[-1], ast.Call) and _ends(outer.values[-1])
    )


def may_be_missing(file: Path, node: ast.AST, bindings: Bindings) -> bool:
    """Whether code that reads a variable goes on without it: before an ``or``, or where a ``KeyError`` is caught."""
    inner = node
    for outer in bindings.around(file, node):
        if isinstance(outer, ast.BoolOp) and isinstance(outer.op, ast.Or) and inner is not outer.values[-1]:
            return not _ends(outer.values[-1])
        if isinstance(outer, ast.Try) and inner in outer.body:
            return any(_catches(handler) and not gives_up(handler.body) for handler in outer.handlers)
        inner = outer
    return False


def demanded_under_pytest(definition: ast.ClassDef) -> frozenset[str]:
    """Return the names of the fields without which a method of a settings class raises in a run of pytest."""
    branches = (
        line
        for method in definition.body
        if isinstance(method, ast.FunctionDef)
        for line in method.body
        if isinstance(line, ast.If) and ast.unparse(line.test) == "'pytest' in sys.modules"
    )
    return frozenset(field for branch in branches for field in _demanded(branch.body))


def _demanded(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the fields of which statements raise where they have no value."""
    tests = [line.test for line in body if isinstance(line, ast.If) and gives_up(line.body)]
    for line in body:
        for node in nodes_of(line):
            field = _field(node)
            names = {name for name, value in assignments(line) if value is node}
            if field is not None and any(_says_missing(test, names, node) for test in tests):
                yield field


def _field(node: ast.AST) -> str | None:
    """Return the field that a validator looks up: ``info.data.get("URL")``, ``values["URL"]``, ``self.URL``."""
    if isinstance(node, ast.Attribute):
        return node.attr if last_name(node.value) == "self" else None
    owner, key = None, None
    if isinstance(node, ast.Subscript):
        owner, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        owner, key = node.func.value, next(iter(node.args), None)
    return literal(key) if owner is not None and last_name(owner) in ("data", "values") else None


def _names(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[str]:
    """Yield the names that a read's value is given, or a collection in which it is looked at."""
    inner = node
    outer = parents.get(node)
    while isinstance(outer, ast.expr | ast.comprehension | ast.keyword):
        if isinstance(outer, ast.NamedExpr):
            yield outer.target.id
        inner, outer = outer, parents.get(outer)
    if isinstance(outer, ast.Assign | ast.AnnAssign) and inner is outer.value:
        for target in outer.targets if isinstance(outer, ast.Assign) else [outer.target]:
            if isinstance(target, ast.Tuple) and isinstance(inner, ast.Tuple):
                pairs = zip(target.elts, inner.elts, strict=False)
                yield from (last_name(each) for each, value in pairs if node in ast.walk(value))
            else:
                yield last_name(target)


def _says_missing(test: ast.expr, names: set[str], read: ast.AST) -> bool:
    """Whether a condition holds where the value is missing."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _mentions(test.operand, names, read)
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.Or) and any(_says_missing(value, names, read) for value in test.values)
    if isinstance(test, ast.Compare):
        sides = [test.left, *test.comparators]
        is_nothing = any(isinstance(side, ast.Constant) and side.value in (None, "") for side in sides)
        is_equal = isinstance(test.ops[0], ast.Is | ast.Eq | ast.In)
        return is_nothing and is_equal and _mentions(test, names, read)
    if isinstance(test, ast.Call) and last_name(test.func) == "any":
        return _mentions(test, names, read)
    # ``missing = [name for name in NAMES if not os.getenv(name)]``, then ``if missing: raise``
    return isinstance(test, ast.Name) and test.id in names and isinstance(read, ast.Call) and _is_looped(read)


def _is_looped(read: ast.Call) -> bool:
    return bool(read.args) and isinstance(read.args[0], ast.Name)


def _mentions(test: ast.expr, names: set[str], read: ast.AST) -> bool:
    return any(
        node is read or (isinstance(node, ast.Name | ast.Attribute) and last_name(node) in names)
        for node in ast.walk(test)
    )


def gives_up(body: list[ast.stmt]) -> bool:
    """Whether statements raise, or end the process, whatever else they do."""
    return any(
        isinstance(statement, ast.Raise)
        or (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Call)
            and _ends(statement.value)
        )
        for statement in body
    )


def _around(statement: ast.AST, scope: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while (outer := parents.get(statement)) not in (None, scope):
        assert outer is not None
        yield outer
        statement = outer


def _ends(expression: ast.expr) -> bool:
    """Whether an expression ends the process."""
    return isinstance(expression, ast.Call) and last_name(expression.func) in GIVING_UP


def _catches(handler: ast.ExceptHandler) -> bool:
    text = "" if handler.type is None else ast.unparse(handler.type)
    return not text or any(name in text for name in ("KeyError", "LookupError", "Exception"))
