"""Find the FastAPI application of a project.

A project often has several: the real one, sub-applications that it mounts, a factory beside the instance made by it.
They are ranked by evidence, the strongest first: FastAPI's own ``[tool.fastapi] entrypoint``, not being mounted in
another, being imported by the tests, being an instance and not a factory, including routers, and only then by the
names that people choose.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.source.bindings import Function, parameters
from hermetic.source.modules import Module, Place
from hermetic.source.symbols import Reference, Symbols
from hermetic.source.syntax import assignments, statements

FASTAPI = frozenset({"fastapi.FastAPI", "fastapi.applications.FastAPI"})
STARLETTE = frozenset({"starlette.applications.Starlette", "litestar.Litestar", "quart.Quart"})
"""What only tests make may be any ASGI application: hermetic's half for the database needs none of its own."""

BY_NAME = "__getattr__"
"""Makes what a module has not, when it is asked for by its name: nobody calls it for an application."""

FILE_NAMES = ("main.py", "app.py", "asgi.py", "application.py", "server.py", "api.py", "__init__.py")
NAMES = ("app", "application", "api", "create_app", "get_app", "make_app", "get_application")
ROUTES = frozenset({"get", "post", "put", "patch", "delete", "websocket", "api_route", "add_api_route"})


@dataclass(frozen=True)
class Application:
    """An application, or a factory that returns one.

    Attributes:
        file: The module that defines it.
        line: Where.
        name: Its name in that module.
        is_factory: Whether it must be called to get the application.
        required: The arguments without which a factory cannot be called; hermetic can use only one that has none.
    """

    file: Path
    line: int
    name: str
    is_factory: bool
    required: tuple[str, ...] = ()


def find_applications(
    symbols: Symbols, entrypoint: str = "", directory: Path | None = None
) -> list[Application]:
    """List the applications of a project, the likeliest first.

    Args:
        symbols: The project's names.
        entrypoint: The ``module:name`` of ``[tool.fastapi]``, if the project has it.
        directory: The folder that was asked for; None for the whole project.
    """
    words = symbols.words_for(
        {"FastAPI"}, lambda found: _is_fastapi(found, symbols) or makes_application(found, symbols)
    )
    production = (module for module in symbols.sources.production if module.mentions(*words))
    found = [app for module in production for app in _applications(module, symbols)]
    mounted = _mounted(symbols)
    tested = _imported_by_tests(found, symbols)
    routers = {app: _router_evidence(app, symbols) for app in found}

    def rank(app: Application) -> tuple[object, ...]:
        reference = Reference(app.file, app.name)
        return (
            not _is_entrypoint(app, entrypoint),
            bool(app.required),
            reference in mounted,
            directory is not None and not app.file.is_relative_to(directory),
            not tested[reference],
            app.is_factory,
            -routers[app],
            _position(app.file.name, FILE_NAMES),
            _position(app.name, NAMES),
            -tested[reference],
            len(app.file.parts),
            app.file,
            app.line,
        )

    return sorted(found, key=rank)


def made_by_tests(symbols: Symbols, application: Application | None) -> Place | None:
    """Return a line of the tests that makes an application, that of a conftest if there is one.

    Args:
        symbols: The project's names.
        application: The likeliest of the project; None for a library without one. One that can be had without arguments
            is the tests' own, unless it is a factory of which they say nothing, and they call another.
    """
    is_one = _is_asgi
    if application is not None and not application.required:
        if not application.is_factory or any(
            module.mentions(application.name) for module in symbols.sources.tests
        ):
            return None
        is_one = _is_factory
    for module in sorted(symbols.sources.tests, key=lambda module: module.path.name != "conftest.py"):
        for call in module.of(ast.Call):
            called = symbols.resolve(module.path, call.func)
            if called is not None and is_one(called, symbols):
                return Place(module.path, call.lineno)
    return None


def _is_factory(called: Reference, symbols: Symbols) -> bool:
    """Whether this is a function of the application that returns one, and none of the tests."""
    is_production = called.file is not None and symbols.sources.modules[called.file].is_production
    return is_production and makes_application(called, symbols)


def _is_asgi(called: Reference, symbols: Symbols) -> bool:
    return called.name in STARLETTE or _is_fastapi(called, symbols) or makes_application(called, symbols)


def makes_application(function: Reference, symbols: Symbols) -> bool:
    """Whether a function of the project returns an application."""
    definition = symbols.definition(function)
    if function.file is None or not isinstance(definition, ast.FunctionDef):
        return False
    return _returns_application(function.file, definition, symbols, frozenset())


def _applications(module: Module, symbols: Symbols) -> Iterator[Application]:
    definitions = symbols.scope(module.path).definitions
    for name, value in definitions.items():
        if isinstance(value, ast.FunctionDef):
            if name != BY_NAME and _returns_application(module.path, value, symbols, frozenset()):
                yield Application(module.path, value.lineno, name, True, _required(value))
        elif isinstance(value, ast.expr) and (
            _makes_application(module.path, value, symbols, frozenset()) or _wraps(name, value, module)
        ):
            yield Application(module.path, value.lineno, name, False)
    for statement in statements(module.tree.body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.value
        ):
            plain = not _makes_application(module.path, statement.value, symbols, frozenset())
            if plain and _is_fastapi(symbols.resolve(module.path, statement.annotation), symbols):
                yield Application(module.path, statement.lineno, statement.target.id, False)


def _wraps(name: str, value: ast.expr, module: Module) -> bool:
    """Whether this is ``app = Middleware(app)`` over an application: still what a server runs."""
    if not isinstance(value, ast.Call) or not any(
        isinstance(arg, ast.Name) and arg.id == name for arg in value.args
    ):
        return False
    earlier = (pair for statement in statements(module.tree.body) for pair in assignments(statement))
    calls = [other for target, other in earlier if target == name and isinstance(other, ast.Call)]
    return any(isinstance(call.func, ast.Name) and call.func.id == "FastAPI" for call in calls)


def _makes_application(
    file: Path, value: ast.expr, symbols: Symbols, seen: frozenset[tuple[Path, str]]
) -> bool:
    if not isinstance(value, ast.Call):
        return False
    called = symbols.resolve(file, value.func)
    if _is_fastapi(called, symbols):
        return True
    function = symbols.definition(called)
    if called is None or called.file is None or not isinstance(function, ast.FunctionDef):
        return False
    return _returns_application(called.file, function, symbols, seen)


def _is_fastapi(reference: Reference | None, symbols: Symbols) -> bool:
    """Whether a reference is FastAPI's class or a subclass of it defined in the project."""
    if reference is None:
        return False
    if reference.file is None:
        return reference.name in FASTAPI
    definition = symbols.definition(reference)
    if not isinstance(definition, ast.ClassDef):
        return False
    own = Reference(reference.file, reference.name)
    bases = (symbols.resolve(reference.file, base) for base in definition.bases)
    return any(base != own and _is_fastapi(base, symbols) for base in bases)


def _required(function: Function) -> tuple[str, ...]:
    return tuple(name for name, (_, default) in parameters(function).items() if default is None)


def _returns_application(
    file: Path, function: ast.FunctionDef, symbols: Symbols, seen: frozenset[tuple[Path, str]]
) -> bool:
    if (file, function.name) in seen:
        return False
    seen |= {(file, function.name)}
    if _takes_application(file, function, symbols):
        return False
    if function.returns and _is_fastapi(symbols.resolve(file, function.returns), symbols):
        return True
    body = list(statements(function.body))
    made = {
        name
        for statement in body
        for name, value in assignments(statement)
        if _makes_application(file, value, symbols, seen)
    }
    returned = [
        statement.value for statement in body if isinstance(statement, ast.Return) and statement.value
    ]
    return any(
        (isinstance(value, ast.Name) and value.id in made) or _makes_application(file, value, symbols, seen)
        for value in returned
    )


def _takes_application(file: Path, function: Function, symbols: Symbols) -> bool:
    """Whether a function is given an application, which it returns with something added, and so is no factory."""
    named = (argument.annotation for argument, _ in parameters(function).values())
    return any(each is not None and _is_fastapi(symbols.resolve(file, each), symbols) for each in named)


def _mounted(symbols: Symbols) -> set[Reference | None]:
    """Return the applications and factories that are mounted in another application."""
    mounted: set[Reference | None] = set()
    mounting = (module for module in symbols.sources.production if module.mentions("mount"))
    for module in mounting:
        for call in _method_calls(module.of(ast.Call), frozenset({"mount"})):
            for argument in [*call.args[1:], *(keyword.value for keyword in call.keywords)]:
                made = argument.func if isinstance(argument, ast.Call) else argument
                mounted.add(symbols.resolve(module.path, made))
    return mounted


def _imported_by_tests(applications: Iterable[Application], symbols: Symbols) -> Counter[Reference | None]:
    """Count, for each application, the test modules that import it, or name it in a module that they import."""
    wanted = {Reference(app.file, app.name) for app in applications}
    words = symbols.words_for({each.name for each in wanted}, wanted.__contains__)
    count: Counter[Reference | None] = Counter()
    for module in symbols.sources.tests:
        if module.mentions(*words):
            imported = {symbols.lookup(module.path, name) for name in symbols.scope(module.path).imports}
            if module.may_have_attribute(words):
                named = (node for node in module.of(ast.Attribute) if node.attr in words)
                imported.update(symbols.resolve(module.path, node) for node in named)
            count.update(wanted & imported)
    return count


def _router_evidence(app: Application, symbols: Symbols) -> int:
    """Return 2 for an application that includes routers, 1 for one with routes of its own, 0 for neither."""
    nodes: Iterable[ast.AST] = symbols.sources.modules[app.file].of(ast.Call)
    name: str | None = app.name
    definition = symbols.definition(Reference(app.file, app.name))
    if isinstance(definition, ast.FunctionDef):
        nodes, name = tuple(ast.walk(definition)), None
    if any(_method_calls(nodes, frozenset({"include_router"}), name)):
        return 2
    return int(any(_method_calls(nodes, ROUTES, name)))


def _method_calls(
    nodes: Iterable[ast.AST], methods: frozenset[str], owner: str | None = None
) -> Iterator[ast.Call]:
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
            holder = node.func.value
            if owner is None or (isinstance(holder, ast.Name) and holder.id == owner):
                yield node


def _is_entrypoint(app: Application, entrypoint: str) -> bool:
    module, _, name = entrypoint.partition(":")
    parts = tuple(module.split("."))
    own = app.file.with_suffix("").parts
    own = own[:-1] if own[-1] == "__init__" else own
    return bool(module) and name == app.name and own[-len(parts) :] == parts


def _position(name: str, names: tuple[str, ...]) -> int:
    return names.index(name) if name in names else len(names)
