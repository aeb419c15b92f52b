"""Which functions become coroutine functions, and what keeps some of them from that."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hermetic.causes import Cause, migration
from hermetic.migrate.steps.client.kinds import NO_TARGETS, REQUESTS, Made, Method, Stack
from hermetic.migrate.steps.client.names import PROPERTIES, foreign
from hermetic.migrate.steps.client.reading import SET_UPS
from hermetic.migrate.steps.client.recording import short
from hermetic.migrate.steps.client.uses import Obstacle, Unit, Uses
from hermetic.migrate.steps.client.values import Values
from hermetic.source.bindings import FUNCTIONS, Function, own_nodes, parameters
from hermetic.source.fixtures import DECORATORS, Fixture, marks_in
from hermetic.source.modules import Module
from hermetic.source.symbols import Class, lineage_of
from hermetic.source.syntax import last_name

ONE_OF = frozenset({"await", "collect", "enter", "iterate", "next"})
"""The forms that can be for a call of one of several functions, which have to be alike then."""
PASSES_THROUGH = frozenset(
    {
        "staticmethod",
        "classmethod",
        "contextlib.contextmanager",
        "freezegun.freeze_time",
        "freezegun.api.freeze_time",
        "functools.wraps",
        "hypothesis.example",
        "hypothesis.given",
        "hypothesis.seed",
        "hypothesis.settings",
        "hypothesis.reproduce_failure",
        "respx.mock",
        "responses.activate",
        "time_machine.travel",
        "typing.no_type_check",
        "typing.override",
        "typing_extensions.override",
        "vcr.use_cassette",
    }
    | set(DECORATORS)
)
"""Decorators that take an ``async def`` as they take a plain function."""
OF_UNITTEST = ("unittest.skip", "unittest.expectedFailure")
"""Those that do so in a class of unittest's alone: elsewhere a runner finds no ``async def`` in what they return."""
FAMILIES = ("pytest.mark.", "unittest.mock.patch", "mock.patch", "schemathesis.", "allure.")
TEST_CASES = frozenset({"unittest.TestCase", "unittest.case.TestCase", "unittest.IsolatedAsyncioTestCase"})
CLASS_WIDE = frozenset({"setUpClass", "tearDownClass", "run", "countTestCases", "id", "shortDescription"})
LOOPS = frozenset(
    {"asyncio.run", "asyncio.Runner", "anyio.run", "trio.run", "uvloop.run", "asgiref.sync.async_to_sync"}
)
"""What runs an event loop of its own, beside the method ``run_until_complete`` of one."""
LOOP_WORDS = ("run_until_complete", "asyncio", "anyio", "trio", "uvloop", "asgiref")
COMPUTED = frozenset(
    {"importlib.import_module", "__import__", "runpy.run_path", "runpy.run_module", "getattr"}
)
"""What returns something by a name that is known when it runs."""
COMMON = frozenset(
    {name for kind in (str, bytes, dict, list, set, int) for name in dir(kind)}
    | REQUESTS
    | {
        "json",
        "execute",
        "commit",
        "close",
        "add",
        "run",
        "read",
        "write",
        "create",
        "result",
        "fetchone",
        "fetchall",
    }
)
"""Methods that so many objects have that a call by such a name says nothing."""


def find_async(uses: Uses) -> set[ast.AST | Stack]:
    """Return the functions that become async, and the stacks that do: those that await, and those that call them."""
    found: set[ast.AST | Stack] = set(uses.forced)
    together = [use.targets for use in uses.found if use.form in ONE_OF and len(use.targets) > 1]
    while True:
        before = len(found)
        for use in uses.found:
            if use.function is not None and use.makes_async and (not use.targets or use.targets & found):
                found.add(use.function)
        for stack, listed in uses.follow.items():
            if any(not each or each & found for each in listed):
                found.add(stack)
        for targets in together:
            found |= targets if targets & found else NO_TARGETS
        if len(found) == before:
            return found


def find_obstacles(values: Values, uses: Uses, found: set[ast.AST | Stack]) -> Iterator[Obstacle]:
    """Yield what keeps functions from becoming async: how they are called, and by whom.

    Args:
        values: The kinds of the suite's values.
        uses: What is done with clients.
        found: The functions that become async.
    """
    places = {use.function: use.unit.file for use in uses.found if use.function is not None}
    functions = [each for each in found if isinstance(each, ast.FunctionDef)]
    files = {each: places.get(each) or _file_of(values, each) for each in functions}
    known = [(file, each) for each, file in files.items() if file is not None]
    last = None
    for file, function in sorted(known, key=lambda pair: (pair[0], pair[1].lineno)):
        if file != last:
            values.drop_bodies()
        last = file
        yield from _of_function(values, file, function)
        yield from _with_loops(values, uses, values.unit(file, function), function)
    yield from _by_name(values, uses, files)


def _file_of(values: Values, function: ast.AST) -> Path | None:
    for module in values.symbols.sources.modules.values():
        if (module.is_test or module.path in values.looked_at) and function in module.of(ast.FunctionDef):
            return module.path
    return None


def _with_loops(values: Values, uses: Uses, unit: Unit, function: ast.FunctionDef) -> Iterator[Obstacle]:
    """Yield what runs an event loop in a function, or in what that uses: in a coroutine there is one already."""
    seen: set[Unit] = set()
    waiting = [unit]
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        call = _loop_run_by(values, each)
        if call is not None:
            text = f"`{short(call)}` runs an event loop of its own"
            line = call.lineno if each == unit else function.lineno
            yield Obstacle(migration.CANNOT_BE_ASYNC, unit, line, text)
            return
        waiting += uses.needs.get(each, ())


def _loop_run_by(values: Values, unit: Unit) -> ast.Call | None:
    if unit.node is None or not values.symbols.sources.modules[unit.file].mentions(*LOOP_WORDS):
        return None
    calls = (node for node in ast.walk(unit.node) if isinstance(node, ast.Call))
    for call in calls:
        if (
            last_name(call.func) == "run_until_complete"
            or foreign(unit.file, call.func, values.symbols) in LOOPS
        ):
            return call
    return None


def _of_function(values: Values, file: Path, function: ast.FunctionDef) -> Iterator[Obstacle]:
    unit = values.unit(file, function)
    for cause, text in _reasons(values, file, function):
        yield Obstacle(cause, unit, function.lineno, text)


def _reasons(values: Values, file: Path, function: ast.FunctionDef) -> Iterator[tuple[Cause, str]]:
    name = f"`{function.name}`"
    owner = values.bindings.owner(file, function)
    decorators = values.decorators(file, function)
    if not values.symbols.sources.modules[file].is_test:
        yield migration.NOT_OF_THE_TESTS, f"{name} is outside the tests"
    if any(each.rpartition(".")[2] in (*PROPERTIES, "setter", "deleter") for each in decorators):
        yield migration.CANNOT_BE_ASYNC, f"{name} is a property"
    is_unittests = owner is not None and is_unittest(values, file, owner)
    if owner is not None and is_unittests:
        if unittest_base(values, file, owner) is None or function.name in CLASS_WIDE:
            yield migration.UNITTEST, f"{name} is of `{owner.name}`, a class of unittest"
    elif function.name in SET_UPS or (owner is None and function.name.startswith("pytest_")):
        yield migration.CANNOT_BE_ASYNC, f"{name} is called by pytest, which does not await it"
    if owner is not None and function.name.startswith("__") and function.name != "__call__":
        yield migration.CANNOT_BE_ASYNC, f"{name} is called by Python, which does not await it"
    if values.suite.runs_doctests and _is_called_by_a_doctest(values, file, function):
        yield migration.CANNOT_BE_ASYNC, f"{name} is called by a doctest, which cannot await it"
    for decorator, full_name in zip(function.decorator_list, decorators, strict=True):
        is_unittests_own = is_unittests and full_name.startswith(OF_UNITTEST)
        if not is_unittests_own and not _passes_through(values, file, decorator):
            yield migration.UNKNOWN_DECORATOR, f"{name} has the decorator `{ast.unparse(decorator)}`"
    if values.is_generator(function):
        for node in own_nodes(function):
            if isinstance(node, ast.Return) and node.value is not None:
                yield migration.CANNOT_BE_REWRITTEN, f"{name} yields, and returns a value"
            if isinstance(node, ast.YieldFrom) and not isinstance(
                values.bindings.parents(file)[node], ast.Expr
            ):
                yield migration.CANNOT_BE_REWRITTEN, f"{name} uses the result of `yield from`"


def _is_called_by_a_doctest(values: Values, file: Path, function: ast.FunctionDef) -> bool:
    """Whether an example in a docstring of its file has a call by a function's name."""
    text = values.symbols.sources.modules[file].text
    return (
        re.search(rb"(?m)^\s*(?:>>>|\.\.\.) .*\b%s\(" % re.escape(function.name.encode()), text) is not None
    )


def unittest_base(values: Values, file: Path, owner: ast.ClassDef) -> ast.expr | None:
    """Return the base by which a class is one of unittest's; None where it is one in another way as well."""
    if len(values.family(file, owner)) > 1:
        return None
    names = [foreign(file, base, values.symbols) for base in owner.bases]
    found = [base for base, name in zip(owner.bases, names, strict=True) if name in TEST_CASES]
    return found[0] if len(found) == 1 and len(owner.bases) == 1 else None


def is_unittest(values: Values, file: Path, owner: ast.ClassDef) -> bool:
    """Whether unittest runs a class."""
    return any(
        last_name(base).endswith("TestCase")
        for each in lineage_of(Class(file, owner), values.symbols)
        for base in each.definition.bases
    )


def _passes_through(values: Values, file: Path, decorator: ast.expr) -> bool:
    """Whether a decorator leaves a function what it is."""
    if any(marks_in([decorator], file, values.symbols)):
        return True
    made = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = foreign(file, made, values.symbols)
    if name in PASSES_THROUGH or name.startswith(FAMILIES):
        return name != "allure.step"
    reference = values.symbols.resolve(file, made)
    definition = values.symbols.definition(reference)
    if isinstance(definition, ast.FunctionDef) and reference is not None and reference.file is not None:
        return _only_marks(values, reference.file, definition)
    return (
        isinstance(definition, ast.expr)
        and reference is not None
        and reference.file is not None
        and (_passes_through(values, reference.file, definition))
    )


def _only_marks(values: Values, file: Path, function: ast.FunctionDef) -> bool:
    """Whether a decorator of the project returns what it is given, or that with a mark."""
    first = next(iter(parameters(function)), "")
    returned = [node.value for node in own_nodes(function) if isinstance(node, ast.Return)]
    return bool(returned) and all(
        (isinstance(each, ast.Name) and each.id == first)
        or (
            isinstance(each, ast.Call)
            and [last_name(argument) for argument in each.args] == [first]
            and any(marks_in([each.func], file, values.symbols))
        )
        for each in returned
    )


def _by_name(values: Values, uses: Uses, files: dict[ast.FunctionDef, Path | None]) -> Iterator[Obstacle]:
    """Yield the calls of what is not known, by the name of a function that becomes async."""
    named: dict[str, list[ast.FunctionDef]] = defaultdict(list)
    for function in files:
        if function.name not in COMMON and _can_be_called_by_name(values, files[function], function):
            named[function.name].append(function)
    for module in values.symbols.sources.tests:
        if not module.may_have_attribute(named):
            continue
        values.drop_bodies()
        for node in module.of(ast.Attribute):
            if (
                isinstance(node.ctx, ast.Load)
                and node.attr in named
                and not _is_known(values, module.path, node)
            ):
                called = [each for each in named[node.attr] if _may_be_of(values, files[each], each, module)]
                if called:
                    unit = values.unit(module.path, node)
                    uses.needs[unit] |= {values.unit(_there(files[each]), each) for each in called}
                    text = f"`{ast.unparse(node)}` may be a function that has to be awaited"
                    yield Obstacle(migration.BY_NAME, unit, node.lineno, text, frozenset(called))


def _can_be_called_by_name(values: Values, file: Path | None, function: ast.FunctionDef) -> bool:
    """Whether a function is none in another, and no fixture, which pytest alone calls."""
    if file is None or any(isinstance(each, Fixture) for each in values.users_of(function)):
        return False
    return values.bindings.function(file, function) is None


def _may_be_of(values: Values, file: Path | None, function: ast.FunctionDef, module: Module) -> bool:
    """Whether an attribute in a module may be a function: a method of some object, or of a module that is named."""
    file = _there(file)
    is_method = values.bindings.owner(file, function) is not None
    return (is_method and not function.name.startswith("test")) or module.mentions(file.stem)


def _there(file: Path | None) -> Path:
    assert file is not None
    return file


def _is_known(values: Values, file: Path, node: ast.Attribute) -> bool:
    """Whether it is known what an attribute is, or of what it is."""
    return bool(values.of(file, node) or values.of(file, node.value)) or not _is_computed(
        values, file, node.value
    )


def _is_computed(values: Values, file: Path, node: ast.AST, depth: int = 5) -> bool:
    """Whether an expression is, or may be, what a computed name stands for."""
    if isinstance(node, ast.Call):
        if foreign(file, node.func, values.symbols) in COMPUTED:
            return True
        if any(isinstance(each, Method) and each.of == "request" for each in values.of(file, node.func)):
            return True
        called = [each for each in values.of(file, node.func) if isinstance(each, Made)]
        return any(_gives_computed(values, each.file, each.function, depth) for each in called)
    if not isinstance(node, ast.Name) or not depth:
        return False
    for scope in values.bindings.scopes(file, node):
        given = values.names(scope).given.get(node.id, ())
        if any(_is_computed(values, file, each.value, depth - 1) for each in given):
            return True
        for user in values.users_of(scope) if isinstance(scope, FUNCTIONS) else ():
            fixture = values.suite.given(node.id, user) if node.id in user.requests else None
            if fixture is not None and _gives_computed(values, fixture.file, fixture.function, depth):
                return True
    given = values.names(values.symbols.sources.modules[file].tree).given.get(node.id, ())
    return any(_is_computed(values, file, each.value, depth - 1) for each in given)


def _gives_computed(values: Values, file: Path, function: Function, depth: int) -> bool:
    results = values.bindings.results(function)
    return bool(depth) and any(_is_computed(values, file, value, depth - 1) for _, value in results)
