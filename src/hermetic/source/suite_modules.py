"""Find the modules of a suite that lie outside its folders.

A library's fixtures may be part of its package (``src/shop/testing/fixtures.py``), so that others can use them: a
conftest imports them, or ``pytest_plugins`` names them. What they do by hand is done by the suite, and they are no
part of the application. What gives them away is that tests import them, that they import pytest or ``TestClient``, and
that the application does not import them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from hermetic.source.configuration import Configuration, table_at
from hermetic.source.modules import Module
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import assignments, children, imported_names, is_constant_alone

RUNNERS = frozenset({"pytest", "pytest_asyncio"})
PYTHON_FILES = ("test_*.py", "*_test.py")
"""The names of the files that pytest collects unless it is told others."""
CLIENTS = frozenset({"fastapi.testclient", "starlette.testclient"})


def with_helpers(symbols: Symbols, plugins: Iterable[str]) -> Symbols:
    """Return the names of a project with those modules counted among the tests that only tests use.

    Args:
        symbols: The project's names.
        plugins: The modules that the configuration has pytest load.
    """
    sources = symbols.sources
    helpers = _without_the_applications(_helpers(symbols, plugins), symbols)
    modules = {
        path: replace(module, is_test=True, is_production=False) if path in helpers else module
        for path, module in sources.modules.items()
    }
    return symbols.over(replace(sources, modules=modules))


def loaded_by_pytest(symbols: Symbols, configuration: Configuration) -> set[Path]:
    """Return the modules of a suite that a run loads: what is collected, conftests, plugins, and what those import.

    A folder of tests may hold programs as well, which others start.
    """
    sources = symbols.sources
    patterns = configuration.strings("python_files") or PYTHON_FILES
    loaded = _files_of(named_plugins(configuration), symbols) | {
        module.path
        for module in sources.tests
        if module.path.name == "conftest.py" or any(fnmatch(module.path.name, each) for each in patterns)
    }
    waiting, left = list(loaded), {module.path for module in sources.tests} - loaded
    while waiting and left:
        new = _imported(sources.modules[waiting.pop()], left, symbols)
        new |= {path for each in new if (path := each.parent / "__init__.py") in left}
        left -= new
        loaded |= new
        waiting += new
    return loaded


def outside_tests(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module of the suite that are in no test: fixtures, helpers, what runs at import."""
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        if inner is not node:
            yield inner
        waiting.extend(
            each for each in reversed(children(inner)) if not _is_test(each) and not is_constant_alone(each)
        )


def _is_test(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return node.name.startswith("test") and not is_fixture(node)


def is_fixture(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is one of pytest's fixtures."""
    return any("fixture" in ast.unparse(decorator) for decorator in function.decorator_list)


def named_plugins(configuration: Configuration) -> Iterator[str]:
    """Yield the plugins that pytest is told to load: by ``-p``, and by the entry points of the project itself."""
    words = configuration.strings("addopts")
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word.startswith("-p"):
            yield word.removeprefix("-p") or following
    for names in (("project", "entry-points", "pytest11"), ("tool", "poetry", "plugins", "pytest11")):
        yield from map(str, (table_at(configuration.document, names) or {}).values())


def _files_of(plugins: Iterable[str], symbols: Symbols) -> set[Path]:
    """Return the project's files among plugins, which pytest imports as a conftest at the top does."""
    located = (symbols.locate(name, symbols.sources.root / "conftest.py") for name in plugins)
    return {path for path in located if path is not None}


def _helpers(symbols: Symbols, plugins: Iterable[str]) -> set[Path]:
    """Return the modules outside the tests' folders that tests import, and that are for pytest."""
    sources = symbols.sources
    found = _files_of(plugins, symbols)
    likely = {module.path for module in sources.production if _is_for_tests(module)} - found
    waiting = [*(module.path for module in sources.tests), *found] if likely or found else []
    while waiting:
        importer = waiting.pop()
        beside = _beside(importer, symbols) if importer in found else set()
        new = _imported(sources.modules[importer], (likely | beside) - found, symbols)
        found |= new
        waiting += new
    return found


def _beside(file: Path, symbols: Symbols) -> set[Path]:
    return {module.path for module in symbols.sources.production if module.path.parent == file.parent}


def _without_the_applications(found: set[Path], symbols: Symbols) -> set[Path]:
    """Leave out what a module of the application imports, and so on."""
    others = [module for module in symbols.sources.production if module.path not in found] if found else []
    used = {path for module in others for path in _imported(module, found, symbols)}
    return _without_the_applications(found - used, symbols) if used else found


def _imported(module: Module, among: set[Path], symbols: Symbols) -> set[Path]:
    """Return those of some files that a module imports, in functions too, or names as plugins."""
    stems = {part for path in among for part in (path.stem, path.parent.name)}
    names = [*imported_names(module.imports, module.path), *_plugins(module)]
    found = (symbols.locate(name, module.path) for name in names if name.rpartition(".")[2] in stems)
    return {path for path in found if path in among}


def _plugins(module: Module) -> Iterator[str]:
    for name, value in (pair for statement in module.tree.body for pair in assignments(statement)):
        if name == "pytest_plugins":
            yield from (
                node.value
                for node in ast.walk(value)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )


def _is_for_tests(module: Module) -> bool:
    return any(name.partition(".")[0] in RUNNERS or name in CLIENTS for name in module.imported)
