"""What else changes of a function that becomes async: ``def``, its decorators, the type that it returns."""

from __future__ import annotations

import ast
import re

from hermetic.migrate.steps.client.async_functions import is_unittest, unittest_base
from hermetic.migrate.steps.client.editing import Editing
from hermetic.migrate.steps.client.imported import Imports
from hermetic.migrate.steps.client.names import CONTEXT_MANAGERS, foreign
from hermetic.migrate.steps.client.values import Values
from hermetic.source.syntax import last_name

GENERATORS = {"Generator": "AsyncGenerator", "Iterator": "AsyncIterator", "Iterable": "AsyncIterable"}
ISOLATED = "IsolatedAsyncioTestCase"
FIXTURES = {"setUp": "asyncSetUp", "tearDown": "asyncTearDown"}
MODULES = ("typing", "collections.abc", "typing_extensions")


def make_async(function: ast.FunctionDef, editing: Editing, imports: Imports, values: Values) -> None:
    """Make a function a coroutine function, or an async generator."""
    editing.before(function, "async ")
    for decorator in function.decorator_list:
        if foreign(editing.file, decorator, values.symbols) in CONTEXT_MANAGERS:
            if isinstance(decorator, ast.Name):
                editing.replace(
                    decorator, imports.replacing(decorator.id, "contextlib", "asynccontextmanager")
                )
            else:
                editing.rename(decorator, "asynccontextmanager")
    owner = values.bindings.owner(editing.file, function)
    if owner is not None and is_unittest(values, editing.file, owner):
        _of_unittest(function, owner, editing, imports, values)
    if function.returns is not None and values.is_generator(function):
        _return_type(function.returns, editing, imports, values)


def _of_unittest(
    function: ast.FunctionDef, owner: ast.ClassDef, editing: Editing, imports: Imports, values: Values
) -> None:
    """Have unittest run a method in an event loop."""
    base = unittest_base(values, editing.file, owner)
    if base is not None and last_name(base) != ISOLATED and base not in editing.replaced:
        if isinstance(base, ast.Name):
            editing.replace(base, imports.replacing(base.id, "unittest", ISOLATED))
        else:
            editing.replaced.add(base)
            editing.rename(base, ISOLATED)
    if function.name in FIXTURES:
        start = editing.text.start(function)
        found = re.compile(r"def\s+").match(editing.text.text, start)
        assert found is not None
        editing.put(found.end(), found.end() + len(function.name), FIXTURES[function.name])


def _return_type(returns: ast.expr, editing: Editing, imports: Imports, values: Values) -> None:
    of = returns.value if isinstance(returns, ast.Subscript) else returns
    name = last_name(of)
    full = foreign(editing.file, of, values.symbols)
    module = full.rpartition(".")[0]
    if name not in GENERATORS or module not in MODULES:
        return
    if isinstance(of, ast.Name):
        editing.replace(of, imports.replacing(of.id, module, GENERATORS[name]))
    else:
        editing.rename(of, GENERATORS[name])
    types = returns.slice if isinstance(returns, ast.Subscript) else None
    if name == "Generator" and isinstance(types, ast.Tuple) and len(types.elts) == 3:
        editing.put(editing.span(types.elts[1])[1], editing.span(types.elts[2])[1], "")
