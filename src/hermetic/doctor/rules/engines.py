"""Engines as the rules on them see them: what each is given, and which of them an expression stands for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hermetic.doctor.subject import Subject
from hermetic.source.bindings import FUNCTIONS, Binding, parameters
from hermetic.source.environ import outside
from hermetic.source.fixtures import Fixture
from hermetic.source.modules import Module
from hermetic.source.origins import HOLE, Expression, Read, Text
from hermetic.source.syntax import keyword, last_name, literal

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


def engines_made_by(subject: Subject, name: str) -> Iterator[Engine]:
    """Yield the engines that a function of SQLAlchemy makes, where their making is not expected to fail."""
    for module in subject.modules:
        for call in module.of(ast.Call) if module.mentions(name) else ():
            found = outside(module.path, call.func, subject.symbols)
            address = _address(call)
            is_one = found.startswith(LIBRARIES) and found.rpartition(".")[2] == name
            if is_one and address is not None and not subject.is_tried(call, module):
                yield Engine(module, call, address, _url(address, call, module, subject))


def _address(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else keyword(call, "url")


def _url(address: ast.expr, call: ast.Call, module: Module, subject: Subject) -> str:
    """Return a URL that constants and defaults tell; not one that depends on who calls a function."""
    function = subject.bindings.function(module.path, call)
    named = {node.id for node in ast.walk(address) if isinstance(node, ast.Name)}
    if function is not None and not named.isdisjoint(parameters(function)):
        return ""
    place = Expression(module.path, address)
    if literal(address) is None and subject.dataflow.conditions.is_dead(Expression(module.path, call)):
        return ""
    value: object = literal(address) or _put_together(address, module.path, subject)
    value = value or subject.dataflow.conditions.value(place)
    if not isinstance(value, str):
        value = _text_with_holes(place, subject)
    is_url = isinstance(value, str) and "://" in value and HOLE not in value.partition("://")[0]
    return str(value) if is_url else ""


def _put_together(address: ast.expr, file: Path, subject: Subject) -> str:
    """Return what ``URL.create("dialect+driver", ...)`` makes, as far as its scheme goes."""
    if isinstance(address, ast.Name | ast.Attribute):
        found = subject.symbols.definition(subject.symbols.resolve(file, address))
        address = found if isinstance(found, ast.Call) else address
    if not isinstance(address, ast.Call) or ast.unparse(address.func).rpartition("URL.create")[1] == "":
        return ""
    scheme = literal(address.args[0] if address.args else keyword(address, "drivername"))
    return f"{scheme}://{HOLE}" if scheme else ""


def _text_with_holes(place: Expression, subject: Subject) -> object:
    """Return the text that an expression is, parts of it unknown; None where it may be another."""
    origins = subject.dataflow.origins(place)
    exact = [each for each in origins if not isinstance(each, Text | Read) or each.is_exact]
    return exact[0].value if len(exact) == 1 and isinstance(exact[0], Text) else None


@dataclass(frozen=True)
class Traced:
    """An engine that an expression stands for, or what comes from it.

    Attributes:
        call: The call that makes the engine.
        what: ``engine``, ``connection`` or, of an async engine, ``sync_engine``.
    """

    call: ast.Call
    what: str = "engine"

    @property
    def is_async(self) -> bool:
        """Whether the engine is async."""
        return last_name(self.call.func) == ASYNC_ENGINE


def traced(node: ast.expr, file: Path, subject: Subject, depth: int = 6) -> Traced | None:
    """Return the engine that an expression stands for, followed through names, fixtures and ``with``; None if none."""
    if depth == 0:
        return None
    if isinstance(node, ast.Call):
        name = outside(file, node.func, subject.symbols)
        is_engine = name.startswith(LIBRARIES) and name.rpartition(".")[2] in ENGINES
        return Traced(node) if is_engine else _returned(node, file, subject, depth - 1)
    if isinstance(node, ast.Attribute) and node.attr == "sync_engine":
        inner = traced(node.value, file, subject, depth - 1)
        return replace(inner, what="sync_engine") if inner is not None and inner.what == "engine" else None
    if isinstance(node, ast.Name):
        for scope in subject.bindings.scopes(file, node):
            bound = subject.bindings.local(scope).get(node.id, [])
            if len(bound) == 1 and bound[0].position is None:
                return _of_binding(bound[0], file, subject, depth - 1)
            is_given = isinstance(scope, FUNCTIONS) and node.id in parameters(scope)
            if bound or is_given:
                fixture = subject.suite.find(node.id, file) if is_given and not bound else None
                return _of_fixture(fixture, subject, depth - 1) if fixture is not None else None
    found = subject.symbols.resolve(file, node)
    if found is None or found.file is None:
        return None
    made = subject.bindings.module(found.file).get(found.name, [])
    return traced(made[0].value, found.file, subject, depth - 1) if len(made) == 1 else None


def _returned(call: ast.Call, file: Path, subject: Subject, depth: int) -> Traced | None:
    """Return the engine that a function of the project returns, where that is one."""
    called = subject.symbols.resolve(file, call.func)
    function = subject.symbols.definition(called)
    if called is None or called.file is None or not isinstance(function, ast.FunctionDef):
        return None
    found = {traced(value, called.file, subject, depth) for _, value in subject.bindings.results(function)}
    return found.pop() if len(found) == 1 else None


def _of_binding(binding: Binding, file: Path, subject: Subject, depth: int) -> Traced | None:
    value = binding.value
    if not isinstance(binding.statement, ast.With | ast.AsyncWith):
        return traced(value, file, subject, depth)
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)):
        return None
    holder = traced(value.func.value, file, subject, depth) if value.func.attr in OPENING else None
    return replace(holder, what="connection") if holder is not None and holder.what == "engine" else None


OPENING = frozenset({"begin", "connect"})


def _of_fixture(fixture: Fixture, subject: Subject, depth: int) -> Traced | None:
    """Return what a fixture hands over, where that is one thing."""
    results = subject.bindings.results(fixture.function)
    found = {traced(value, fixture.file, subject, depth) for _, value in results}
    return found.pop() if len(found) == 1 else None
