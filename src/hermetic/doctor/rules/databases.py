"""Rules about engines: what they are given, and who makes their tables."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.doctor.subject import Spot, Subject, spot
from hermetic.source.bindings import FUNCTIONS, parameters
from hermetic.source.configuration import Configuration
from hermetic.source.environ import outside
from hermetic.source.fixtures import Fixture
from hermetic.source.migrations import MAIN, runs_migrations
from hermetic.source.origins import HOLE, Expression, Read, Text
from hermetic.source.sources import Module
from hermetic.source.syntax import last_name, literal, nodes_of

ASYNC_ENGINE = "create_async_engine"
ENGINES = frozenset({ASYNC_ENGINE, "create_engine"})
LIBRARIES = ("sqlalchemy.", "sqlmodel.")


@dataclass(frozen=True)
class Engine:
    """A call that makes an engine, and what is known of its URL.

    Attributes:
        module: Where.
        call: The call.
        address: The argument that is its URL.
        url: The URL; empty where it cannot be told.
    """

    module: Module
    call: ast.Call
    address: ast.expr
    url: str

    @property
    def is_async(self) -> bool:
        """Whether it is an async engine."""
        return last_name(self.call.func) == ASYNC_ENGINE

    def argument(self, name: str) -> ast.expr | None:
        """Return a keyword's value."""
        return next((word.value for word in self.call.keywords if word.arg == name), None)


def _engines(subject: Subject, name: str) -> Iterator[Engine]:
    """Yield the engines that a function of SQLAlchemy makes, where their making is not expected to fail."""
    for module in subject.modules:
        for call in module.of(ast.Call) if module.mentions(name) else ():
            found = outside(module.path, call.func, subject.symbols)
            address = _address(call)
            is_one = found.startswith(LIBRARIES) and found.rpartition(".")[2] == name
            if is_one and address is not None and not _is_tried(call, module, subject):
                yield Engine(module, call, address, _url(address, call, module, subject))


def _address(call: ast.Call) -> ast.expr | None:
    named = (word.value for word in call.keywords if word.arg == "url")
    return call.args[0] if call.args else next(named, None)


def _is_tried(call: ast.Call, module: Module, subject: Subject) -> bool:
    for outer in subject.bindings.around(module.path, call):
        if isinstance(outer, ast.Try) and outer.handlers:
            return True
        if isinstance(outer, ast.With | ast.AsyncWith) and "raises" in ast.unparse(outer.items[0]):
            return True
    return False


def _url(address: ast.expr, call: ast.Call, module: Module, subject: Subject) -> str:
    """Return a URL that constants and defaults tell; not one that depends on who calls a function."""
    function = subject.bindings.function(module.path, call)
    named = {node.id for node in ast.walk(address) if isinstance(node, ast.Name)}
    if function is not None and not named.isdisjoint(parameters(function)):
        return ""
    place = Expression(module.path, address)
    if literal(address) is None and subject.dataflow.conditions.is_dead(Expression(module.path, call)):
        return ""
    value = literal(address) or subject.dataflow.conditions.value(place)
    if not isinstance(value, str):
        value = _text_with_holes(place, subject)
    is_url = isinstance(value, str) and "://" in value and HOLE not in value.partition("://")[0]
    return str(value) if is_url else ""


def _text_with_holes(place: Expression, subject: Subject) -> object:
    """Return the text that an expression is, parts of it unknown; None where it may be another."""
    origins = subject.dataflow.origins(place)
    exact = [each for each in origins if not isinstance(each, Text | Read) or each.is_exact]
    return exact[0].value if len(exact) == 1 and isinstance(exact[0], Text) else None


def sync_url(subject: Subject) -> Iterator[Spot]:
    """An async engine with a URL whose driver is none for it."""
    for engine in _engines(subject, ASYNC_ENGINE):
        scheme, _, _ = engine.url.partition("://")
        kind = subject.databases.by_name.get(scheme.partition("+")[0])
        if kind is None or scheme.partition("+")[0] in kind.old:
            continue
        name, _, driver = scheme.partition("+")
        known = f"{driver} is no async driver" if driver in kind.blocking else ""
        if not driver and kind.async_since is None:
            known = f"{name}:// names no async driver"
        elif not driver and kind.async_since is not None:
            bound = subject.versions.before("sqlalchemy", kind.async_since)
            known = f"{name}:// means a driver that is not async in SQLAlchemy {bound.shown}" if bound else ""
        variables = _variables(engine, subject)
        if known and not any(_is_shown(name, subject) for name in variables):
            unless = f", unless {variables[0]} is set" if variables else ""
            wanted = next(iter(kind.asynchronous.values()), "")
            text = f"{known}: InvalidRequestError{unless}; {kind.name}+{wanted}:// is one"
            yield spot(engine.module.path, engine.address, text)


def _variables(engine: Engine, subject: Subject) -> list[str]:
    origins = subject.dataflow.origins(Expression(engine.module.path, engine.address))
    found = [each.variable for each in origins if isinstance(each, Read)]
    return [name for variable in found for name in variable.names]


def _is_shown(name: str, subject: Subject) -> bool:
    """Whether some file gives a variable a value: then runs are meant to have one."""
    given = subject.given
    return any(name in values for values in (given.values, given.private, *given.shown))


NULL = "NullPool"
QUEUES = frozenset({"QueuePool", "AsyncAdaptedQueuePool"})


def memory_pool(subject: Subject) -> Iterator[Spot]:
    """A database in memory, with a pool whose connections have one each."""
    if subject.is_on:
        return  # hermetic gives such an engine one database for all of its connections
    for name in ENGINES:
        for engine in _engines(subject, name):
            pool = engine.argument("poolclass")
            made = outside(engine.module.path, pool, subject.symbols) if pool is not None else ""
            word = made.rpartition(".")[2] if made.startswith("sqlalchemy.") else ""
            scheme, _, rest = engine.url.partition("://")
            kind = subject.databases.by_name.get(scheme.partition("+")[0])
            if kind is None or not engine.url or rest.removeprefix("/") not in kind.in_memory:
                continue
            if word == NULL or (word in QUEUES and not _is_single(engine)):
                assert pool is not None
                text = f"with {word} each connection to {engine.url} has an empty database of its own: no such table"
                yield spot(engine.module.path, pool, text)


def _is_single(engine: Engine) -> bool:
    size, overflow = engine.argument("pool_size"), engine.argument("max_overflow")
    return [getattr(each, "value", None) for each in (size, overflow)] == [1, 0]


MAKING = frozenset({"create_all", "drop_all"})


def tables_by_async_engine(subject: Subject) -> Iterator[Spot]:
    """``create_all`` on what is async: it is a plain function."""
    for module in subject.modules:
        for call in module.of(ast.Call) if module.mentions(*MAKING) else ():
            given = _bind(call)
            if given is None or last_name(call.func) not in MAKING or not _is_metadata(call, module, subject):
                continue
            what = _what(given, module.path, subject)
            if not what or _is_tried(call, module, subject):
                continue
            if what == "sync_engine" and not _runs_in_a_loop(call, module, subject):
                continue
            why = "MissingGreenlet" if what == "sync_engine" else "no attribute '_run_ddl_visitor'"
            name = f"{last_name(call.func)} is synchronous, and {ast.unparse(given)}"
            yield spot(module.path, call, f"{name} is {WHAT[what]}: {why}")


WHAT = {
    "engine": "an async engine",
    "connection": "an async connection",
    "sync_engine": "that of an async driver",
}


def _bind(call: ast.Call) -> ast.expr | None:
    named = (word.value for word in call.keywords if word.arg == "bind")
    return call.args[0] if call.args else next(named, None)


def _is_metadata(call: ast.Call, module: Module, subject: Subject) -> bool:
    """Whether a call is a method of what is called metadata, or of a ``MetaData`` of some name."""
    if not isinstance(call.func, ast.Attribute):
        return False
    owner = call.func.value
    if last_name(owner).lower() in ("metadata", "meta"):
        return True
    made = subject.symbols.definition(subject.symbols.resolve(module.path, owner))
    return isinstance(made, ast.Call) and last_name(made.func) == "MetaData"


def _runs_in_a_loop(call: ast.Call, module: Module, subject: Subject) -> bool:
    """Whether a call stands in a coroutine itself, where no greenlet is around it."""
    return isinstance(subject.bindings.function(module.path, call), ast.AsyncFunctionDef)


def _what(node: ast.expr, file: Path, subject: Subject, depth: int = 6) -> str:
    """Return which async thing an expression is: ``engine``, ``connection``, ``sync_engine``; empty where none."""
    if depth == 0:
        return ""
    if isinstance(node, ast.Call):
        name = outside(file, node.func, subject.symbols)
        return "engine" if name.startswith("sqlalchemy.") and name.endswith(f".{ASYNC_ENGINE}") else ""
    if isinstance(node, ast.Attribute) and node.attr == "sync_engine":
        return "sync_engine" if _what(node.value, file, subject, depth - 1) == "engine" else ""
    if isinstance(node, ast.Name):
        for scope in subject.bindings.scopes(file, node):
            bound = subject.bindings.local(scope).get(node.id, [])
            if len(bound) == 1 and bound[0].position is None:
                return _bound(bound[0].value, bound[0].statement, file, subject, depth - 1)
            is_given = isinstance(scope, FUNCTIONS) and node.id in parameters(scope)
            if bound or is_given:
                fixture = subject.suite.find(node.id, file) if is_given and not bound else None
                return _given(fixture, subject, depth - 1) if fixture is not None else ""
    found = subject.symbols.resolve(file, node)
    if found is None or found.file is None:
        return ""
    made = subject.bindings.module(found.file).get(found.name, [])
    return _what(made[0].value, found.file, subject, depth - 1) if len(made) == 1 else ""


def _bound(value: ast.expr, statement: ast.AST, file: Path, subject: Subject, depth: int) -> str:
    if isinstance(statement, ast.AsyncWith) and isinstance(value, ast.Call):
        is_opened = isinstance(value.func, ast.Attribute) and value.func.attr in ("begin", "connect")
        holder = _what(value.func.value, file, subject, depth) if is_opened else ""  # type: ignore[attr-defined]
        return "connection" if holder == "engine" else ""
    return _what(value, file, subject, depth)


def _given(fixture: Fixture, subject: Subject, depth: int) -> str:
    """Return what a fixture hands over, where that is one thing."""
    results = subject.bindings.results(fixture.function)
    found = {_what(value, fixture.file, subject, depth) for _, value in results}
    return found.pop() if len(found) == 1 else ""


def migrated_twice(subject: Subject) -> Iterator[Spot]:
    """A fixture that runs Alembic, where ``hermetic_schema`` has made the tables already."""
    schema = _schema(subject.configuration)
    if not subject.is_on or not schema or not all(_is_metadata_or_sql(each, subject) for each in schema):
        return
    for fixture in subject.suite.fixtures:
        if subject.suite.is_used(fixture) and subject.sources.modules[fixture.file].mentions("alembic"):
            node = _migration(fixture, subject)
            if node is not None:
                text = (
                    f"{fixture.name} runs the migrations, and hermetic_schema = {', '.join(schema)} has made the"
                    " tables: already exists"
                )
                yield spot(fixture.file, node, text)


def _schema(configuration: Configuration) -> list[str]:
    value = configuration.values.get("hermetic_schema", "")
    lines = [str(each) for each in value] if isinstance(value, list) else str(value).splitlines()
    return [line.strip() for line in lines if line.strip()]


def _is_metadata_or_sql(entry: str, subject: Subject) -> bool:
    """Whether a line of ``hermetic_schema`` makes the tables and no migration has been run then."""
    entry = entry.partition("->")[0].strip()
    if entry.endswith(".sql"):
        return True
    module, _, name = entry.partition(":")
    file = subject.symbols.locate(module, subject.sources.root / "conftest.py") if name else None
    is_function = file is not None and isinstance(
        subject.symbols.scope(file).definitions.get(name), ast.FunctionDef | ast.AsyncFunctionDef
    )
    return file is not None and not is_function


UNDOING = frozenset({"drop_all", "stamp"})


def _migration(fixture: Fixture, subject: Subject) -> ast.expr | None:
    """Return where a fixture's own body runs migrations in this process, on tables that it has not dropped before."""
    nodes = nodes_of(fixture.function)
    if any(isinstance(node, ast.Attribute) and node.attr in UNDOING for node in nodes):
        return None
    for node in nodes:
        if isinstance(node, ast.expr) and runs_migrations(node, fixture.file, subject.symbols):
            is_here = (
                not isinstance(node, ast.Call) or outside(fixture.file, node.func, subject.symbols) == MAIN
            )
            if is_here:
                return node
    return None
