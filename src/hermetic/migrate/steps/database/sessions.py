"""A fixture that is left with nothing but a session on hermetic's engine hands out hermetic's session."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from hermetic.migrate.imports import added_imports
from hermetic.migrate.steps.database.handles import MAKERS
from hermetic.migrate.steps.database.stand_ins import ENGINE
from hermetic.migrate.text import Edit, SourceText
from hermetic.source.environ import outside
from hermetic.source.fixtures import ASYNCIO, Fixture, Suite
from hermetic.source.modules import Module
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import is_constant_alone, keyword

SESSION = "async_db_session"
ENDS = frozenset({"close", "rollback"})
IGNORED = frozenset({"bind", "autocommit", "future", "class_", "expire_on_commit"})


def handed_out(suite: Suite) -> dict[Path, bytes]:
    """Return the files of the fixtures whose session can be hermetic's, with that in them."""
    found: dict[Path, dict[Edit, None]] = {}
    for fixture in suite.fixtures:
        module = suite.symbols.sources.modules[fixture.file]
        if module.mentions(ENGINE) and _is_plain(fixture, suite.symbols):
            found.setdefault(fixture.file, {}).update(dict.fromkeys(_edits(fixture, suite.symbols)))
    modules = suite.symbols.sources.modules
    return {path: SourceText(modules[path].text).edited(edits) for path, edits in found.items()}


def _is_plain(fixture: Fixture, symbols: Symbols) -> bool:
    """Whether a fixture opens a session on hermetic's engine for a test, hands it out, and ends it."""
    if fixture.scope != "function" or fixture.owner is not None or not fixture.is_async:
        return False
    if fixture.loop_scope is not None and fixture.maker != ASYNCIO:
        return False
    body = [each for each in fixture.function.body if not is_constant_alone(each)]
    maker: dict[str, ast.Call] = {}
    while (
        len(body) > 1
        and isinstance(body[0], ast.Assign)
        and _makes(body[0].value, fixture.file, symbols, maker)
    ):
        target = body[0].targets[0]
        assert isinstance(body[0].value, ast.Call)
        if isinstance(target, ast.Name):
            maker[target.id] = body[0].value
        body = body[1:]
    if len(body) == 1 and isinstance(body[0], ast.AsyncWith) and len(body[0].items) == 1:
        item = body[0].items[0]
        variable = item.optional_vars
        if not _opens(item.context_expr, fixture.file, symbols, maker) or not isinstance(variable, ast.Name):
            return False
        return _hands_out(body[0].body, variable.id)
    if maker and (name := list(maker)[-1]) and _opens(maker[name], fixture.file, symbols, maker):
        return _hands_out(body, name)
    return False


def _makes(value: ast.expr, file: Path, symbols: Symbols, known: dict[str, ast.Call]) -> bool:
    if not isinstance(value, ast.Call):
        return False
    name = outside(file, value.func, symbols).rpartition(".")[2]
    return name in MAKERS or _opens(value, file, symbols, known)


def _opens(value: ast.expr, file: Path, symbols: Symbols, known: dict[str, ast.Call]) -> bool:
    """Whether an expression opens SQLAlchemy's session as hermetic's is opened."""
    if not isinstance(value, ast.Call):
        return False
    words = list(value.keywords)
    made = value
    if isinstance(value.func, ast.Name) and value.func.id in known:
        made = known[value.func.id]
        words += made.keywords
    elif isinstance(value.func, ast.Call):
        made = value.func
        words += made.keywords
    name = outside(file, made.func, symbols)
    if name.partition(".")[0] != "sqlalchemy" or name.rpartition(".")[2] not in {*MAKERS, "AsyncSession"}:
        return False
    of_class = keyword(made, "class_")
    if of_class is not None and not outside(file, of_class, symbols).startswith("sqlalchemy."):
        return False
    bound = keyword(made, "bind") or (made.args[0] if made.args else None)
    kept = keyword(ast.Call(made.func, [], words), "expire_on_commit")
    return (
        isinstance(bound, ast.Name)
        and bound.id == ENGINE
        and isinstance(kept, ast.Constant)
        and kept.value is False
        and all(word.arg in IGNORED for word in words)
    )


def _hands_out(body: list[ast.stmt], name: str) -> bool:
    """Whether statements yield a session, and end it."""
    if len(body) == 1 and isinstance(body[0], ast.Try) and not body[0].handlers and not body[0].orelse:
        body = [*body[0].body, *body[0].finalbody]
    first, *rest = body
    is_yielded = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Yield)
        and _is_name(first.value.value, name)
    )
    return is_yielded and all(_ends(each, name) for each in rest)


def _ends(statement: ast.stmt, name: str) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    call = value.value if isinstance(value, ast.Await) else value
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ENDS
        and _is_name(call.func.value, name)
    )


def _edits(fixture: Fixture, symbols: Symbols) -> list[Edit]:
    module = symbols.sources.modules[fixture.file]
    source = SourceText(module.text)
    function = fixture.function
    indent = source.indent(function)
    words = [
        source.of(word)
        for word in (fixture.decorator.keywords if isinstance(fixture.decorator, ast.Call) else [])
        if word.arg not in ("scope", "loop_scope")
    ]
    decorator = f"pytest.fixture({', '.join(words)})" if words else "pytest.fixture"
    others = [source.of(each) for each in function.args.args if each.arg != ENGINE]
    is_typed = function.returns is not None and "AsyncSession" in symbols.scope(fixture.file).names
    asked = f"{SESSION}: AsyncSession" if is_typed else SESSION
    head = f"def {function.name}({', '.join([*others, asked])}){' -> AsyncSession' if is_typed else ''}:"
    texts = [source.of(each) for each in function.body[:1] if is_constant_alone(each)]
    lines = [head, *(f"{indent}    {text}" for text in texts), f"{indent}    return {SESSION}"]
    edits = [
        source.replace(fixture.decorator, decorator),
        Edit(source.start(function), source.end(function), "\n".join(lines)),
    ]
    return [*edits, *_importing_pytest(module, source)]


def _importing_pytest(module: Module, source: SourceText) -> Iterable[Edit]:
    """Return the edits by which a file has pytest, beside pytest-asyncio where it has that."""
    top = [each for each in module.tree.body if isinstance(each, ast.Import)]
    names = {alias.name: each for each in top for alias in each.names if alias.asname is None}
    if "pytest_asyncio" in names and "pytest" not in names:
        start = source.start(names["pytest_asyncio"])
        return [Edit(start, start, "import pytest\n")]
    return added_imports(source, module.tree, [("pytest", "")])


def _is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
