"""What nothing uses any more: fixtures with nothing left in them, parameters, names, imports.

Only what was used before counts. What nobody had used either is there for a reason that is not known here.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from weakref import WeakKeyDictionary

from hermetic.migrate.steps.database.handles import Handles
from hermetic.migrate.steps.database.side_effects import is_nothing, is_pure
from hermetic.migrate.steps.database.writing import Writer
from hermetic.source.bindings import own_nodes, parameters
from hermetic.source.configuration import Configuration
from hermetic.source.fixtures import Fixture, Function, Suite, Test
from hermetic.source.modules import WORD, Module, edited
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import last_name, literal

NEUTRAL = frozenset({"contextmanager", "asynccontextmanager"})
"""Decorators of functions that only calls have run."""


def with_texts(symbols: Symbols, texts: dict[Path, bytes]) -> Symbols:
    """Return the names of a project some of whose files have other texts."""
    modules = {
        path: edited(module, texts[path]) if path in texts else module
        for path, module in symbols.sources.modules.items()
    }
    return Symbols(replace(symbols.sources, modules=modules))


@dataclass
class Removal:
    """What goes from one file."""

    statements: set[ast.stmt] = field(default_factory=set)
    parameters: dict[Function, set[str]] = field(default_factory=lambda: defaultdict(set))
    imports: set[ast.alias] = field(default_factory=set)
    texts: dict[ast.expr, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.statements or self.parameters or self.imports or self.texts)

    def written(self, module: Module) -> bytes:
        """Return the file without it."""
        writer = Writer(module)
        inside = {id(inner) for each in self.statements for inner in ast.walk(each)}
        writer.remove(self.statements, set())
        for function, names in self.parameters.items():
            if id(function) not in inside:
                writer.set_parameters(function, names, ())
        writer.remove_imported(self.imports)
        writer.replace({node: text for node, text in self.texts.items() if id(node) not in inside})
        return writer.result()


class Unused:
    """Finds what nothing uses any more.

    Args:
        before: The suite as it was.
        now: The names of the project as its files are now.
        configuration: pytest's settings.
    """

    def __init__(self, before: Suite, now: Symbols, configuration: Configuration) -> None:
        self._before = before
        self._suite = Suite(now, configuration)
        self._now = now
        self._named_in_settings = frozenset(configuration.strings("usefixtures"))
        self._functions: dict[Path, dict[str, Function]] = {}
        self.found: dict[Path, Removal] = defaultdict(Removal)

    def texts(self) -> dict[Path, bytes]:
        """Return the files that are changed, without what nothing uses; one step of it."""
        for finding in (self._fixtures, self._parameters, self._locals, self._names, self._imports):
            finding()
            changed = {path: removal for path, removal in self.found.items() if removal}
            if changed:
                modules = self._now.sources.modules
                return {path: removal.written(modules[path]) for path, removal in changed.items()}
        return {}

    def _fixtures(self) -> None:
        """Find fixtures that do nothing any more, and such as nobody asks for any more."""
        old = {(each.file, _path(each)): each for each in self._before.fixtures}
        present = {(each.file, _path(each)) for each in self._suite.fixtures}
        for key, each in old.items():
            if key not in present:
                self._drop_requests(each)
        for fixture in self._suite.fixtures:
            former = old.get((fixture.file, _path(fixture)))
            if former is None or self._is_asked_for_by_text(fixture.name):
                continue
            is_empty = _does_nothing(fixture.function) and not _does_nothing(former.function)
            is_left = (
                not fixture.is_autouse
                and any(self._users(self._before, former))
                and not any(self._users(self._suite, fixture))
            )
            if is_left or (
                is_empty and len(self._suite.by_name[fixture.name]) == 1 and self._is_droppable(fixture)
            ):
                self._drop(fixture)

    def _is_droppable(self, fixture: Fixture) -> bool:
        """Whether nobody uses what a fixture hands out, which is nothing."""
        return not any(
            isinstance(node, ast.Name) and node.id == fixture.name
            for user in self._users(self._suite, fixture)
            for node in own_nodes(user.function)
        )

    def _users(self, suite: Suite, fixture: Fixture) -> Iterator[Fixture | Test]:
        for user in (self._asking_now if suite is self._suite else self._asking_before).get(fixture.name, ()):
            found = suite.find(fixture.name, user.file, user.owner)
            if found is fixture and user.function is not fixture.function:
                yield user

    @cached_property
    def _asking_now(self) -> dict[str, list[Fixture | Test]]:
        return _asking(self._suite)

    @cached_property
    def _asking_before(self) -> dict[str, list[Fixture | Test]]:
        return _asking(self._before)

    def _is_asked_for_by_text(self, name: str) -> bool:
        """Whether a fixture is named where it cannot be seen who gets it: in the settings, by ``getfixturevalue``."""
        if name in self._named_in_settings:
            return True
        return any(
            isinstance(node, ast.Call)
            and last_name(node.func) == "getfixturevalue"
            and any(literal(each) == name for each in node.args)
            for module in self._now.sources.tests
            if module.mentions("getfixturevalue")
            for node in module.of(ast.Call)
        )

    def _drop(self, fixture: Fixture) -> None:
        self.found[fixture.file].statements.add(fixture.function)
        for user in self._users(self._suite, fixture):
            if fixture.name in parameters(user.function):
                self.found[user.file].parameters[user.function].add(fixture.name)
        for module in self._now.sources.tests:
            if module.mentions("usefixtures") and module.mentions(fixture.name):
                self._drop_from_marks(module, fixture)

    def _drop_requests(self, former: Fixture) -> None:
        """Have nobody ask for a fixture that is gone."""
        for user in self._asking_now.get(former.name, ()):
            if former.name not in parameters(user.function):
                continue
            is_there = self._suite.find(former.name, user.file, user.owner) is not None
            if not is_there and self._before.find(former.name, user.file) is former:
                self.found[user.file].parameters[user.function].add(former.name)

    def _drop_from_marks(self, module: Module, fixture: Fixture) -> None:
        removal = self.found[module.path]
        for call in module.of(ast.Call):
            if last_name(call.func) != "usefixtures" or fixture.name not in map(literal, call.args):
                continue
            if self._suite.find(fixture.name, module.path) is not fixture:
                continue
            kept = [ast.unparse(each) for each in call.args if literal(each) != fixture.name]
            removal.texts[call] = f"{ast.unparse(call.func)}({', '.join(kept)})"

    def _former(self, file: Path) -> dict[str, Function]:
        """Return the functions that a file of the suite had, by their paths."""
        if file not in self._functions:
            self._functions[file] = dict(_functions(self._before.symbols.sources.modules[file].tree))
        return self._functions[file]

    def _parameters(self) -> None:
        """Find fixtures that another one asked for, used, and uses no more."""
        for fixture in self._suite.fixtures:
            former = self._former(fixture.file).get(_path(fixture))
            if former is None:
                continue
            for name in parameters(fixture.function):
                if name != "request" and _loads(former, name) and not _loads(fixture.function, name):
                    self.found[fixture.file].parameters[fixture.function].add(name)

    def _locals(self) -> None:
        """Find names in functions."""
        before = self._before.symbols.sources.modules
        for module in self._now.sources.tests:
            if module.text == before[module.path].text:
                continue
            for path, function in _functions(module.tree):
                former = self._former(module.path).get(path)
                if former is None or ast.dump(former) == ast.dump(function):
                    continue
                for node in own_nodes(function):
                    names = _bound_purely(node) or self._of_engine(module.path, node)
                    if names and all(_loads(former, name) and not _loads(function, name) for name in names):
                        assert isinstance(node, ast.stmt)
                        self.found[module.path].statements.add(node)

    def _of_engine(self, file: Path, node: ast.AST) -> list[str]:
        """Return the names that are bound to an engine or a sessionmaker that some function returns."""
        if not isinstance(node, ast.Assign) or not all(isinstance(each, ast.Name) for each in node.targets):
            return []
        found = self._handles.of(file, node.value)
        is_one = found is not None and found.kind in ("engine", "maker")
        return [each.id for each in node.targets if isinstance(each, ast.Name)] if is_one else []

    @cached_property
    def _handles(self) -> Handles:
        return Handles(self._suite)

    def _names(self) -> None:
        """Find names at the top of modules."""
        fixtures = {each.function for each in self._suite.users}
        for module in self._now.sources.tests:
            former = self._before.symbols.sources.modules[module.path]
            for node in module.tree.body:
                names = _bound_purely(node) if node not in fixtures else []
                if names and all(self._is_dead(module, former, name) for name in names):
                    self.found[module.path].statements.add(node)

    def _imports(self) -> None:
        for module in self._now.sources.tests:
            former = self._before.symbols.sources.modules[module.path]
            if former.text == module.text:
                continue
            lines = module.text.splitlines()
            for node in module.imports:
                if b"noqa" in lines[node.lineno - 1] or any(alias.name == "*" for alias in node.names):
                    continue
                dead = [
                    alias
                    for alias in node.names
                    if self._is_dead(module, former, alias.asname or alias.name.partition(".")[0])
                ]
                if len(dead) == len(node.names):
                    self.found[module.path].statements.add(node)
                elif dead:
                    self.found[module.path].imports.update(dead)

    def _is_dead(self, module: Module, former: Module, name: str) -> bool:
        if name in ("pytest_plugins", "pytestmark", "__all__") or _is_used(module, name):
            return False
        if self._is_used_elsewhere(self._now, module, name):
            return False
        return _is_used(former, name) or self._is_used_elsewhere(self._before.symbols, former, name)

    def _is_used_elsewhere(self, symbols: Symbols, module: Module, name: str) -> bool:
        for other in symbols.sources.tests:
            if other.path == module.path or not (other.mentions(name) or other.mentions(module.path.stem)):
                continue
            scope = symbols.scope(other.path)
            for local, (_, imported) in scope.imports.items():
                if imported == name:
                    found = symbols.lookup(other.path, local)
                    if found is not None and found.file == module.path:
                        return True
            for star in scope.stars:
                if symbols.locate(star, other.path) == module.path and _is_used(other, name):
                    return True
            for node in other.of(ast.Attribute):
                if node.attr == name:
                    found = symbols.resolve(other.path, node)
                    if found is not None and (found.file, found.name) == (module.path, name):
                        return True
        return False


def _asking(suite: Suite) -> dict[str, list[Fixture | Test]]:
    """Return who asks for each fixture, by its name."""
    found: dict[str, list[Fixture | Test]] = defaultdict(list)
    for user in suite.users:
        for name in dict.fromkeys(user.requests):
            found[name].append(user)
    return found


def _path(fixture: Fixture) -> str:
    return f"{fixture.owner.name}.{fixture.function.name}" if fixture.owner else fixture.function.name


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    for node in getattr(tree, "body", []):
        if isinstance(node, Function):
            yield f"{prefix}{node.name}", node
            yield from _functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.With | ast.AsyncWith | ast.If | ast.Try | ast.For | ast.AsyncFor):
            yield from _functions(node, prefix)


def _bound_purely(node: ast.AST) -> list[str]:
    """Return the names that a statement binds and does nothing else."""
    if isinstance(node, ast.Assign) and is_pure(node.value):
        names = [each.id for each in node.targets if isinstance(each, ast.Name)]
        return names if len(names) == len(node.targets) else []
    if isinstance(node, ast.AnnAssign) and node.value is not None and is_pure(node.value):
        return [node.target.id] if isinstance(node.target, ast.Name) else []
    if isinstance(node, Function) and all(last_name(each) in NEUTRAL for each in node.decorator_list):
        return [node.name]
    return []


def _loads(function: ast.AST, name: str) -> bool:
    body: Iterable[ast.AST] = getattr(function, "body", [])
    return any(
        isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Store)
        for each in body
        for node in ast.walk(each)
    )


def _is_used(module: Module, name: str) -> bool:
    if not module.mentions(name):
        return False
    return name in _used(module)


_KNOWN: WeakKeyDictionary[Module, frozenset[str]] = WeakKeyDictionary()
"""The names that modules use: most of them are the same in each round."""


def _used(module: Module) -> frozenset[str]:
    if module not in _KNOWN:
        _KNOWN[module] = frozenset(_names_in(module))
    return _KNOWN[module]


def _names_in(module: Module) -> set[str]:
    found = {node.id for node in module.of(ast.Name) if not isinstance(node.ctx, ast.Store)}
    annotations: list[ast.AST | None] = [each.annotation for each in module.of(ast.arg)]
    annotations += [each.annotation for each in module.of(ast.AnnAssign)]
    functions: list[Function] = [*module.of(ast.FunctionDef), *module.of(ast.AsyncFunctionDef)]
    annotations += [each.returns for each in functions]
    texts = [inner for each in annotations if each is not None for inner in ast.walk(each)]
    texts += [inner for each in module.of(ast.Assign) if _is_all(each) for inner in ast.walk(each)]
    for each in texts:
        found.update(WORD.findall(literal(each) or "") if isinstance(each, ast.Constant) else ())
    return found


def _is_all(node: ast.Assign) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets)


def _does_nothing(function: Function) -> bool:
    return all(
        is_nothing(each)
        or (
            isinstance(each, ast.Assign | ast.AnnAssign) and is_pure(each.value) and bool(_bound_purely(each))
        )
        for each in function.body
    )
