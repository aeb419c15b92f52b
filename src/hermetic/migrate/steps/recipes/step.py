"""The step that puts hermetic's client in the place of asynchronous ones that a suite has made itself."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from hermetic.causes.migration import ON_TRIO, RECIPE_FORM
from hermetic.migrate.step import Left, Outcome, Project, Review, Step, TestName, name_of
from hermetic.migrate.steps.recipes.holders import Holders, Users, find_holders
from hermetic.migrate.steps.recipes.loops import dead_loops, reviewed
from hermetic.migrate.steps.recipes.makers import ASGI_CLIENTS, HTTPX
from hermetic.migrate.steps.recipes.rewriting import (
    REQUESTS,
    Rewriting,
    entered_by_a_stack,
    entered_elsewhere,
    is_request,
)
from hermetic.migrate.steps.recipes.sites import WORDS, Finder, Site
from hermetic.migrate.text import Edit
from hermetic.source.bindings import FUNCTIONS, Bindings, parameters
from hermetic.source.environ import outside
from hermetic.source.fixtures import Fixture, Suite, Test
from hermetic.source.modules import Module
from hermetic.source.requirements import read_requirements
from hermetic.source.syntax import last_name, literal

EXAMPLE = (
    """\
import pytest
from httpx import ASGITransport, AsyncClient

from app.main import app


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as client:
        yield client
""",
    """\
import pytest
from hermetic import AsyncTestClient

from app.main import app


@pytest.fixture
async def client():
    client = AsyncTestClient(app, base_url="http://test", follow_redirects=False)
    yield client
""",
)
ADDRESSES = ("get_remote_address", "get_ipaddr")
BACKEND = "anyio_backend"
CANCELLING = frozenset({"cancel", "CancelScope", "move_on_after", "move_on_at"})
PRIVATE = ("_transport", "_mounts", "__aenter__", "cookie_jar")
OF_REQUESTS = ("stream", "scheme")
"""Keywords of async-asgi-testclient's requests for which httpx2's have none."""
ERRORS = ("HTTPStatusError", "HTTPError", "RequestError", "TimeoutException", "TransportError")


def run(project: Project) -> Outcome:
    """Return the edits that replace the asynchronous clients of a suite."""
    suite = Suite(project.symbols, project.configuration)
    return _Recipes(project, suite).outcome()


class _Recipes:
    def __init__(self, project: Project, suite: Suite) -> None:
        self._project = project
        self._suite = suite
        self._modules = [
            module for module in project.symbols.sources.tests if module.path not in project.fixed
        ]
        self._bindings = Bindings(project.symbols, project.symbols.sources.tests)
        self._finder = Finder(project.symbols, self._bindings)
        self._all = [site for module in self._modules for site in self._finder.sites(module)]

    def outcome(self) -> Outcome:
        loops = [each for each in dead_loops(self._suite) if each.file not in self._project.fixed]
        if not self._all and not loops:
            return Outcome({})
        users = Users(self._suite, self._bindings)
        used = {site: users.of(site) for site in self._all}
        reasons = {site: self._reason(site, used[site]) for site in self._all}
        sites = [site for site, reason in reasons.items() if reason is None]
        left: dict[TestName, Left] = {}
        for site, reason in reasons.items():
            if reason is not None:
                for name in map(name_of, used[site]):
                    left.setdefault(name, Left(name, reason[0], site.file, site.call.lineno, reason[1]))
        review = [each for fixture in loops for each in reviewed(fixture, self._project.configuration)]
        return Outcome(
            self._edits(sites, loops),
            frozenset(name_of(test) for site in sites for test in used[site]),
            tuple(left.values()),
            (*review, *(self._errors() if sites else ())),
        )

    def _reason(self, site: Site, users: list[Test]) -> tuple[str, str] | None:
        """Return why a client stays; None where it does not."""
        kept = (self._project.keep[name] for name in map(name_of, users) if name in self._project.keep)
        found = next(kept, None)
        if found is not None:
            return found
        text = site.maker.obstacle or self._use_without_equal(site) or self._cancelling(site, users)
        if text:
            return RECIPE_FORM.code, text
        if any(map(self._is_on_trio, users)):
            return ON_TRIO.code, "anyio's plugin runs the suite's tests on trio as well"
        return None

    def _use_without_equal(self, site: Site) -> str:
        """Return what is done with a client that cannot be done with hermetic's; empty where there is nothing."""
        parents = self._bindings.parents(site.file)
        item = parents[site.call]
        if isinstance(item, ast.withitem) and isinstance(parents[item], ast.With):
            return "it is entered by a plain with"
        return self._only_old_ones_have

    @cached_property
    def _only_old_ones_have(self) -> str:
        """Where the suite uses what only the old clients have; empty where it does not."""
        uses = [(module, *use) for module in self._modules for use in _like_old_ones(module)]
        held = find_holders(self._all if uses else (), self._suite, self._bindings)
        for module, node, name in uses:
            if isinstance(node, ast.Attribute) and self._may_be_client(node.value, module.path, held):
                return f"{name} is used in {module.path.name}"
            if isinstance(node, ast.Call) and is_request(node, module.path, held):
                return f"{name}= is given to a request in {module.path.name}"
        return ""

    def _may_be_client(self, node: ast.expr, file: Path, held: Holders) -> bool:
        """Whether an expression is one of the clients, or what a function is given by a caller that nobody knows."""
        if node in held.made or held.holds(file, node):
            return True
        if not isinstance(node, ast.Name) or self._suite.find(node.id, file) is not None:
            return False
        scopes = self._bindings.scopes(file, node)
        return any(node.id in parameters(scope) for scope in scopes if isinstance(scope, FUNCTIONS))

    def _cancelling(self, site: Site, users: list[Test]) -> str:
        """Return that a request may be cancelled: httpx's transport runs the application in the test's own task."""
        own = self._bindings.function(site.file, site.call)
        for function in (own, *(test.function for test in users)):
            names = (
                (node for node in ast.walk(function) if isinstance(node, ast.Name | ast.Attribute))
                if function
                else ()
            )
            if any(last_name(node) in CANCELLING for node in names):
                return "a test cancels what it asks, which httpx's transport runs in the test's own task"
        return ""

    def _is_on_trio(self, test: Test) -> bool:
        """Whether a fixture or a mark says so, or nothing says otherwise where trio is required."""
        if "anyio" not in test.marks:
            return False
        backend = self._suite.find(BACKEND, test.file, test.owner)
        mark = test.marks.get("parametrize")
        marked = [mark] if mark is not None and BACKEND in ast.unparse(mark) else []
        said = [*([backend.function] if backend else []), *marked]
        if said:
            return any(literal(node) == "trio" for each in said for node in _expressions(each))
        return self._requires_trio

    @cached_property
    def _requires_trio(self) -> bool:
        places = (self._project.symbols.sources.root, self._project.configuration.path.parent)
        return re.search(r"\btrio\b", read_requirements(places)) is not None

    def _edits(self, sites: list[Site], loops: list[Fixture]) -> dict[Path, tuple[Edit, ...]]:
        holders = find_holders(
            (site for site in sites if not site.maker.has_lifespan), self._suite, self._bindings
        )
        asgi = find_holders((site for site in sites if site.maker.has_lifespan), self._suite, self._bindings)
        by_file: dict[Path, list[Site]] = defaultdict(list)
        for site in sites:
            by_file[site.file].append(site)
        removed: dict[Path, list[Fixture]] = defaultdict(list)
        for fixture in loops:
            removed[fixture.file].append(fixture)
        all_go = self._all_go(sites)
        found = {}
        for module in self._modules:
            if sites or removed[module.path]:
                edits = self._of(module, by_file[module.path], removed[module.path], (holders, asgi), all_go)
                if edits:
                    found[module.path] = edits
        return found

    def _of(
        self,
        module: Module,
        sites: list[Site],
        loops: list[Fixture],
        held: tuple[Holders, Holders],
        all_go: bool,
    ) -> tuple[Edit, ...]:
        holders, asgi = held
        rewriting = Rewriting(
            module, self._project.symbols, self._bindings, tells_address=self._tells_address
        )
        managers = list(self._finder.managers(module)) if sites else []
        for site in sites:
            rewriting.replace(site, managers)
        calls: set[ast.AST] = {site.call for site in self._all}
        for statement, item in entered_elsewhere(module, holders, calls):
            rewriting.leave(statement, item)
        for entering, client in entered_by_a_stack(module, holders, calls):
            rewriting.release(entering, client)
        for call in module.of(ast.Call) if asgi.variables or asgi.fixtures else ():
            if is_request(call, module.path, asgi):
                rewriting.rename(call)
        for fixture in loops:
            rewriting.remove(fixture.function)
        for node in self._annotations(module, sites, held, all_go):
            rewriting.annotate(node)
        return rewriting.edits()

    def _annotations(
        self, module: Module, sites: list[Site], held: tuple[Holders, ...], all_go: bool
    ) -> Iterator[ast.expr]:
        """Yield what annotations call the old client.

        Args:
            module: The file.
            sites: Its places where a client is replaced.
            held: What gives one.
            all_go: Whether no client of another kind is left in the suite, whatever an argument is called.
        """
        if not module.mentions(*WORDS):
            return
        functions = {self._bindings.function(module.path, site.call) for site in sites}
        defined: list[ast.FunctionDef | ast.AsyncFunctionDef] = [
            *module.of(ast.FunctionDef),
            *module.of(ast.AsyncFunctionDef),
        ]
        for function in defined:
            is_one = all_go or function in functions
            annotations = [
                function.returns if is_one else None,
                *(
                    each.annotation
                    for each, _ in parameters(function).values()
                    if is_one or any(one.is_fixture(module.path, each.arg) for one in held)
                ),
            ]
            for annotation in annotations:
                yield from self._named(annotation, module)

    def _named(self, annotation: ast.expr | None, module: Module) -> Iterator[ast.expr]:
        for node in ast.walk(annotation) if annotation is not None else ():
            name = outside(module.path, node, self._project.symbols) if isinstance(node, ast.expr) else ""
            if isinstance(node, ast.Name | ast.Attribute) and name in HTTPX | ASGI_CLIENTS:
                yield node

    def _all_go(self, sites: list[Site]) -> bool:
        """Whether every client of httpx in the suite is one that is replaced."""
        known = {site.call for site in sites}
        calls = (
            (module, call)
            for module in self._project.symbols.sources.tests
            if module.mentions("AsyncClient")
            for call in module.of(ast.Call)
        )
        return all(
            call in known or outside(module.path, call.func, self._project.symbols) not in HTTPX
            for module, call in calls
        )

    @cached_property
    def _tells_address(self) -> bool:
        """Whether the application, or a test, looks at the address that requests come from."""
        modules = self._project.symbols.sources.modules.values()
        return any(
            module.mentions(*ADDRESSES)
            or (module.is_test and b"127.0.0.1" in module.text)
            or any(
                node.attr == "host" and last_name(node.value) == "client"
                for node in (module.of(ast.Attribute) if module.mentions("host") else ())
            )
            for module in modules
            if module.is_test or module.is_production
        )

    def _errors(self) -> Iterator[Review]:
        """Yield where tests name errors of httpx: those of a response are httpx2's then."""
        for module in self._modules:
            for node in (*module.of(ast.Name), *module.of(ast.Attribute)):
                name = outside(module.path, node, self._project.symbols) if module.mentions(*ERRORS) else ""
                if name in {f"httpx.{error}" for error in ERRORS}:
                    text = f"AsyncTestClient is httpx2's: what a response raises is httpx2.{name[6:]}"
                    yield Review(module.path, node.lineno, text)


def _like_old_ones(module: Module) -> Iterator[tuple[ast.Attribute | ast.Call, str]]:
    """Yield what only the old clients have, whoever it is asked of here, with the name of that."""
    if not module.mentions(*PRIVATE, *OF_REQUESTS):
        return
    for node in module.of(ast.Attribute):
        if node.attr in PRIVATE:
            yield node, node.attr
    for call in module.of(ast.Call):
        words = [word.arg for word in call.keywords if word.arg in OF_REQUESTS]
        if words and last_name(call.func) in REQUESTS:
            yield call, words[0]


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    return (each for each in ast.walk(node) if isinstance(each, ast.expr))


RECIPES = Step(
    "recipes",
    "asynchronous clients that a suite makes itself (httpx, asgi-lifespan, async-asgi-testclient) are hermetic's",
    is_safe=True,
    example=EXAMPLE,
    run=run,
)
