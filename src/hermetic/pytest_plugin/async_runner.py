"""Who runs an async test and its fixtures, read once one has failed: from pytest's objects and its configuration files.

Of the files with their lines, those that pytest does not read as well.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from hermetic.code import Location, location_of
from hermetic.explain.runner import FIXTURES, KEYS, TESTS, Ignored, LoopScope, Plugin, Runner, Setting
from hermetic.explain.written_settings import (
    FILES,
    Written,
    is_of_another_file,
    key_meant_by,
    sections_of,
    written,
)

PLUGINS = {"pytest-asyncio": "asyncio", "anyio": "anyio"}
"""Distributions, and the names under which pytest knows their plugins."""


def runner_of(item: pytest.Item) -> Runner:
    """Return who runs a test."""
    config = item.config
    function = getattr(item, "function", None)
    names = getattr(item, "fixturenames", ())
    settings = _settings(config)
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    backend = parameters.get("anyio_backend") or getattr(item, "funcargs", {}).get("anyio_backend") or ""
    runner = Runner(
        versions={
            name: _version(name) for name, plugin in PLUGINS.items() if config.pluginmanager.hasplugin(plugin)
        },
        runs=_runs(item),
        uses_anyio="anyio_backend" in names,
        backend=backend[0] if isinstance(backend, tuple) else str(backend),
        marks=dict(_marks(item, function)),
        settings=settings,
        configuration=str(config.inipath or config.rootpath / "pytest.ini"),
        ignored=tuple(ignored(config, Path(str(item.path)).parent)),
    )
    if runner.runs != "pytest-asyncio":
        return runner
    return Runner(**{**vars(runner), "loop": _loop_of_test(item, runner)})


def loop_of(fixture: pytest.FixtureDef[Any], runner: Runner) -> LoopScope | None:
    """Return the scope of the loop in which pytest-asyncio runs a fixture; None where it does not.

    This is what pytest-asyncio does itself, when it sets a fixture up.
    """
    function = fixture.func
    is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    is_its_own = bool(getattr(function, "_force_asyncio_fixture", False))
    if "pytest-asyncio" not in runner.versions or runner.uses_anyio:
        return None
    if not is_its_own and not (is_async and runner.mode == "auto"):
        return None
    own = getattr(function, "_loop_scope", None)
    if own is not None:
        return LoopScope(own, "loop_scope", location_of(function))
    return runner.default_loop(FIXTURES, fixture.scope)


def _runs(item: pytest.Item) -> Plugin:
    if type(item).__module__.startswith("pytest_asyncio."):
        return "pytest-asyncio"
    is_async = inspect.iscoroutinefunction(getattr(item, "function", None))
    return "anyio" if is_async and "anyio_backend" in getattr(item, "fixturenames", ()) else ""


def _loop_of_test(item: pytest.Item, runner: Runner) -> LoopScope:
    mark = item.get_closest_marker("asyncio")
    own = None if mark is None else mark.kwargs.get("loop_scope") or mark.kwargs.get("scope")
    if own is not None:
        return LoopScope(str(own), "loop_scope", runner.marks.get("asyncio"))
    return runner.default_loop(TESTS, "function")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:  # a copy in the project's own folder
        return ""


def _settings(config: pytest.Config) -> Mapping[str, Setting]:
    given = settings_in(config.inipath) if config.inipath else {}
    found = {}
    for key in KEYS:
        if key in given:
            found[key] = given[key]
        with suppress(KeyError, ValueError):  # of a plugin that is not there
            value = config.getoption(key, None) or config.getini(key)
            is_default = key not in given and value in ("", None, "strict", "function")
            if not is_default and (key not in found or found[key].value != value):
                found[key] = Setting(str(value), None)
    return found


def _marks(item: pytest.Item, function: Any) -> Iterator[tuple[str, Location]]:
    location = location_of(function)
    for name in ("asyncio", "anyio"):
        if location is not None and item.get_closest_marker(name) is not None:
            found = mark_at(location, name)
            if found is not None:
                yield name, found


def mark_at(function: Location, name: str) -> Location | None:
    """Return the line that puts a mark on a test: a decorator of its own, of its class, or a ``pytestmark``."""
    with suppress(OSError, SyntaxError, ValueError):
        tree = ast.parse(Path(function.file).read_text(encoding="utf-8"))
        path = _path_to(tree, function.line)
        for node in reversed(path):
            for expression in _marking(node):
                for part in ast.walk(expression):
                    if isinstance(part, ast.Attribute) and part.attr == name and _ends_with_mark(part.value):
                        return Location(function.file, part.lineno, "")
    return None


def _path_to(tree: ast.Module, line: int) -> list[ast.AST]:
    """Return the module, the classes, and the function that is defined at a line."""
    path: list[ast.AST] = [tree]
    here: ast.AST | None = tree
    while here is not None:
        here = next((node for node in ast.iter_child_nodes(here) if _spans(node, line)), None)
        path += [] if here is None else [here]
    return path


def _spans(node: ast.AST, line: int) -> bool:
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return first <= line <= (node.end_lineno or first)


def _marking(node: ast.AST) -> Iterator[ast.expr]:
    yield from getattr(node, "decorator_list", ())
    for statement in getattr(node, "body", ()):
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in statement.targets
        ):
            yield statement.value


def _ends_with_mark(node: ast.expr) -> bool:
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) == "mark"


def settings_in(path: Path) -> dict[str, Setting]:
    """Return the runner's settings of a configuration file, with their lines."""
    sections = sections_of(path)
    return {
        each.key: _setting(each, path)
        for each in written(path)
        if each.key in KEYS and each.section in sections
    }


def _setting(line: Written, path: Path) -> Setting:
    return Setting(line.value, Location(str(path), line.line, ""))


def ignored(config: pytest.Config, folder: Path) -> Iterator[Ignored]:
    """Give what pytest does not read: beside the file that it reads, in it, and in the folders from there to one."""
    root = config.inipath.parent if config.inipath else config.rootpath
    folders = [each for each in (folder, *folder.parents) if each.is_relative_to(root)] or [root]
    for each in folders[::-1]:
        for path in (each / name for name in FILES if (each / name).is_file()):
            if path == config.inipath:
                yield from _misspelt(config, path)
            elif found := settings_in(path):
                yield Ignored(str(path), found)
            yield from _in_another_section(path)


def _misspelt(config: pytest.Config, path: Path) -> Iterator[Ignored]:
    """Give the keys that nobody has registered, and that are spelt much like one of a runner."""
    for each in written(path):
        meant = key_meant_by(each.key, KEYS)
        is_read = each.section in sections_of(path) and each.key not in KEYS
        if meant and is_read and not _is_known(config, each.key):
            why = f"spelt {each.key}, which is no key that anybody reads"
            yield Ignored(str(path), {meant: _setting(each, path)}, why)


def _is_known(config: pytest.Config, key: str) -> bool:
    with suppress(KeyError, ValueError):
        config.getini(key)
        return True
    return False


def _in_another_section(path: Path) -> Iterator[Ignored]:
    """Give what stands in a section that pytest reads in files of another name only."""
    found: dict[str, dict[str, Setting]] = {}
    for each in written(path):
        if each.key in KEYS and is_of_another_file(each.section, path):
            found.setdefault(each.section, {})[each.key] = _setting(each, path)
    for section, settings in found.items():
        right = f"[{sections_of(path)[-1]}]"
        why = f"under [{section}], where pytest reads {right} in a file of this name"
        yield Ignored(str(path), settings, why, f", under {right}")
