"""Rules about clients and applications: what they are given, and what of them a test replaces."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from hermetic.doctor.subject import Spot, Subject, spot
from hermetic.source.applications import makes_application
from hermetic.source.bindings import FUNCTIONS, own_nodes
from hermetic.source.environ import outside
from hermetic.source.fixtures import Fixture
from hermetic.source.modules import Module
from hermetic.source.symbols import Reference
from hermetic.source.syntax import last_name, literal, nodes_of, statements

CLIENTS = {"httpx.AsyncClient": "httpx", "httpx.Client": "httpx"}
NEVER = frozenset({"httpx2.AsyncClient", "httpx2.Client"})
"""Those that never took an application."""


def client_takes_no_app(subject: Subject) -> Iterator[Spot]:
    """``AsyncClient(app=app)``, which httpx 0.28 refuses, and httpx2 always did."""
    for module in subject.modules:
        for call in module.of(ast.Call) if module.mentions("AsyncClient", "Client") else ():
            word = next((each for each in call.keywords if each.arg == "app"), None)
            name = outside(module.path, _called(call, module, subject), subject.symbols) if word else ""
            if (
                word is None
                or (name not in CLIENTS and name not in NEVER)
                or _is_guarded(call, module, subject)
            ):
                continue
            if name in NEVER:
                yield spot(module.path, word, f"{name} has no argument app: TypeError")
                continue
            bound = subject.versions.since("httpx", (0, 28))
            if bound is not None:
                yield spot(module.path, word, f"httpx {bound.shown} has no argument app: TypeError")


def _called(call: ast.Call, module: Module, subject: Subject) -> ast.expr:
    """Return what a call calls, or has called: ``partial(AsyncClient, app=app)``."""
    is_partial = outside(module.path, call.func, subject.symbols) == "functools.partial" and call.args
    return call.args[0] if is_partial else call.func


def _is_guarded(call: ast.Call, module: Module, subject: Subject) -> bool:
    """Whether code has thought of versions: a ``try`` around the call, or a condition on a version or a signature."""
    around = subject.bindings.around(module.path, call)
    tests = (ast.unparse(outer.test) for outer in around if isinstance(outer, ast.If | ast.IfExp))
    return subject.is_tried(call, module) or any(re.search("(?i)version|signature", test) for test in tests)


MOCKS = frozenset({"Mock", "MagicMock", "AsyncMock", "NonCallableMock"})
SPECIFIED = frozenset({"spec", "spec_set"})
SESSIONS = frozenset(
    f"sqlalchemy.{name}"
    for name in (
        "orm.Session",
        "orm.session.Session",
        "ext.asyncio.AsyncSession",
        "ext.asyncio.AsyncConnection",
        "ext.asyncio.session.AsyncSession",
    )
) | {"sqlmodel.Session", "sqlmodel.ext.asyncio.session.AsyncSession"}


def override_with_parameters(subject: Subject) -> Iterator[Spot]:
    """An override whose parameters FastAPI takes for those of the request."""
    for module in subject.sources.tests:
        if module.mentions("dependency_overrides"):
            for key, value in _overrides(module):
                function = _function(value, module, subject)
                if function is not None:
                    yield from _taken_for_query(key, value, function, module, subject)
                elif _is_bare_mock(value, module, subject):
                    text = "a mock has the parameters args and kwargs, which FastAPI wants in each query: 422"
                    yield spot(module.path, value, text)


def _overrides(module: Module) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the keys and values that are put into ``dependency_overrides``."""
    for statement in module.of(ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Subscript) and last_name(target.value) == "dependency_overrides":
                yield target.slice, statement.value
            elif last_name(target) == "dependency_overrides":
                yield from _pairs(statement.value)
    for merged in module.of(ast.AugAssign):
        if last_name(merged.target) == "dependency_overrides":
            yield from _pairs(merged.value)
    for call in module.of(ast.Call):
        is_update = isinstance(call.func, ast.Attribute) and call.func.attr == "update"
        if is_update and last_name(call.func.value) == "dependency_overrides":  # type: ignore[attr-defined]
            for argument in call.args:
                yield from _pairs(argument)


def _pairs(value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(value, ast.Dict):
        yield from ((key, item) for key, item in zip(value.keys, value.values, strict=True) if key)


def _function(
    value: ast.expr, module: Module, subject: Subject
) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None:
    """Return the function that a name stands for where it is used, or a lambda; none that something wraps."""
    if isinstance(value, ast.Lambda):
        return value
    if not isinstance(value, ast.Name):
        return None
    for scope in subject.bindings.scopes(module.path, value):
        body = [] if isinstance(scope, ast.Lambda) else scope.body
        for statement in statements(body):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == value.id:
                return None if statement.decorator_list else statement
        if value.id in subject.bindings.local(scope):
            return None
    found = subject.symbols.definition(subject.symbols.lookup(module.path, value.id))
    is_plain = isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) and not found.decorator_list
    return found if is_plain else None  # type: ignore[return-value]


def _taken_for_query(
    key: ast.expr, value: ast.expr, function: ast.AST, module: Module, subject: Subject
) -> Iterator[Spot]:
    assert isinstance(function, FUNCTIONS)
    wanted = [
        name
        for name, annotation in _required(function.args)
        if annotation is None and not _is_meant(name, key, module, subject)
    ]
    refused = [
        name
        for name, annotation in _required(function.args)
        if annotation is not None and outside(module.path, annotation, subject.symbols) in SESSIONS
    ]
    named = "the lambda" if isinstance(function, ast.Lambda) else function.name
    if wanted:
        words = " and ".join(wanted)
        text = f"FastAPI takes {words} of {named} from the query of each request, where there is none: 422"
        yield spot(module.path, value, text)
    elif refused:
        text = f"FastAPI takes {refused[0]} of {named} for a parameter of the request, and knows no such type"
        yield spot(module.path, value, text)


def _required(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the parameters without a default, ``*args`` and ``**kwargs`` included: FastAPI wants values for those."""
    positional = [*arguments.posonlyargs, *arguments.args]
    bare = positional[: len(positional) - len(arguments.defaults)]
    bare += [
        each for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if not value
    ]
    bare += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    yield from ((each.arg, each.annotation) for each in bare)


def _is_meant(name: str, key: ast.expr, module: Module, subject: Subject) -> bool:
    """Whether requests have a parameter of that name: in a path, in a query of the tests, or for what is replaced."""
    original = subject.symbols.definition(subject.symbols.resolve(module.path, key))
    if isinstance(original, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = original.args
        if name in {each.arg for each in (*arguments.args, *arguments.kwonlyargs)}:
            return True
    word = re.escape(name).encode()
    used = re.compile(rb"\{%b[}:]|[?&]%b=|params\s*=\s*\{[^}]*[\"']%b[\"']" % (word, word, word))
    return any(used.search(each.text) for each in subject.modules if each.mentions(name))


def _is_bare_mock(value: ast.expr, module: Module, subject: Subject) -> bool:
    """Whether this is a mock that stands for no function, and so has no signature of one."""
    if isinstance(value, ast.Name):
        for scope in subject.bindings.scopes(module.path, value):
            bound = subject.bindings.local(scope).get(value.id, [])
            if bound:
                return len(bound) == 1 and _is_bare_mock(bound[0].value, module, subject)
        return False
    if not isinstance(value, ast.Call) or module.mentions("__signature__"):
        return False
    name = outside(module.path, value.func, subject.symbols)
    is_mock = name.startswith("unittest.mock.") and name.rpartition(".")[2] in MOCKS
    return is_mock and not value.args and SPECIFIED.isdisjoint(word.arg or "" for word in value.keywords)


def patched_state(subject: Subject) -> Iterator[Spot]:
    """``monkeypatch.setattr(app.state, ...)``, whose undoing deletes the attribute since pytest 9.2."""
    is_set_once = cache(partial(_is_set_once, subject=subject))
    for module in subject.sources.tests:
        for call in module.of(ast.Call) if module.mentions("setattr") and module.mentions("state") else ():
            name = _patched(call, module, subject)
            if name and is_set_once(name):
                bound = subject.versions.since("pytest", (9, 2))
                if bound is not None:
                    text = (
                        f"when this is undone, {name} is gone from the state: pytest {bound.shown} deletes what is"
                        " not in __dict__, and what made it does not run again"
                    )
                    yield spot(module.path, call, text)


def _patched(call: ast.Call, module: Module, subject: Subject) -> str:
    """Return the attribute of an application's state that a call replaces; empty where it is none."""
    if last_name(call.func) != "setattr" or not isinstance(call.func, ast.Attribute) or not call.args:
        return ""
    if any(word.arg == "raising" for word in call.keywords) or not _is_monkeypatch(
        call.func.value, module, subject
    ):
        return ""
    target = call.args[0]
    dotted = (literal(target) or "").split(".")
    if len(call.args) == 2 and len(dotted) > 3 and dotted[-2] == "state":
        return dotted[-1]
    if len(call.args) < 3 or not isinstance(target, ast.Attribute) or target.attr != "state":
        return ""
    return (literal(call.args[1]) or "") if _is_shared_application(target.value, module, subject) else ""


def _is_monkeypatch(owner: ast.expr, module: Module, subject: Subject) -> bool:
    if last_name(owner) == "monkeypatch":
        return True
    for scope in subject.bindings.scopes(module.path, owner):
        for bound in subject.bindings.local(scope).get(last_name(owner), []):
            return re.search("(?i)monkeypatch", ast.unparse(bound.value)) is not None
    return False


def _is_shared_application(owner: ast.expr, module: Module, subject: Subject) -> bool:
    """Whether this is an application of a module, or a wider fixture's: one that tests after this one have too."""
    function = subject.bindings.function(module.path, owner)
    names = function.args.args if function is not None else []
    if isinstance(owner, ast.Name) and any(each.arg == owner.id for each in names):
        fixture = subject.suite.find(owner.id, module.path)
        return fixture is not None and _gives_shared(fixture, subject)
    return _is_application(subject.symbols.resolve(module.path, owner), subject)


def _gives_shared(fixture: Fixture, subject: Subject) -> bool:
    values = [value for _, value in subject.bindings.results(fixture.function)]
    found = (subject.symbols.resolve(fixture.file, value) for value in values)
    return fixture.scope in ("session", "package") or any(_is_application(each, subject) for each in found)


def _is_application(found: Reference | None, subject: Subject) -> bool:
    made = subject.symbols.definition(found)
    if found is None or found.file is None or not isinstance(made, ast.Call):
        return False
    called = subject.symbols.resolve(found.file, made.func)
    if called is None:
        return False
    return last_name(made.func) in ("FastAPI", "Starlette") or makes_application(called, subject.symbols)


def _is_set_once(name: str, subject: Subject) -> bool:
    """Whether the application sets an attribute of its state in some place that runs once."""
    return any(
        _is_made_once(file, target, subject)
        for file, target, _ in subject.bindings.stores(name)
        if last_name(target.value) == "state" and subject.sources.modules[file].is_production
    )


def _is_made_once(file: Path, target: ast.Attribute, subject: Subject) -> bool:
    """Whether an attribute is set where that happens once: at import, or where an application is made."""
    function = subject.bindings.function(file, target)
    if function is None:
        return True
    assert not isinstance(function, ast.Lambda)  # no statement stands in one
    if makes_application(Reference(file, function.name), subject.symbols):
        return True
    is_lifespan = any(isinstance(node, ast.Yield) for node in own_nodes(function))
    return is_lifespan and any(map(_starts_an_application, subject.suite.fixtures))


STARTING = frozenset({"TestClient", "LifespanManager", "lifespan_context"})


def _starts_an_application(fixture: Fixture) -> bool:
    """Whether a fixture for more than a test runs a lifespan, which then does not run again for each."""
    used = {
        last_name(node) for node in nodes_of(fixture.function) if isinstance(node, ast.Name | ast.Attribute)
    }
    return fixture.scope in ("session", "package", "module") and not STARTING.isdisjoint(used)
