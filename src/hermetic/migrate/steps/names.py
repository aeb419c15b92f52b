"""Put the names that hermetic has now in place of those that it had, wherever a project's files use them.

What is renamed stands in one table, which is empty as long as nothing is deprecated. A name keeps its module, so that
only its last word changes. Whoever imports it from a module of the project, which has it from hermetic, is changed too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hermetic.migrate.step import Outcome, Project, Review, Step
from hermetic.migrate.text import Edit, SourceText
from hermetic.source.bindings import parameters
from hermetic.source.modules import Module
from hermetic.source.suite_modules import is_fixture
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import assignments, last_name

BY_NAME = frozenset({"getfixturevalue", "usefixtures"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Renamed:
    """What has another name now.

    Attributes:
        names: Of the full dotted name of a class, a function or a mark, the new last word.
        fixtures: Of the name of a fixture, the new one.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    fixtures: Mapping[str, str] = field(default_factory=dict)


RENAMED = Renamed()


def names_step(renamed: Renamed) -> Step:
    """Return the step that puts new names in place of old ones."""
    return Step(
        "names",
        "puts the names that hermetic has now in place of deprecated ones",
        True,
        (
            "from hermetic import AsyncClient\n\nasync def test_users(async_http): ...",
            "from hermetic import AsyncTestClient\n\nasync def test_users(async_client): ...",
        ),
        partial(_run, renamed=renamed),
    )


def _run(project: Project, renamed: Renamed) -> Outcome:
    words = [*(name.rpartition(".")[2] for name in renamed.names), *renamed.fixtures]
    found = [module for module in project.symbols.sources.modules.values() if module.mentions(*words)]
    own = {each.name for module in found for each in _functions(module) if is_fixture(each)}
    fixtures = {old: new for old, new in renamed.fixtures.items() if old not in own}
    edits: dict[Path, tuple[Edit, ...]] = {}
    review: list[Review] = []
    for module in found:
        source = SourceText(module.text)
        review += _taken(module, fixtures)
        edits[module.path] = (
            *_names(module, source, project.symbols, renamed.names),
            *_fixtures(module, source, fixtures),
        )
    return Outcome(edits, review=tuple(review))


def _names(module: Module, source: SourceText, symbols: Symbols, names: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the edits of imports, uses and exports of some names."""
    news = {old.rpartition(".")[2]: new for old, new in names.items()}

    def is_old(name: str) -> bool:
        found = symbols.lookup(module.path, name) if name in news else None
        return found is not None and found.file is None and found.name in names

    for statement in module.of(ast.ImportFrom):
        for alias in statement.names:
            stands_for = symbols.lookup(module.path, alias.asname or alias.name)
            if alias.name in news and stands_for and not stands_for.file and stands_for.name in names:
                start = source.start(alias)
                yield Edit(start, start + len(alias.name), news[alias.name])
    again = {word: _bound_again(module, word) for word in news if is_old(word)}
    for name in module.of(ast.Name):
        if name.id in again and name not in again[name.id]:
            yield source.replace(name, news[name.id])
    for attribute in module.of(ast.Attribute):
        if attribute.attr in news:
            found = symbols.resolve(module.path, attribute)
            if found is not None and found.file is None and found.name in names:
                end = source.end(attribute)
                yield Edit(end - len(attribute.attr), end, news[attribute.attr])
    for target, value in (each for statement in module.tree.body for each in assignments(statement)):
        if target == "__all__":
            yield from _strings(value, source, {word: news[word] for word in again})


def _fixtures(module: Module, source: SourceText, fixtures: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the edits of the parameters, and the strings, by which some fixtures are asked for."""
    for function in _asking(module):
        for argument, _ in parameters(function).values():
            new = fixtures.get(argument.arg)
            if new is None or _has(function, new):
                continue
            start = source.start(argument)
            yield Edit(start, start + len(argument.arg), new)
            for node in (each for statement in function.body for each in ast.walk(statement)):
                if isinstance(node, ast.Name) and node.id == argument.arg:
                    yield source.replace(node, new)
    for call in module.of(ast.Call):
        if last_name(call.func) in BY_NAME:
            for value in call.args:
                yield from _strings(value, source, fixtures)


def _taken(module: Module, fixtures: Mapping[str, str]) -> Iterator[Review]:
    """Yield the parameters that cannot have their new name, because something else there has it."""
    for function in _asking(module):
        for argument, _ in parameters(function).values():
            new = fixtures.get(argument.arg, "")
            if new and _has(function, new):
                text = f"{argument.arg} is {new} now, a name that {function.name} uses already"
                yield Review(module.path, argument.lineno, text)


def _strings(value: ast.AST, source: SourceText, news: Mapping[str, str]) -> Iterator[Edit]:
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in news:
            yield source.replace(node, source.of(node).replace(node.value, news[node.value]))


def _asking(module: Module) -> Iterator[Function]:
    """Yield the functions whose parameters are fixtures."""
    for function in _functions(module):
        if module.is_test and (function.name.startswith("test") or is_fixture(function)):
            yield function


def _functions(module: Module) -> Iterator[Function]:
    yield from module.of(ast.FunctionDef)
    yield from module.of(ast.AsyncFunctionDef)


def _has(function: Function, name: str) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.arg) and node.arg == name)
        for node in ast.walk(function)
    )


def _bound_again(module: Module, name: str) -> set[ast.AST]:
    """Return the nodes of the functions in which a name is a parameter, or is assigned."""
    found: set[ast.AST] = set()
    for function in _functions(module):
        inner = set(ast.walk(function))
        if any(
            (isinstance(node, ast.arg) and node.arg == name)
            or (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
            for node in inner
        ):
            found |= inner
    return found


NAMES = names_step(RENAMED)
