"""The step that makes a suite's tests asynchronous which use Starlette's ``TestClient``."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from hermetic.causes import migration
from hermetic.migrate.step import Outcome, Project, Review, Step
from hermetic.migrate.steps.client.async_functions import is_unittest, unittest_base
from hermetic.migrate.steps.client.copies import Copies
from hermetic.migrate.steps.client.editing import Editing, NoRewriteError
from hermetic.migrate.steps.client.imported import Imports, shared_names
from hermetic.migrate.steps.client.names import CONTEXT_MANAGERS, foreign
from hermetic.migrate.steps.client.plan import Plan, Planning
from hermetic.migrate.steps.client.rewriting import rewrite, rewrite_with
from hermetic.migrate.steps.client.runners import Runners, runner_of
from hermetic.migrate.steps.client.uses import Obstacle, Use, line_of
from hermetic.migrate.steps.client.values import Values
from hermetic.migrate.text import Edit, SourceText
from hermetic.source.fixtures import Suite
from hermetic.source.runner import Runner
from hermetic.source.syntax import last_name

EXAMPLE = (
    """\
from fastapi.testclient import TestClient

from app.main import app

client = TestClient(app)


def test_read_users():
    response = client.get("/users")
    assert response.status_code == 200
""",
    """\
from hermetic import AsyncTestClient

from app.main import app

client = AsyncTestClient(app)


async def test_read_users():
    response = await client.get("/users")
    assert response.status_code == 200
""",
)

GENERATORS = {"Generator": "AsyncGenerator", "Iterator": "AsyncIterator", "Iterable": "AsyncIterable"}
ISOLATED = "IsolatedAsyncioTestCase"
FIXTURES = {"setUp": "asyncSetUp", "tearDown": "asyncTearDown"}
MODULES = ("typing", "collections.abc", "typing_extensions")


def run(project: Project) -> Outcome:
    """Return the edits that make the tests of a project asynchronous which use a ``TestClient``."""
    suite = Suite(project.symbols, project.configuration)
    runner = runner_of(project)
    planning = Planning(project, suite, is_anyio=runner.anyio and not runner.asyncio)
    while True:
        plan = planning.plan()
        try:
            rewriting = _Rewriting(project, suite, plan, runner)
            edits = rewriting.edits()
            return Outcome(edits, plan.converted, plan.left, (*plan.review, *rewriting.review))
        except _StuckError as stuck:
            planning.add(stuck.obstacle)


class _StuckError(Exception):
    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.text)
        self.obstacle = obstacle


class _Rewriting:
    def __init__(self, project: Project, suite: Suite, plan: Plan, runner: Runner) -> None:
        self._project = project
        self._plan = plan
        self._values = plan.values
        self._functions = plan.functions
        self._shared = shared_names(project.symbols)
        self._runners = Runners(plan.values, suite, project.configuration, runner, plan.functions)
        self._copies = Copies(plan.values, plan.copied, plan.staying)
        self._uses: dict[Path, list[Use]] = defaultdict(list)
        for use in plan.uses:
            self._uses[use.unit.file].append(use)
        self._async: dict[Path, list[ast.FunctionDef]] = defaultdict(list)
        for function, file in plan.files.items():
            self._async[file].append(function)

    @property
    def review(self) -> tuple[Review, ...]:
        return self._runners.review

    def edits(self) -> dict[Path, tuple[Edit, ...]]:
        files = dict.fromkeys([*self._uses, *self._async, *self._copies.files])
        found = {file: self._of(file) for file in files}
        return {file: edits for file, edits in found.items() if edits}

    def _of(self, file: Path) -> tuple[Edit, ...]:
        self._values.drop_bodies()
        symbols = self._project.symbols
        nodes = symbols.sources.modules[file].nodes
        uses = [(use, nodes[use.place]) for use in self._uses[file]]
        editing = Editing(file, SourceText(symbols.sources.modules[file].text), self._values.bindings)
        imports = Imports(file, symbols, self._shared)
        try:
            self._entered([node for _, node in uses], editing)
            for use, node in uses:
                rewrite(use, node, editing, imports, self._functions)
            for function in self._async[file]:
                _make_async(function, editing, imports, self._values)
            self._copies.edit(editing, imports)
            self._runners.edit(editing, imports)
            return (*imports.edits(editing), *editing.edits())
        except NoRewriteError as error:
            unit, line = self._values.unit(file, error.node), line_of(error.node)
            raise _StuckError(Obstacle(migration.CANNOT_BE_REWRITTEN, unit, line, error.text)) from error

    def _entered(self, nodes: list[ast.AST], editing: Editing) -> None:
        statements: dict[ast.AST, set[ast.withitem]] = defaultdict(set)
        for node in nodes:
            if isinstance(node, ast.withitem):
                statements[editing.parents[node]].add(node)
        for statement, items in statements.items():
            assert isinstance(statement, ast.With)
            rewrite_with(statement, items, editing)


def _make_async(function: ast.FunctionDef, editing: Editing, imports: Imports, values: Values) -> None:
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


CLIENT = Step(
    "client",
    "tests that use Starlette's TestClient await hermetic's AsyncTestClient",
    is_safe=True,
    example=EXAMPLE,
    run=run,
)
