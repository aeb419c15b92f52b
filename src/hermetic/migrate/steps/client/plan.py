"""Which tests are converted, and which stay: what they use decides, and what that shares with others.

A test stays where something in it, or in what it uses, stands in the way. What it uses stays with it, and so does
whatever else uses that. A fixture whose value has nothing to do with a client is on its own: who asks for it gets the
same, whichever client made it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hermetic.causes import causes, migration
from hermetic.migrate.step import Left, Project, Review, TestName, name_of
from hermetic.migrate.steps.client.async_functions import find_async, find_obstacles, is_unittest
from hermetic.migrate.steps.client.copies import can_be_copied, can_be_told
from hermetic.migrate.steps.client.kinds import Kinds, Many, Other, Request, Row, Stack, Targets, item
from hermetic.migrate.steps.client.reading import Reading
from hermetic.migrate.steps.client.uses import Obstacle, Unit, Use, Uses, line_of
from hermetic.migrate.steps.client.values import Values
from hermetic.source.fixtures import Fixture, Suite, Test


@dataclass(frozen=True)
class Plan:
    """What is done.

    Attributes:
        values: The kinds of the suite's values.
        uses: The rewrites, those of units that stay left out.
        files: The functions that become async, each with its file.
        functions: These, and the stacks that become async.
        converted: The tests that change, or that use what does, by their names.
        left: The tests that stay.
        copied: What tests of both kinds use, and is there twice.
        staying: What stays, and is there once.
        review: What a person had better look at.
    """

    values: Values
    uses: tuple[Use, ...]
    files: dict[ast.FunctionDef, Path]
    functions: Targets
    converted: frozenset[TestName]
    left: tuple[Left, ...]
    copied: frozenset[Unit]
    staying: frozenset[Unit]
    review: tuple[Review, ...]


class Planning:
    """Decides which tests are converted.

    Args:
        project: The project, and the tests that must stay.
        suite: Its fixtures and tests.
        is_anyio: Whether a test must be async itself for its async fixtures, as anyio's plugin has it.
    """

    def __init__(self, project: Project, suite: Suite, *, is_anyio: bool) -> None:
        self._is_anyio = is_anyio
        self._keep, self._fixed = project.keep, project.fixed
        self._suite = suite
        self._values = Values(project.symbols, suite)
        self._uses, self._async, self._obstacles = self._read()
        self._by_unit: dict[Unit, Obstacle] = {}
        for each in self._obstacles:
            if not each.targets or each.targets & self._async:
                self._by_unit.setdefault(each.unit, each)
        self._active = [each for each in self._uses.found if not each.targets or each.targets & self._async]
        self._changed = {each.unit for each in self._active if each.form != "session"}
        self._tests = {self._unit(each): each for each in self._values.tests}
        self._changed |= {unit for unit, each in self._tests.items() if each.function in self._async}
        self._fixtures = {self._unit(each): each for each in suite.fixtures}
        self._closures: dict[Unit, frozenset[Unit]] = {}
        for use in self._active:
            if (why := self._fixed.get(use.unit.file)) is not None:
                self.add(Obstacle(migration.CANNOT_BE_CHANGED, use.unit, use.line, f"the file {why}"))
        users: list[Test | Fixture] = [*self._values.tests, *suite.fixtures]
        for user in users:
            if user.function in self._async and (why := self._fixed.get(user.file)) is not None:
                text = f"the file {why}"
                self.add(Obstacle(migration.CANNOT_BE_CHANGED, self._unit(user), user.function.lineno, text))
        for unit, test in self._tests.items():
            if (kept := self._keep.get(name_of(test))) is not None:
                code, text = kept
                self.add(Obstacle(causes()[code], unit, test.function.lineno, text))

    def add(self, obstacle: Obstacle) -> None:
        """Have something stand in the way."""
        self._by_unit[obstacle.unit] = obstacle

    def _read(self) -> tuple[Uses, set[ast.AST | Stack], list[Obstacle]]:
        reading = Reading(self._values)
        reading.read()
        while True:
            uses = reading.uses()
            functions = find_async(uses)
            functions |= self._bound(functions) if self._is_anyio else set()
            names = {each.name for each in functions if isinstance(each, ast.FunctionDef)}
            if not reading.read(names):
                return uses, functions, [*uses.obstacles, *find_obstacles(self._values, uses, functions)]

    def _bound(self, functions: set[ast.AST | Stack]) -> set[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Return the tests that have a fixture which becomes async."""
        fixtures = [each for each in self._suite.fixtures if each.function in functions]
        tests = self._values.tests if fixtures else ()
        closures = ((test.function, self._suite.closure(test).values()) for test in tests)
        return {test for test, closure in closures if any(each.function in functions for each in closure)}

    def plan(self) -> Plan:
        """Return what is done."""
        roots = self._roots()
        staying = self._staying(roots)
        converting = {unit for root in roots if root not in staying for unit in self._closure(root)}
        held = self._held(staying)
        copied = {unit for unit in converting & held if self._is_changed(unit)}
        uses = tuple(each for each in self._active if each.unit in converting)
        tests = [unit for unit in self._tests if unit not in staying and self._is_changed(unit)]
        files = self._files(uses, converting)
        functions = {*files, *(each for each in self._async if not isinstance(each, ast.FunctionDef))}
        review = [each for each in self._uses.review if each[0] in converting]
        return Plan(
            self._values,
            uses,
            files,
            frozenset(functions),
            frozenset([*(name_of(self._tests[unit]) for unit in tests), *self._unittests(converting)]),
            tuple(self._left(staying)),
            frozenset(copied),
            frozenset(held - converting),
            tuple(Review(unit.file, line, text) for unit, line, text in review),
        )

    def _unittests(self, converting: set[Unit]) -> Iterator[TestName]:
        names = (self._of_unittest(unit) for unit in converting if self._is_changed(unit))
        yield from (each for each in names if each is not None)

    def _files(self, uses: tuple[Use, ...], converting: set[Unit]) -> dict[ast.FunctionDef, Path]:
        """Return the functions that become async, each with its file."""
        found = {use.function: use.unit.file for use in uses if use.makes_async}
        nodes = {unit.node: unit.file for unit in converting if unit.node is not None}
        for file in dict.fromkeys(nodes.values()):
            for each in self._values.symbols.sources.modules[file].of(ast.FunctionDef):
                around = (each, *self._around(file, each)) if each in self._async else ()
                found |= {each: file} if any(outer in nodes for outer in around) else {}
        return {each: file for each, file in found.items() if isinstance(each, ast.FunctionDef)}

    def _around(self, file: Path, function: ast.AST) -> Iterator[ast.AST]:
        """Yield the functions and classes in which a function stands."""
        while scopes := self._values.bindings.scopes(file, function):
            function = scopes[0]
            yield function

    def _unit(self, user: Test | Fixture) -> Unit:
        is_of_client = user.owner is not None and self._values.is_client_class(user.file, user.owner)
        return Unit(user.file, user.owner if is_of_client else user.function)

    def _roots(self) -> list[Unit]:
        """Return what nobody uses, or what is used for a value that has nothing to do with a client."""
        units = sorted({*self._changed, *self._by_unit, *self._tests}, key=_place)
        used = {unit for needs in self._uses.needs.values() for unit in needs}
        fixtures = {unit for unit, each in self._fixtures.items() if self._is_of_interest(each)}
        asked = {unit for test in self._tests for unit in self._closure(test)} - set(self._tests)
        return [
            *self._tests,
            *(
                unit
                for unit in units
                if unit not in self._tests and unit not in asked and unit not in used - fixtures
            ),
            *(
                unit
                for unit in units
                if unit in self._fixtures and unit not in fixtures and unit in asked | used
            ),
        ]

    def _is_of_interest(self, fixture: Fixture) -> bool:
        return self._is_anyio or matters(self._values.returned(fixture.function))

    def _closure(self, root: Unit) -> frozenset[Unit]:
        """Return what a unit uses, itself first: functions, names, and fixtures whose value matters."""
        if root not in self._closures:
            found: dict[Unit, None] = {}
            waiting = [root, *self._fixtures_of(root)]
            while waiting:
                unit = waiting.pop()
                if unit not in found:
                    found[unit] = None
                    waiting += [
                        each
                        for each in self._uses.needs.get(unit, ())
                        if each not in self._fixtures or self._is_of_interest(self._fixtures[each])
                    ]
                    waiting += self._uses.asks.get(unit, ())
            self._closures[root] = frozenset(found)
        return self._closures[root]

    def _fixtures_of(self, root: Unit) -> Iterator[Unit]:
        """Yield the fixtures of a test, or of a fixture, whose values matter, as that test sees them."""
        user = self._tests.get(root) or self._fixtures.get(root)
        if user is None:
            return
        closure = self._suite.closure(user) if isinstance(user, Test) else {}
        names = [*user.requests, *(each.name for each in closure.values() if each.is_autouse)]
        seen: set[str] = set()
        while names:
            name = names.pop()
            if name in seen:
                continue
            seen.add(name)
            fixture = closure.get(name) or self._values.suite.given(name, user)
            while fixture is not None and self._is_of_interest(fixture):
                yield self._unit(fixture)
                names += fixture.requests
                above = self._values.suite.given(name, fixture) if name in fixture.requests else None
                fixture = above if above is not fixture else None

    def _staying(self, roots: list[Unit]) -> dict[Unit, Obstacle]:
        """Return the roots that stay, each with what stands in the way.

        First what must, then what uses something with one of these that cannot be there twice.
        """
        staying: dict[Unit, Obstacle] = {}
        held: dict[Unit, tuple[Unit, Obstacle]] = {}
        left = list(roots)
        while True:
            new = {root: found for root in left if (found := self._obstacle(root, held)) is not None}
            if not new:
                return staying
            staying |= new
            left = [root for root in left if root not in new]
            for root, obstacle in new.items():
                is_told = all(
                    can_be_told(self._values, unit) for unit in self._closure(root) if not unit.name
                )
                beyond = self._used_by_fixed(root)
                for unit in self._closure(root):
                    can_be_told_of = is_told and unit not in beyond
                    if self._is_changed(unit) and not (can_be_told_of and can_be_copied(self._values, unit)):
                        held.setdefault(unit, (root, obstacle))

    def _used_by_fixed(self, root: Unit) -> set[Unit]:
        """Return what a unit uses by way of files that cannot be changed, and so cannot name a copy instead."""
        fixed = [unit for unit in self._closure(root) if unit.file in self._fixed]
        return {used for unit in fixed for used in self._closure(unit)}

    def _held(self, staying: Iterable[Unit]) -> set[Unit]:
        """Return all that what stays uses."""
        return {unit for root in staying for unit in self._closure(root)}

    def _obstacle(self, root: Unit, held: Mapping[Unit, tuple[Unit, Obstacle]]) -> Obstacle | None:
        closure = self._closure(root)
        own = [unit for unit in closure if unit in self._by_unit]
        if own:
            return self._by_unit[root if root in self._by_unit else min(own, key=_place)]
        shared = [unit for unit in closure if unit in held]
        return _shared_with(*held[min(shared, key=_place)]) if shared else None

    def _is_changed(self, test: Unit) -> bool:
        return any(unit in self._changed for unit in self._closure(test))

    def _left(self, staying: dict[Unit, Obstacle]) -> Iterator[Left]:
        for unit, test in self._tests.items():
            if unit in staying and (self._is_changed(unit) or unit in self._by_unit):
                yield left_by(name_of(test), staying[unit])
        for unit, obstacle in staying.items():
            if unit not in self._tests and (name := self._of_unittest(unit)) is not None:
                yield left_by(name, obstacle)

    def _of_unittest(self, unit: Unit) -> TestName | None:
        node = unit.node
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test"):
            return None
        owner = self._values.bindings.owner(unit.file, node)
        if owner is None or not is_unittest(self._values, unit.file, owner):
            return None
        return TestName(unit.file, f"{owner.name}::{node.name}")


def _shared_with(root: Unit, obstacle: Obstacle) -> Obstacle:
    if obstacle.cause == migration.SHARED:
        return obstacle
    name = getattr(root.node, "name", "") or root.file.name
    text = f"it shares this with `{name}`, which stays ({obstacle.cause.code}): {obstacle.text}"
    return Obstacle(migration.SHARED, obstacle.unit, obstacle.line, text)


def matters(kinds: Kinds) -> bool:
    """Whether a value may be a client, lead to one, or make one."""
    for each in kinds:
        if isinstance(each, Many | Row):
            if matters(item(frozenset({each}))):
                return True
        elif not isinstance(each, Other | Request | Stack):
            return True
    return False


def left_by(name: TestName, obstacle: Obstacle) -> Left:
    """Return that a test is left, and why."""
    return Left(name, obstacle.cause.code, obstacle.unit.file, obstacle.line, obstacle.text)


def _place(unit: Unit) -> tuple[str, int, str]:
    """Return what puts units in the order of the text, so that what is told is the same each time."""
    return str(unit.file), 0 if unit.node is None else line_of(unit.node), unit.name
