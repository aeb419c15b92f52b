"""Rules about engines: what they are given, and who makes their tables."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from hermetic.doctor.rules.engines import (
    ASYNC_ENGINE,
    ENGINES,
    Engine,
    Traced,
    engines_made_by,
    traced,
)
from hermetic.doctor.subject import Spot, Subject, spot
from hermetic.source.bindings import Function
from hermetic.source.environ import outside
from hermetic.source.modules import Module
from hermetic.source.origins import Expression, Read
from hermetic.source.syntax import keyword, last_name, nodes_of


def sync_url(subject: Subject) -> Iterator[Spot]:
    """An async engine with a URL whose driver is none for it."""
    for engine in engines_made_by(subject, ASYNC_ENGINE):
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
        if not known:
            continue
        variables = _variables(engine, subject)
        given = [name for name in variables if name in subject.given.values]
        if given or not any(_is_shown(name, subject) for name in variables):
            unless = f", unless {variables[0]} is set" if variables else ""
            unless = f", by {given[0]} that the tests are given" if given else unless
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
    return any(name in values for values in (given.private, *given.shown))


NULL = "NullPool"
QUEUES = frozenset({"QueuePool", "AsyncAdaptedQueuePool"})


def memory_pool(subject: Subject) -> Iterator[Spot]:
    """A database in memory, with a pool whose connections have one each: the tables that are made there are lost."""
    if subject.is_on:
        return  # hermetic gives such an engine one database for all of its connections
    engines = (engine for name in ENGINES for engine in engines_made_by(subject, name))
    separated = [
        (engine, pool, word)
        for engine in engines
        if _is_in_memory(engine, subject)
        and (pool := keyword(engine.call, "poolclass")) is not None
        and (word := _separating(pool, engine, subject))
    ]
    with_tables = _with_tables(subject) if separated else set()
    for engine, pool, word in separated:
        if engine.call in with_tables and _is_used(engine, subject):
            text = (
                f"with {word} each connection to {engine.url} has an empty database of its own: no such table"
            )
            yield spot(engine.module.path, pool, text)


def _is_in_memory(engine: Engine, subject: Subject) -> bool:
    scheme, _, rest = engine.url.partition("://")
    kind = subject.databases.by_name.get(scheme.partition("+")[0])
    return bool(engine.url) and kind is not None and rest.removeprefix("/") in kind.in_memory


def _separating(pool: ast.expr, engine: Engine, subject: Subject) -> str:
    """Return the name of a pool that may have several connections; empty for others."""
    made = outside(engine.module.path, pool, subject.symbols)
    word = made.rpartition(".")[2] if made.startswith("sqlalchemy.") else ""
    size, overflow = keyword(engine.call, "pool_size"), keyword(engine.call, "max_overflow")
    is_single = [getattr(each, "value", None) for each in (size, overflow)] == [1, 0]
    return word if word == NULL or (word in QUEUES and not is_single) else ""


def _is_used(engine: Engine, subject: Subject) -> bool:
    """Whether an engine is used for more than to make tables: handed out, or by another connection."""
    function = subject.bindings.function(engine.module.path, engine.call)
    if function is None:
        return True
    parents = subject.bindings.parents(engine.module.path)
    bound = {name for name, values in _bound_to(function, subject) if engine.call in values}
    used = 0
    for node in nodes_of(function):
        if isinstance(node, ast.Name) and node.id in bound and isinstance(node.ctx, ast.Load):
            outer = parents.get(node)
            used += not (isinstance(outer, ast.Attribute) and outer.attr == "dispose")
    return not bound or used > 1


def _bound_to(function: Function, subject: Subject) -> Iterator[tuple[str, list[ast.expr]]]:
    for name, bindings in subject.bindings.local(function).items():
        yield name, [each.value for each in bindings]


def _with_tables(subject: Subject) -> set[ast.Call]:
    """Return the calls that make engines on which tables are made, by themselves or by a connection."""
    found = set()
    for module in subject.modules:
        for call in module.of(ast.Call) if module.mentions("create_all") else ():
            given = _runner(call) if last_name(call.func) == "run_sync" else _bind(call)
            if _is_kept(call, module, subject):
                continue
            if given is not None and "create_all" in {last_name(each) for each in (call.func, *call.args)}:
                engine = traced(given, module.path, subject)
                found |= {engine.call} if engine is not None else set()
    return found


def _is_kept(call: ast.Call, module: Module, subject: Subject) -> bool:
    """Whether a fixture hands out what the connection that makes the tables is open for: it is the only one."""
    return any(
        isinstance(outer, ast.With | ast.AsyncWith)
        and any(isinstance(node, ast.Yield) for node in nodes_of(outer))
        for outer in subject.bindings.around(module.path, call)
    )


def _runner(call: ast.Call) -> ast.expr | None:
    """Return the connection of ``connection.run_sync(metadata.create_all)``."""
    return call.func.value if isinstance(call.func, ast.Attribute) else None


MAKING = frozenset({"create_all", "drop_all"})
WHAT = {
    "engine": "an async engine",
    "connection": "an async connection",
    "sync_engine": "that of an async driver",
}


def tables_by_async_engine(subject: Subject) -> Iterator[Spot]:
    """``create_all`` on what is async: it is a plain function."""
    for module in subject.modules:
        for call in module.of(ast.Call) if module.mentions(*MAKING) else ():
            given = _bind(call)
            if given is None or last_name(call.func) not in MAKING or not _is_metadata(call, module, subject):
                continue
            engine = traced(given, module.path, subject)
            if engine is not None and _fails(engine, call, module, subject):
                is_plain = engine.what == "sync_engine"
                why = "MissingGreenlet" if is_plain else "no attribute '_run_ddl_visitor'"
                name = f"{last_name(call.func)} is synchronous, and {ast.unparse(given)}"
                yield spot(module.path, call, f"{name} is {WHAT[engine.what]}: {why}")


def _fails(engine: Traced, call: ast.Call, module: Module, subject: Subject) -> bool:
    """Whether tables are made by what is async, where nothing makes it work: a greenlet, for a ``sync_engine``.

    No greenlet is around the body of a coroutine function, nor around what pytest itself calls.
    """
    if not engine.is_async or subject.is_tried(call, module):
        return False
    function = subject.bindings.function(module.path, call)
    is_outside = isinstance(function, ast.AsyncFunctionDef) or function in subject.suite.functions
    return engine.what != "sync_engine" or is_outside


def _bind(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else keyword(call, "bind")


def _is_metadata(call: ast.Call, module: Module, subject: Subject) -> bool:
    """Whether a call is a method of what is called metadata, or of a ``MetaData`` of some name."""
    if not isinstance(call.func, ast.Attribute):
        return False
    owner = call.func.value
    if last_name(owner).lower() in ("metadata", "meta"):
        return True
    made = subject.symbols.definition(subject.symbols.resolve(module.path, owner))
    return isinstance(made, ast.Call) and last_name(made.func) == "MetaData"
