"""What runs before the first request: the modules that are imported with the application, the functions it calls."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.source.bindings import FUNCTIONS, own_nodes
from hermetic.source.symbols import Reference, Symbols
from hermetic.source.syntax import imported_names, last_name, literal

MAKING = frozenset({"__init__", "__new__", "__post_init__", "__call__"})
STARTING = frozenset({"lifespan", "on_startup"})
Scope = tuple[Path, ast.AST]


@dataclass
class Startup:
    """What runs.

    Attributes:
        files: The modules that are imported.
        functions: The functions that are called.
    """

    files: set[Path] = field(default_factory=set)
    functions: set[ast.AST] = field(default_factory=set)


def when_imported(files: Iterable[Path], called: Iterable[Scope], symbols: Symbols) -> Startup:
    """Follow what runs when modules are imported.

    Args:
        files: The modules.
        called: Functions that are called then, each with its file.
        symbols: The project's names.
    """
    return _followed(Startup(), [*called, *_modules(files, symbols)], symbols)


def when_started(imported: Startup, symbols: Symbols) -> Startup:
    """Follow what runs when an application that is imported is started, too: its lifespan, its startup events."""
    at_start = [scope for file in imported.files for scope in _starting(file, symbols)]
    return _followed(Startup(set(imported.files), set(imported.functions)), at_start, symbols)


def _followed(startup: Startup, waiting: list[Scope], symbols: Symbols) -> Startup:
    """Add what scopes run to what runs already, and return that."""
    while waiting:
        file, scope = waiting.pop()
        if scope in startup.functions or (isinstance(scope, ast.Module) and file in startup.files):
            continue
        if isinstance(scope, ast.Module):
            startup.files.add(file)
            waiting.extend(_modules([file.parent / "__init__.py"], symbols))
        else:
            startup.functions.add(scope)
            waiting.extend(_modules([file], symbols))
        waiting.extend(_following(file, scope, symbols))
    return startup


def _following(file: Path, scope: ast.AST, symbols: Symbols) -> Iterator[Scope]:
    """Yield the modules that a scope's own code imports, and the functions of the project that it calls."""
    for node in own_nodes(scope):
        kind = type(node)
        if kind is ast.ClassDef:
            yield from _following(file, node, symbols)
        elif kind is ast.Call or kind is ast.Import or kind is ast.ImportFrom:
            if isinstance(node, ast.Call):
                yield from _called(symbols.resolve(file, node.func), symbols)
            for name in _imported(node, file):
                found = symbols.locate(name, file)
                yield from _modules([found] if found else [], symbols)


def _imported(node: ast.AST, file: Path) -> Iterator[str]:
    """Yield the dotted names that a node imports: a statement, or a call of ``import_module`` with a literal."""
    yield from imported_names([node], file)
    if isinstance(node, ast.Call) and node.args and last_name(node.func) == "import_module":
        name = literal(node.args[0])
        if name is not None:
            yield name


def _modules(files: Iterable[Path], symbols: Symbols) -> Iterator[Scope]:
    modules = symbols.sources.modules
    yield from ((file, modules[file].tree) for file in files if file in modules)


def _starting(file: Path, symbols: Symbols) -> Iterator[Scope]:
    """Yield the functions of a module that run when the application starts."""
    module = symbols.sources.modules[file]
    if not module.mentions(*STARTING, "on_event"):
        return
    for call in module.of(ast.Call):
        named = [word.value for word in call.keywords if word.arg in STARTING]
        for inner in (each for value in named for each in ast.walk(value)):
            if isinstance(inner, ast.Name | ast.Attribute):
                yield from _called(symbols.resolve(file, inner), symbols)
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = [
        *module.of(ast.FunctionDef),
        *module.of(ast.AsyncFunctionDef),
    ]
    for function in functions:
        if any("on_event" in ast.unparse(decorator) for decorator in function.decorator_list):
            yield file, function


def _called(reference: Reference | None, symbols: Symbols) -> Iterator[Scope]:
    """Yield what a call of a name runs: a function, the methods that make an object, a method of a made object."""
    if reference is None or reference.file is None:
        return
    head, _, method = reference.name.partition(".")
    owner = Reference(reference.file, head)
    definition = symbols.definition(owner)
    if isinstance(definition, ast.Call):
        owner = symbols.resolve(reference.file, definition.func) or owner
        definition = symbols.definition(owner)
    if owner.file is None:
        return
    if isinstance(definition, FUNCTIONS) and not method:
        yield owner.file, definition
    elif isinstance(definition, ast.ClassDef):
        names = {method} if method else MAKING
        yield from (
            (owner.file, line)
            for line in definition.body
            if isinstance(line, FUNCTIONS) and line.name in names
        )
